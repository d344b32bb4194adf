#!/usr/bin/env python3
"""Take small projects of many kinds the whole way, and compare each with what `uv sync` installs.

    scripts/small_projects.py [--twice] [NAME…]

For each of the subjects: lock it, `uv sync --no-editable` on this machine; then generate, update-hash and
build in the real Nix of the test stand, run the program, and compare its output and the names, versions,
entry points and files of all distributions. ``--twice`` builds everything a second time and compares the
bits (`nix-build --check`). Needs root, the stand and the package index. Exits 1 when a project differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts.small_projects_further import FURTHER
from scripts.small_projects_subjects import SUBJECTS, Subject
from tests.support.stand import REPO, STAND, Stand, StandCommandError, require_stand

UV: Final = str(Path(sys.executable).parent / "uv")
EXPRESSION: Final = (
    "{ file, attr }: let pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };"
    ' built = pkgs.callPackage (/. + file) { }; in if attr == "" then built else built.${attr}'
).replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))
LISTING: Final = """
import importlib.metadata as m, json, re
print(json.dumps({re.sub("[-_.]+", "-", d.metadata["Name"]).lower(): [d.version, sorted(
    [e.group, e.name, e.value] for e in d.entry_points), sorted(
    str(f) for f in d.files or () if ".dist-info/" not in str(f) and not str(f).endswith(".pyc"))]
    for d in m.distributions()}))
"""


class Failed(Exception):
    """A step of a project failed."""


def run(argv: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    """The output of a program, or Failed with the end of what it printed."""
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-14:])
        raise Failed(f"{' '.join(argv[:6])}: exit code {done.returncode}\n{tail}")
    return done.stdout


def write(subject: Subject, folder: Path) -> Path:
    """The project on disk, committed to git and tagged where it has a tag."""
    for path, text in subject.files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            place.chmod(0o755)
    if subject.tag:
        (folder / ".gitignore").write_text(".venv\nuv.lock\n*.egg-info\nbuild\n", encoding="utf-8")
        who = ["-c", "user.name=small", "-c", "user.email=small@example.invalid"]
        for words in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "small"], ["tag", subject.tag]):
            run(["git", *words], folder)
    return folder / subject.project


def reference(subject: Subject, project: Path, python: str) -> tuple[dict[str, object], str]:
    """What uv installs, and what the program prints there."""
    env = {**os.environ, **subject.environment, "UV_PYTHON": python, "UV_PYTHON_DOWNLOADS": "never"}
    if subject.script:
        run([UV, "lock", "--script", subject.script], project, env)
        return {}, run([UV, "run", "--script", subject.script], project, env)
    run([UV, "lock"], project, env)
    run([UV, "sync", "--frozen", "--no-editable", "--no-default-groups", *subject.uv], project, env)
    listing = run([str(project / ".venv/bin/python"), "-I", "-c", LISTING], project)
    programs = project / ".venv/bin"
    # As `uv run` has it.
    running = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    printed = run([str(programs / "small")], Path("/"), running) if (programs / "small").exists() else ""
    if printed == "" and (programs / "greet").exists():
        printed = run([str(programs / "greet")], Path("/"), running)
    shutil.rmtree(project / ".venv")
    return json.loads(listing), printed


def uvlock2nix(stand: Stand, *words: str, env: dict[str, str]) -> None:
    """Run our command with the stand's Nix."""
    whole = stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}", **env})
    run([sys.executable, "-m", "uvlock2nix", *words], REPO, whole)


def build(
    stand: Stand, project: Path, attr: str, flags: tuple[str, ...] = (), file: str = "package.nix"
) -> str:
    """The store path of package.nix, or of an attribute of it."""
    words = ["--argstr", "file", str(project / "nix" / file), "--argstr", "attr", attr]
    done = stand.run(["nix-build", "--no-out-link", *flags, "-E", EXPRESSION, *words], check=False)
    if done.returncode != 0:
        raise Failed(f"nix-build {attr or file}\n" + "\n".join(done.stderr.splitlines()[-14:]))
    return done.stdout.split()[-1]


def ours(subject: Subject, project: Path, stand: Stand, twice: bool) -> tuple[dict[str, object], str]:
    """What we build, and what the program prints there."""
    env = dict(subject.environment)
    target = str(project / subject.script) if subject.script else str(project)
    uvlock2nix(stand, "generate", target, "--python=3.13", *subject.arguments, env=env)
    uvlock2nix(stand, "update-hash", target, env=env)
    uvlock2nix(stand, "check", target, env=env)
    if subject.script:
        stem = Path(subject.script).stem
        # Each script has a folder of its own.
        package = build(stand, project, "", file=f"{stem}/package.nix")
        return {}, stand.run([f"{package}/bin/{stem}"], cwd=Path("/")).stdout
    package, venv = build(stand, project, ""), build(stand, project, "venv")
    if twice:
        for attr in ("", "venv", "env", "deps"):
            build(stand, project, attr, ("--check",))
    listing = stand.run([f"{venv}/bin/python", "-I", "-c", LISTING], cwd=Path("/")).stdout
    printed = ""
    for name in ("small", "greet"):
        if printed == "" and os.path.lexists(stand.path(f"{package}/bin/{name}")):
            printed = stand.run([f"{package}/bin/{name}"], cwd=Path("/")).stdout
    return json.loads(listing), printed


def judge(subject: Subject, stand: Stand, python: str, twice: bool) -> str:
    """An empty text when all is equal, else what is not."""
    with tempfile.TemporaryDirectory(prefix="small-") as folder:
        project = write(subject, Path(folder))
        try:
            wanted, printed = reference(subject, project, python)
            found, said = ours(subject, project, stand, twice)
        except (Failed, StandCommandError) as error:
            refused = bool(subject.refused) and subject.refused in str(error) and "generate" in str(error)
            return "" if refused else str(error)
    if subject.refused:
        return f"was not refused ({subject.refused})"
    printed = subject.prints or printed
    if printed != said:
        return f"prints {said!r}, in uv's environment {printed!r}"
    names = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    return "; ".join(f"{name}: uv {wanted.get(name)}, ours {found.get(name)}"[:2000] for name in names)


def main() -> int:
    """Judge the subjects; print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*")
    parser.add_argument("--twice", action="store_true", help="build everything twice and compare the bits")
    parser.add_argument("--reference-python", default="3.13", help="the Python that uv uses on this machine")
    given = parser.parse_args()
    stand = require_stand("forky")
    wrong = 0
    chosen = [one for one in (*SUBJECTS, *FURTHER) if not given.names or one.name in given.names]
    for subject in chosen:
        start = time.monotonic()
        why = judge(subject, stand, given.reference_python, given.twice)
        wrong += bool(why)
        print(
            f"{'differs' if why else 'equal  '}  {time.monotonic() - start:4.0f} s  {subject.name}",
            flush=True,
        )
        if why:
            print(textwrap_indent(why), flush=True)
    print(f"{len(chosen) - wrong} of {len(chosen)} equal")
    return 1 if wrong else 0


def textwrap_indent(text: str) -> str:
    """The text, set in."""
    return "\n".join(f"    {line}" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
