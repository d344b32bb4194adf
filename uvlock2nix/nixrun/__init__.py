"""The adapter to Nix: runs it and reads its output.

- ``runner``: the port that runs every external program; ``version``: the version of Nix
- ``build``: a build of a fixed-output derivation, and its correct hash
- ``stream``, ``messages``: Nix's log while it runs, and the meaning of its messages
- ``hints``: what went wrong, and what to do about it
- ``nixpkgs``: where nixpkgs comes from; ``project``, ``file``, ``stage``: what is evaluated
- ``freshness``: whether the pins match the lock, without Nix
"""
