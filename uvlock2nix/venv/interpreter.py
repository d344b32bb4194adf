"""``pyvenv.cfg`` and ``bin/python``: what makes a folder an environment (PEP 405)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from uvlock2nix.errors import ToolError


def write_interpreter(root: Path, python: Path, version: str) -> Path:
    """Make ``root`` a virtual environment of ``python``; return its interpreter.

    ``version`` is the minor (``3.13``). https://docs.python.org/3/library/site.html
    """
    bin_dir = root / "bin"
    bin_dir.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3", f"python{version}"):
        link = bin_dir / name
        link.unlink(missing_ok=True)
        link.symlink_to(python if name == "python" else "python")
    (root / "pyvenv.cfg").write_text(
        f"home = {python.parent}\n"
        "implementation = CPython\n"
        f"version_info = {version}\n"
        "include-system-site-packages = false\n",
        encoding="utf-8",
    )
    return bin_dir / "python"


def compile_bytecode(folder: Path, python: Path, cores: int) -> None:
    """Compile all modules below ``folder``; a module that does not compile is left to fail when imported.

    The bytecode is of the kind that is never compared with its source (PEP 552): in the store neither can
    change, and modification times are all the same there.
    """
    argv = [
        str(python), "-I", "-m", "compileall", "-q", "-q", "-f",
        "--invalidation-mode", "unchecked-hash", "-j", str(max(1, cores)), str(folder),
    ]  # fmt: skip
    try:
        # Its exit code says that some module did not compile: code for another Python, templates, tests.
        subprocess.run(
            argv, check=False, env={"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}, stdout=subprocess.DEVNULL
        )
    except OSError as error:
        raise ToolError(
            f"{python}: cannot be run: {error.strerror}", hint="--interpreter names the Python of the target"
        ) from None
