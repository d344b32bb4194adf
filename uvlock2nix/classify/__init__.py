"""Environment + knowledge → classes: where each package comes from, what it needs, and why.

- ``model``: a classified package and the policy as values.
- ``packages``: each package on its own, then all together.
- ``settle``, ``closure``: what may come from nixpkgs, decided on the graph.
- ``version_bounds``: which other versions of a package fit an environment.
- ``policy``: ``--from-nixpkgs`` and ``[tool.uvlock2nix.nixpkgs]``.
- ``knowledge``: everything that classification uses, as a value.
"""
