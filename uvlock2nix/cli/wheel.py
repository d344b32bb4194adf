"""``uvlock2nix wheel``: what the derivation of one package runs. Called by hooks, not by people.

It runs once for each package: nothing is imported that most wheels do without.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from uvlock2nix.cli.inside import Command
from uvlock2nix.cli.layered import compiling_cores, note, program_path, say
from uvlock2nix.cli.words import Options, Words

if TYPE_CHECKING:
    from uvlock2nix.venv.wants import Want
    from uvlock2nix.venv.wheel import Settling

# What a package is settled with: its Python and that one's minor version; folders with libraries, and
# those from which it opens libraries by name; names or patterns of libraries that may be missing.
_SINGLE: Final = "interpreter python cores"
_SETTLING: Final = Options(_SINGLE, "library dlopen ignore", "no-bytecode")


def _install(words: Words) -> None:
    """Install one WHEEL into the new folder OUT."""
    from uvlock2nix.cli.inputs import object_of
    from uvlock2nix.venv.wheel import install_ordinary

    wheel, out = map(Path, words.arguments)
    filename = words.needed("filename")
    about = object_of("--artifact", words.text("artifact"))
    settling = _read(words)
    wants = install_ordinary(wheel, filename, out, about, settling) if words.has("then-settle") else None
    if wants is None:
        from uvlock2nix.build.programs import Runner
        from uvlock2nix.venv.single import Place, install_wheel

        work = Path(words.needed("work")).absolute()
        work.mkdir(parents=True, exist_ok=True)
        uv = words.text("uv", "uv")
        place = Place(Runner(), uv, settling.python, settling.version, work, os.environ)
        install_wheel(wheel, filename, out, place, about)
        if words.has("then-settle"):
            _settle_in(out, settling)
    else:
        _report(wants)


def _settle(words: Words) -> None:
    """Make the package installed in OUT find its libraries, and compile its modules."""
    _settle_in(Path(words.arguments[0]), _read(words))


COMMANDS: Final[Mapping[str, Command]] = {
    "install": Command(
        _install,
        _SETTLING._replace(single=f"{_SINGLE} filename artifact work uv", flags="no-bytecode then-settle"),
        "WHEEL OUT",
    ),
    "settle": Command(_settle, _SETTLING, "OUT"),
}


def _read(words: Words) -> Settling:
    from uvlock2nix.venv.wheel import Settling

    return Settling(
        Path(words.needed("interpreter")),
        words.needed("python"),
        words.all("library"),
        words.all("dlopen"),
        words.all("ignore"),
        compiling_cores(words),
        program_path(),
        note,
    )


def _settle_in(out: Path, settling: Settling) -> None:
    from uvlock2nix.venv.wheel import settle_installed

    _report(settle_installed(out, settling))


def _report(wants: Iterable[Want]) -> None:
    for want in wants:
        say(f"{want.file} needs {want.library} of another package")
