"""What each command does, callable as a library: frozen values in, frozen values out, nothing printed.

``request`` (the options over ``[tool.uvlock2nix]``) → ``gather`` (environment and knowledge → classes)
→ ``planning`` (classes → Plan → files, with what is on disk) → ``files`` (writing them, all or none);
``remarks`` are the notes on the way. ``state`` compares a project with what generate would write; ``check``
and ``update_hash`` decide by it. ``hash_without_nix`` and ``commit_message`` belong to ``update_hash``, and
``update_file`` does the same for handwritten Nix files. ``verify`` builds deps twice, ``index`` creates the
exact nixpkgs index. ``reporter`` is the port through which all of them report.
"""
