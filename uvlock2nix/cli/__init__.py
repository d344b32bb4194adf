"""The command line: options, output, progress, and the only error boundary. What commands do is in ``app``.

``app`` (the group and the boundary) imports a command's module when it is called: ``generate``,
``update_hash``, ``classify`` (with ``classify_text``, ``classify_html`` and ``classify_json``), ``check``,
``verify``, ``index``, ``refs``, and ``sync`` and ``venv``, which hooks call inside builds. ``options`` has
the options that several commands share, ``inputs`` the names of store paths, ``reporter`` and ``progress``
what is shown while work goes on, ``interrupt`` the signals, ``terminal`` what is safe to print.
"""
