"""Build a wheel of the project in the current directory by its own backend (PEP 517), without isolation."""

import importlib
import sys
import tomllib
from pathlib import Path


def main(into: str) -> None:
    try:
        with Path("pyproject.toml").open("rb") as file:
            system = tomllib.load(file).get("build-system", {})
    except FileNotFoundError:
        system = {}
    sys.path[:0] = [str(Path(path).resolve()) for path in system.get("backend-path", [])]
    if "backend-path" not in system and "build-backend" not in system:
        sys.path.insert(0, str(Path.cwd()))
    module, _, attributes = system.get("build-backend", "setuptools.build_meta:__legacy__").partition(":")
    backend = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    target = Path(into).resolve()
    target.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(backend.build_wheel(str(target)) + "\n")


main(sys.argv[1])
