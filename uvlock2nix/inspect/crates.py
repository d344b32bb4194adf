"""The Cargo.lock of a local package built with cargo, which lists the crates for its offline build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import tomli

from uvlock2nix.errors import ProjectError
from uvlock2nix.reading import read_regular
from uvlock2nix.regex import regex

# How setup.py names the crate of a `RustExtension`.
_MANIFEST: Final = regex(r"""["']([\w./-]{0,200}Cargo\.toml)["']""")
_DEPENDENCIES: Final = ("dependencies", "build-dependencies")


def cargo_lock(root: Path, package: PurePosixPath, name: str) -> PurePosixPath | None:
    """The Cargo.lock of the package in the folder ``package`` of ``root``, relative to ``root``.

    It is next to the Cargo.toml of the package, or of the Cargo workspace around it
    (https://doc.rust-lang.org/cargo/reference/workspaces.html). None if it needs no other crate, or the
    source has them (`cargo vendor`).

    Raises:
        ProjectError: there is no Cargo.lock, although crates are needed.
    """
    folder = _manifest_folder(root, package)
    if _is_vendored(root, folder) or _is_vendored(root, package):
        return None
    for candidate in (folder, *folder.parents):
        if (root / candidate / "Cargo.lock").is_file():
            return candidate / "Cargo.lock"
        if candidate == PurePosixPath("."):
            break
    needed = sorted(set(_crates(_toml(root / folder / "Cargo.toml"))))
    if not needed:
        return None
    raise ProjectError(
        f"{name}: it is built with cargo and needs crates ({', '.join(needed[:5])}), but has no Cargo.lock",
        hint=f"run `cargo generate-lockfile` in {root / folder}: Nix fetches crates by the hashes in it",
    )


def _is_vendored(root: Path, folder: PurePosixPath) -> bool:
    """Whether cargo, run in ``folder``, takes crates from a folder of the source.

    https://doc.rust-lang.org/cargo/reference/source-replacement.html
    """
    for place in (folder, *folder.parents):
        for name in (".cargo/config.toml", ".cargo/config"):
            sources = _toml(root / place / name).get("source")
            for one in sources.values() if isinstance(sources, dict) else ():
                other = one.get("replace-with") if isinstance(one, dict) else None
                table = sources.get(other) if isinstance(sources, dict) and isinstance(other, str) else None
                directory = table.get("directory") if isinstance(table, dict) else None
                if isinstance(directory, str) and (root / place / directory).is_dir():
                    return True
    return False


def _manifest_folder(root: Path, package: PurePosixPath) -> PurePosixPath:
    """The folder of Cargo.toml, which pyproject.toml can set for maturin and setuptools-rust."""
    table = _toml(root / package / "pyproject.toml").get("tool")
    tool = table if isinstance(table, dict) else {}
    maturin = tool.get("maturin")
    given = [maturin.get("manifest-path")] if isinstance(maturin, dict) else []
    rust = tool.get("setuptools-rust")
    modules = rust.get("ext-modules") if isinstance(rust, dict) else None
    given += [one.get("path") for one in modules or () if isinstance(one, dict)]
    given += _MANIFEST.findall(_text(root / package / "setup.py"))
    places = [PurePosixPath(one) for one in given if isinstance(one, str)]
    places += [
        PurePosixPath("Cargo.toml"),
        PurePosixPath("rust/Cargo.toml"),
        PurePosixPath("native/Cargo.toml"),
    ]
    for place in places:
        if ".." not in place.parts and not place.is_absolute() and (root / package / place).is_file():
            return (package / place).parent
    return package


def _crates(manifest: Mapping[str, object]) -> Iterator[str]:
    """The crates that a Cargo.toml requires, except those in its own tree."""
    for key in _DEPENDENCIES:
        table = manifest.get(key)
        for name, wanted in (table if isinstance(table, dict) else {}).items():
            if not (isinstance(wanted, dict) and "path" in wanted):
                yield name
    targets = manifest.get("target")
    for table in (targets if isinstance(targets, dict) else {}).values():
        if isinstance(table, dict):
            yield from _crates(table)


def _toml(path: Path) -> Mapping[str, object]:
    try:
        return tomli.loads(_text(path))
    except (ValueError, RecursionError):
        return {}  # its build reports what is wrong with it


def _text(path: Path) -> str:
    try:
        return read_regular(path).decode()
    except (OSError, ValueError):
        return ""
