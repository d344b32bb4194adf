"""Call one hook of a build backend. Run as a script, by the Python of the build, in the source tree.

Not through `uv build`: it would take its own version of uv_build, read settings that the source has for its
developers, and differ between uv's versions. This file is run by Pythons that do not have uvlock2nix, so it
imports nothing but the standard library.
https://peps.python.org/pep-0517/#build-backend-interface
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any


def call(wanted: dict[str, Any]) -> object:
    """Build what is wanted into ``wanted["out"]``, or make its metadata in ``wanted["metadata"]``.

    Without either, ask what the build needs beyond what is declared.
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
    """Read what is wanted from the file that is named, write the answer where it says."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: PTH123 - as little as can be is imported
        wanted = json.load(file)
    sys.argv[1:] = []
    # Not the folder of this script: its neighbours have names that a backend could import.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    own = [os.path.join(os.getcwd(), part) for part in wanted["path"]]  # noqa: PTH109, PTH118
    sys.path[:] = own + [path for path in sys.path if path not in ("", here)]
    answer = call(wanted)
    with open(wanted["answer"], "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(answer, file)


if __name__ == "__main__":
    main()
