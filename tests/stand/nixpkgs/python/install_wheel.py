"""Install one wheel into a prefix: `install_wheel.py WHEEL PREFIX SITE`; launchers from its entry points."""

import compileall
import configparser
import os
import py_compile
import shutil
import sys
import zipfile
from pathlib import Path

LAUNCHER = """#!{python}
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit({call}())
"""


class CaseSensitive(configparser.ConfigParser):
    """Entry point names keep their case."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def main(wheel: str, prefix: str, site: str) -> None:
    target = Path(prefix, site)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            place = target / info.filename
            parts = Path(info.filename).parts
            if parts[0].endswith(".data") and len(parts) > 2:
                roots = {
                    "purelib": target,
                    "platlib": target,
                    "scripts": Path(prefix, "bin"),
                    "data": Path(prefix),
                }
                roots["headers"] = Path(prefix, "include")
                place = roots[parts[1]].joinpath(*parts[2:])
            if info.is_dir():
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as source, place.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            if (info.external_attr >> 16) & 0o111 or place.parent.name == "bin":
                place.chmod(0o755)
                text = place.read_bytes()
                if text.startswith(b"#!python"):
                    place.write_bytes(b"#!" + os.fsencode(sys.executable) + text[len(b"#!python") :])
    for entry_points in target.glob("*.dist-info/entry_points.txt"):
        config = CaseSensitive(delimiters=("=",), interpolation=None)
        config.read(entry_points, encoding="utf-8")
        for section in ("console_scripts", "gui_scripts"):
            for name, value in config.items(section) if config.has_section(section) else ():
                module, _, call = value.partition("[")[0].strip().partition(":")
                launcher = Path(prefix, "bin", name)
                launcher.parent.mkdir(parents=True, exist_ok=True)
                first = call.split(".")[0]
                launcher.write_text(
                    LAUNCHER.format(python=sys.executable, module=module, first=first, call=call)
                )
                launcher.chmod(0o755)
    # As in nixpkgs, the store has the bytecode, which is not stale there.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(target, quiet=2, force=True, invalidation_mode=mode)


main(*sys.argv[1:])
