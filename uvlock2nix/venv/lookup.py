"""Let ctypes and PyGObject find libraries that packages of this environment open by name, in the Nix store.

uvlock2nix copies this file into an environment as ``_uvlock2nix_lookup.py``, with a ``.pth`` file that
imports it when Python starts and the paths in ``_uvlock2nix_paths.py``. Only the standard library is used.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class _Finder:
    """Finds ctypes as usual, with a loader that patches it on import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the next finders (https://docs.python.org/3/library/importlib.html)."""
        change = _CHANGES.get(name)
        if change is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, change)
                return spec  # type: ignore[no-any-return]
        return None


class _Loader:
    """The module's own loader, followed by the patch."""

    def __init__(self, loader: Any, change: Callable[[Any], None]) -> None:
        self._loader = loader
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: Any) -> None:
        """Run the module with its own loader, then patch it."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._change(module)


def _change_ctypes(module: Any) -> None:
    """``CDLL("libx.so.1")``: open a known bare file name by its path."""
    original = getattr(module, "_dlopen", None)
    if original is None:
        return

    def _dlopen(name: Any, *arguments: Any) -> Any:
        from _uvlock2nix_paths import FILES  # type: ignore[import-not-found]

        return original(FILES.get(name, name) if isinstance(name, str) else name, *arguments)

    module._dlopen = _dlopen  # called by CDLL in every version of Python


def _change_util(module: Any) -> None:
    """``find_library("x")``: ours first, because the host's may need a different C library."""
    original = module.find_library

    def find_library(name: Any) -> Any:
        from _uvlock2nix_paths import FILES, NAMES

        key = os.fsdecode(name) if isinstance(name, (str, bytes)) else name
        return NAMES.get(key) or FILES.get(key) or original(name) or _of_libc(key)

    # To be pickled like the original.
    find_library.__module__, find_library.__qualname__ = original.__module__, original.__qualname__
    find_library.__doc__ = original.__doc__
    module.find_library = find_library


# The parts of glibc by linker name; every process has them or finds them next to libc.
_LIBC = {
    "c": "libc.so.6",
    "dl": "libdl.so.2",
    "m": "libm.so.6",
    "pthread": "libpthread.so.0",
    "rt": "librt.so.1",
}


def _of_libc(name: Any) -> str | None:
    """For systems with neither ldconfig nor a compiler, as in Nix."""
    try:
        glibc = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None
    return _LIBC.get(name) if glibc else None


def _change_gi(module: Any) -> None:
    """``gi.repository``: the descriptions of libraries (typelibs) are found in our folders too.

    libgirepository reads GI_TYPELIB_PATH once, when its repository is made. That is done here, so that the
    variable need not stay: programs that this one starts may have another GLib. What the user sets is first.
    """
    from _uvlock2nix_paths import TYPELIBS

    repository = getattr(module, "Repository", None)
    if not TYPELIBS or repository is None:
        return
    before = os.environ.get("GI_TYPELIB_PATH")
    os.environ["GI_TYPELIB_PATH"] = os.pathsep.join([*([before] if before else []), *TYPELIBS])
    try:
        repository.get_default()
    finally:
        del os.environ["GI_TYPELIB_PATH"]
        if before is not None:
            os.environ["GI_TYPELIB_PATH"] = before


_CHANGES: dict[str, Callable[[Any], None]] = {
    "ctypes": _change_ctypes,
    "ctypes.util": _change_util,
    "gi": _change_gi,
}


def install() -> None:
    """Patch ctypes on import, or now if it is already imported."""
    for name, change in _CHANGES.items():
        if name in sys.modules:
            change(sys.modules[name])
    if not any(type(finder).__name__ == "_Finder" for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
