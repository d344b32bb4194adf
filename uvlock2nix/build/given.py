"""Build requirements as given files: for a derivation that builds a single sdist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uvlock2nix.build.environment import BuildEnvironment, install_wheels
from uvlock2nix.build.prepared import meets, site_of, versions_of
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.dist.installed import installed
from uvlock2nix.errors import InputError, ToolError


@dataclass(frozen=True, slots=True)
class Given:
    """``files`` are installed before the backend runs, ``asked`` only if it asks for more."""

    files: tuple[Path, ...]
    asked: tuple[Path, ...] = ()

    def install(
        self,
        requires: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        ready: Mapping[str, Path],
    ) -> None:
        """Install the files (and ``ready``), and check that they meet ``requires``.

        Raises:
            ToolError: uv failed, or no file meets a requirement.
        """
        site, what = site_of(environment), f"installing the build requirements of {build.name}"
        if not any(site.glob("*.dist-info")):
            install_wheels((*self.files, *ready.values()), environment, context, what)
        if self.asked and _unmet(requires, site):
            install_wheels(self.asked, environment, context, what)
        if missing := _unmet(requires, site):
            quoted = ", ".join(f'"{text}"' for text in missing)
            raise ToolError(
                f"{build.what}: {', '.join(missing)} is not among the locked build requirements",
                hint=f"set build-requires = [{quoted}] under [tool.uvlock2nix.native.{build.name}] and run "
                "`uvlock2nix generate`",
            )


def _unmet(requires: Sequence[str], site: Path) -> list[str]:
    here = versions_of(installed(site))
    return [text for text in requires if not meets(text, here)]


def named_wheels(given: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Wheels under their own names, as links in ``folder``, from ``NAME=PATH``.

    ``PATH`` is a wheel to be named ``NAME``, or a folder with one wheel.

    Raises:
        InputError: it is neither.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    for text in given:
        name, _, place = text.partition("=")
        path = Path(place)
        if path.is_dir():
            wheels = sorted(path.glob("*.whl"))
            if len(wheels) != 1:
                raise InputError(f"{path}: {len(wheels)} wheels in a folder for a single one")
            path, name = wheels[0], wheels[0].name
        if not path.is_file() or "/" in name or not name.endswith(".whl"):
            raise InputError(
                f"{text}: not NAME=PATH of a wheel", hint="for example --given NAME.whl=/nix/store/…"
            )
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(path.absolute())
        found.append(link)
    return tuple(found)
