"""update-hash: programs that run scripts, which only the build of deps has shown, become inputs of env."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from uvlock2nix.app.files import Generated
from uvlock2nix.app.reporter import Reporter
from uvlock2nix.app.script_programs import Programs, with_programs, with_read_programs
from uvlock2nix.app.state import State
from uvlock2nix.emit import env_file
from uvlock2nix.emit.common import ENV


def with_found_programs(state: State, found: Mapping[str, Programs], reporter: Reporter) -> State:
    """``state`` with what was ``found`` for some systems in its Plan, and python-env.nix as that makes it."""
    plan = with_read_programs(state.plan, found, whole=True)
    if plan == state.plan:
        return state
    plan, notes = with_programs(plan, state.root)
    env = Generated.of(state.root / plan.folder / ENV, env_file(plan))
    others = tuple(one for one in state.rewritten if one.path != env.path)
    if env.edited:
        reporter.note(
            f"{ENV} was edited, and has other programs than the scripts of packages need: see"
            f" `{state.generate} --diff`"
        )
    rewritten = others if env.edited or env.old == env.text else (*others, env)
    for text in notes:
        reporter.note(text)
    return replace(state, plan=plan, rewritten=rewritten)
