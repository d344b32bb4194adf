"""``pyvenv.cfg`` and ``bin/python``: what makes a folder an environment (PEP 405)."""

from __future__ import annotations

from pathlib import Path


def write_interpreter(root: Path, python: Path, version: str) -> Path:
    """Make ``root`` a virtual environment of ``python``; return its interpreter.

    ``version`` is the minor version (``3.13``). https://docs.python.org/3/library/site.html
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
