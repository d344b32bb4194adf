"""Environment + knowledge → classes: where each package comes from, what it needs, and why.

- ``model``: a classified package and the policy as values.
- ``packages``: each package by itself, then all together.
- ``settle``, ``closure``: what may come from nixpkgs, decided on the graph.
- ``version_bounds``: which other versions of a package an environment would bear.
- ``policy``: ``--from-nixpkgs`` and ``[tool.uvlock2nix.nixpkgs]``.
- ``knowledge``: everything that classification may ask, as one value.
"""
