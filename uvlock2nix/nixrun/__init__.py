"""The adapter to Nix: it runs nix and reads what nix says.

- ``runner``: the port through which every outside program is run; ``version``: which Nix it is
- ``build``: one build of a fixed-output derivation, and the hash that is right for it
- ``stream``, ``messages``: Nix's log as it comes, and what its messages mean
- ``hints``: what went wrong, and what to do about it
- ``nixpkgs``: where nixpkgs comes from; ``project``, ``file``, ``stage``: what is evaluated
- ``freshness``: whether pins agree with the lock, without Nix
"""
