"""``bin/python`` of an environment, as a program that works through any symlink to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uvlock2nix.build.programs import Runner

# CPython looks for pyvenv.cfg next to the path that it was called by, without following symlinks; so a
# symlink to bin/python from a profile would be the bare interpreter. This program knows its own path. It is
# compiled, because macOS does not run scripts whose interpreter is a script.
# https://docs.python.org/3/library/site.html
_PROGRAM: Final = """\
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  static char self[] = {SELF};
  (void)argc;
  argv[0] = self;
  execv({PYTHON}, argv);
  perror({PYTHON});
  return 127;
}
"""


def write_wrapper(root: Path, python: Path, compiler: str, work: Path, run: Runner) -> None:
    """Replace ``bin/python`` with a program that finds its environment through any symlink to it.

    ``work`` is an existing folder for its source.

    Raises:
        ToolError: the compiler is missing or fails.
    """
    from uvlock2nix.build.rpath import without_rpath  # only a package compiles one

    target = root / "bin" / "python"
    source = work / "python.c"
    text = _PROGRAM.replace("{SELF}", _c_string(target)).replace("{PYTHON}", _c_string(python))
    source.write_text(text, encoding="ascii")
    target.unlink(missing_ok=True)
    argv = [compiler, "-O2", "-o", str(target), source.name]
    run(argv, what="making bin/python", env=without_rpath(os.environ), cwd=work)


def _c_string(path: Path) -> str:
    """A path as a C literal, whatever its characters."""
    return '"' + "".join(f"\\{byte:03o}" for byte in os.fsencode(path)) + '"'
