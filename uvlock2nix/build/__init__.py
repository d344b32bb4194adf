"""Building packages from source (PEP 517) at fixed paths, so that two builds give the same wheel.

- ``values``: what is built, what only this build gets, what all builds share
- ``sources``, ``unpack``: the source at its fixed place, from an archive, a commit or a folder
- ``file_list``: a repository around it, for tools that ask git which files there are
- ``requirements``: what a source declares that its build needs, and what is asked for in its place
- ``indexes``: where requirements come from
- ``machine``, ``isolation``, ``rpath``: what a build sees of the machine, of its native inputs, of the linker
- ``environment``, ``prepared``: the folder with the build requirements, and the variables of one build
- ``backend``, ``call_backend``: calling the build backend; the second is run by the build's own Python
- ``wheel``: one build, from an unpacked source to its wheel
- ``schedule``: many builds side by side
- ``programs``: running outside programs
"""
