"""``flake.nix``: written once, if a project has none; after that it is the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from uvlock2nix.emit.attributes import STANDALONE
from uvlock2nix.emit.common import strings
from uvlock2nix.lock.places import FOLDER
from uvlock2nix.nixlang import (
    AttrSet,
    Bind,
    Expr,
    Formal,
    Func,
    Inherit,
    Let,
    Path,
    call,
    render,
    render_file,
    string,
)

FLAKE: Final = "flake.nix"
NIXPKGS_URL: Final = "github:NixOS/nixpkgs/nixos-unstable"


def flake_file(name: str, description: str, systems: Sequence[str], url: str | None, nixpkgs: str) -> str:
    """The text of ``flake.nix``: two inputs, and the outputs of ``mkOutputs``.

    Without ``url``, our files are next to the generated ones, and nixpkgs is the only input.
    """
    inputs = [Bind(("nixpkgs", "url"), string(nixpkgs))]
    formals = [Formal("self"), Formal("nixpkgs")]
    if url is not None:
        follows = Bind(("inputs", "nixpkgs", "follows"), string("nixpkgs"))
        inputs.append(Bind(("uvlock2nix",), AttrSet((Bind(("url",), string(url)), follows))))
        formals.append(Formal("uvlock2nix"))
    body = AttrSet(
        (
            Bind(("description",), string(description)),
            Bind(("inputs",), AttrSet(tuple(inputs)), blank_before=True),
            Bind(
                ("outputs",),
                Func(tuple(formals), _outputs(name, systems, standalone=url is None)),
                blank_before=True,
            ),
        )
    )
    return render_file(body, ())


def _outputs(name: str, systems: Sequence[str], *, standalone: bool) -> Expr:
    arguments = AttrSet(
        (
            Inherit(("self", "nixpkgs")),
            Bind(("name",), string(name)),
            Bind(("files",), Path(0, (FOLDER,))),
            Bind(("systems",), strings(systems)),
        )
    )
    if not standalone:
        return call("uvlock2nix.lib.mkOutputs", arguments)
    # The generated files find our files by themselves, so no overlay is needed.
    nothing = AttrSet((Bind(("overlay",), Func("_final", Func("_prev", AttrSet(())))),))
    library = Bind(("library",), call("import", Path(0, (FOLDER, STANDALONE, "lib")), nothing))
    return Let((library,), call("library.mkOutputs", arguments))


def additions(name: str, systems: Sequence[str], url: str | None) -> str:
    """What to add to an existing flake: an input (if ``url`` is given), and the outputs."""
    if url is None:
        return f"outputs = {{ self, nixpkgs, ... }}: {render(_outputs(name, systems, standalone=True))};"
    entry, outputs = render(string(url)), render(_outputs(name, systems, standalone=False))
    return (
        f"inputs.uvlock2nix.url = {entry};\n"
        'inputs.uvlock2nix.inputs.nixpkgs.follows = "nixpkgs";\n'
        f"outputs = {{ self, nixpkgs, uvlock2nix, ... }}: {outputs};"
    )
