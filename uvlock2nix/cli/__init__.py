"""The command line: options, output, progress and the only error boundary. ``app`` has what the commands do.

The module ``app`` (the group and the boundary) imports a command when it is called: ``generate``,
``update_hash``, ``classify`` (with ``classify_text``, ``classify_html`` and ``classify_json``), ``check``,
``verify``, ``index``, ``refs``, and ``sync`` and ``sdist``, which hooks call inside builds. ``inside`` runs
``wheel`` and ``venv`` (with ``layered``), which they call most often, without click; ``words`` reads their
options. ``stripping`` is shared by ``refs`` and ``sync``. ``options`` has
the options that several commands share, ``inputs`` parses the names of store paths, ``reporter`` and
``progress`` show what is going on, ``interrupt`` handles signals, ``shown`` is an error as people see it.
"""

# The commands that are run without click, each a module of its own.
PLAIN = ("wheel", "venv")
