"""``flake.nix``: written once, where a project has none; afterwards it is the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from uvlock2nix.emit.common import strings
from uvlock2nix.lock.places import FOLDER
from uvlock2nix.nixlang import (
    AttrSet,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Path,
    call,
    render,
    render_file,
    string,
)

FLAKE: Final = "flake.nix"
NIXPKGS_URL: Final = "github:NixOS/nixpkgs/nixos-unstable"


def flake_file(name: str, description: str, systems: Sequence[str], url: str, nixpkgs: str) -> str:
    """The text of ``flake.nix``: two inputs, and everything that ``mkOutputs`` gives."""
    own = AttrSet(
        (
            Bind(("url",), string(url)),
            Bind(("inputs", "nixpkgs", "follows"), string("nixpkgs")),
        )
    )
    inputs = AttrSet((Bind(("nixpkgs", "url"), string(nixpkgs)), Bind(("uvlock2nix",), own)))
    formals = (Formal("self"), Formal("nixpkgs"), Formal("uvlock2nix"))
    body = AttrSet(
        (
            Bind(("description",), string(description)),
            Bind(("inputs",), inputs, blank_before=True),
            Bind(("outputs",), Func(formals, _outputs(name, systems)), blank_before=True),
        )
    )
    return render_file(body, ())


def _outputs(name: str, systems: Sequence[str]) -> Expr:
    arguments = AttrSet(
        (
            Inherit(("self", "nixpkgs")),
            Bind(("name",), string(name)),
            Bind(("files",), Path(0, (FOLDER,))),
            Bind(("systems",), strings(systems)),
        )
    )
    return call("uvlock2nix.lib.mkOutputs", arguments)


def additions(name: str, systems: Sequence[str], url: str) -> str:
    """What a flake that is there already needs: an input, and the outputs."""
    entry = render(string(url))
    return (
        f"inputs.uvlock2nix.url = {entry};\n"
        'inputs.uvlock2nix.inputs.nixpkgs.follows = "nixpkgs";\n'
        f"outputs = {{ self, nixpkgs, uvlock2nix, ... }}: {render(_outputs(name, systems))};"
    )
