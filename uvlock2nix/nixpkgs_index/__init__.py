"""The index of nixpkgs: which packages it has, in which version and under which attribute.

- ``model``: an index as a value, and how a locked package is compared with it.
- ``embedded``: the snapshot that is shipped with uvlock2nix.
- ``stored``: indexes in the cache, and which of them a project uses.
- ``evaluate``: an exact index by evaluating a nixpkgs; ``channel``: one from a channel,
  unpacked by ``brotli``.
"""
