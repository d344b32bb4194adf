"""What a lock does not contain: native inputs, build requirements, sonames, rules, as typed tables.

The facts are data files in ``data/``; the code here reads and checks them, and decides nothing.

- ``tables``: the checked reader of ``data/``; a row is checked when it is looked up.
- ``templates``: text with placeholders for store paths (``${zlib.dev}/include``).
- ``native``: native inputs as a value, and how those of several sources are merged.
- ``native_table``: the table of native inputs by package.
- ``user``: ``[tool.uvlock2nix.native]``, which beats every table.
- ``platforms``: what applies to some systems only.
- ``attributes``: what nixpkgs has under the attribute names that the tables use.
- ``names``: nixpkgs attributes by soname and by PyPI name; their former names.
- ``libraries``: names of libraries in pkg-config, CMake, linker flags, headers, crates.
- ``build_requires``: build requirements that sdists leave out.
- ``licenses``: licenses as the SPDX identifiers that nixpkgs knows.
- ``rules``: rules between packages and between libraries.
- ``baselines``: the defaults of a target: libc, macOS, patch releases of Python.
"""
