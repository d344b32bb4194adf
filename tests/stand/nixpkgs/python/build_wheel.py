"""Build a wheel of the project in the current directory by its own build backend (PEP 517), without isolation."""

import importlib
import os
import sys

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib


def main(into: str) -> None:
    try:
        with open("pyproject.toml", "rb") as file:
            system = tomllib.load(file).get("build-system", {})
    except FileNotFoundError:
        system = {}
    sys.path[:0] = [os.path.abspath(path) for path in system.get("backend-path", [])]
    if "backend-path" not in system and "build-backend" not in system:
        sys.path.insert(0, os.getcwd())
    module, _, attributes = system.get("build-backend", "setuptools.build_meta:__legacy__").partition(":")
    backend = importlib.import_module(module)
    for attribute in filter(None, attributes.split(".")):
        backend = getattr(backend, attribute)
    os.makedirs(into, exist_ok=True)
    sys.stdout.write(backend.build_wheel(os.path.abspath(into)) + "\n")


main(sys.argv[1])
