"""Call one hook of a build backend. Run as a script, by the Python of the build, in the source tree.

`uv build` is not used: it would use its own version of uv_build, read settings meant for the source's
developers, and differ between uv's versions. Pythons without uvlock2nix run this file, so it imports only the
standard library. https://peps.python.org/pep-0517/#build-backend-interface
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def call(wanted: dict[str, Any]) -> object:
    """Build the product into ``wanted["out"]``, or its metadata into ``wanted["metadata"]``.

    Without either, return the requirements beyond the declared ones.
    """
    module, _, attribute = wanted["backend"].partition(":")
    backend: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        backend = getattr(backend, part)
    if wanted["out"]:
        if wanted["product"] == "sdist":
            return backend.build_sdist(wanted["out"], wanted["settings"])
        return backend.build_wheel(wanted["out"], wanted["settings"], None)
    if wanted["metadata"]:
        hook = getattr(backend, "prepare_metadata_for_build_wheel", None)
        return hook(wanted["metadata"], wanted["settings"]) if hook else None
    hook = getattr(backend, f"get_requires_for_build_{wanted['product']}", None)
    return list(hook(wanted["settings"]) or []) if hook else []


def main() -> None:
    """Read the request from the file given as argument, and write the answer to the path in it."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - to import as little as possible
        wanted = json.load(file)
    sys.argv[1:] = []
    # Without the folder of this script, whose modules a backend could import by accident.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    own = [os.path.join(os.getcwd(), part) for part in wanted["path"]]  # noqa: PTH109, PTH118
    sys.path[:] = own + [path for path in sys.path if path not in ("", here)]
    answer = call(wanted)
    with open(wanted["answer"], "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(answer, file)


if __name__ == "__main__":
    main()
