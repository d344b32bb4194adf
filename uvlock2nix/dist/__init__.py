"""Installed distributions: one reader and one writer for everything that an installer writes.

- ``record``: RECORD files: the owner of a file, and lines that match the files on disk
- ``installed``: the distributions of a site-packages folder, and the paths that several of them ship
- ``entry_points``: ``entry_points.txt``
- ``launchers``: the programs of entry points
- ``scripts``: programs that wheels ship as files
- ``interpreter``: ``pyvenv.cfg`` and ``bin/python``
- ``cyclonedx``: a bill of materials
"""
