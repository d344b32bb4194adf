"""Installed distributions: one reader and one writer of everything that an installer leaves behind.

- ``record``: RECORD files: who owns a file, and lines that are right for what is on disk
- ``installed``: the distributions of a site-packages folder, and the paths that several of them have
- ``entry_points``: ``entry_points.txt``
- ``launchers``: the programs of entry points
- ``scripts``: programs that wheels ship as files
- ``cyclonedx``: a bill of materials of them
"""
