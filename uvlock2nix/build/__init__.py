"""Build packages from source (PEP 517) at fixed paths, so that wheels are reproducible.

- ``values``: a build, its own inputs, and what all builds share
- ``sources``, ``unpack``: the source at its fixed path, from an archive, a commit or a folder
- ``file_list``: a repository around it, for tools that list files with git
- ``requirements``: the build requirements that a source declares, and what is installed instead
- ``indexes``: the project's indexes
- ``machine``, ``isolation``, ``rpath``: the variables, native inputs and linker settings of a build
- ``environment``, ``prepared``: the folder with the build requirements, and the variables of a build
- ``backend``, ``call_backend``: call the build backend; the second is run by the build's own Python
- ``wheel``: a build, from an unpacked source to its wheel
- ``schedule``: many builds in parallel
- ``programs``: running external programs
"""
