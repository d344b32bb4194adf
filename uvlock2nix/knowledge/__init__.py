"""What a lock does not say: native inputs, the nixpkgs index, build requirements, sonames.

Facts are data files in ``data/``; the code here reads, checks and merges them.
"""
