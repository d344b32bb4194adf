"""Prove the table of native inputs by building: with exactly its inputs a package compiles, imports and
finds its libraries; with one input taken away it does not.

Runs in the test stand (real Nix, Debian's libraries under nixpkgs' names), one build at a time:

    nice -n 15 .venv/bin/python scripts/native_truth.py [--again] [NAME…]

Results are kept in native_truth.json, so that a second run goes on; ``--report`` prints them as a table. A
trial takes from ten seconds to some minutes. What is tried is in native_truth_subjects.py.

What counts as proof that an input is needed, in this order:

- ``compile``: the build fails without it;
- ``import``: what was built cannot be imported;
- ``load``: what was built imports only because the compiler left the library's path in it. deps takes such
  paths out and env looks in the inputs' folders: there the loader does not find the library.

An input without which all of this works is idle. And each library must be one that the files name (NEEDED): a
package that builds with a copy of its own is not proven, though it may ask for the library.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from native_truth_subjects import SUBJECTS, Subject  # noqa: E402

from uvlock2nix.knowledge.native import NativeInputs  # noqa: E402
from uvlock2nix.knowledge.native_table import lookup  # noqa: E402
from uvlock2nix.knowledge.templates import Output, template_text  # noqa: E402

# The index did not answer: says nothing about the inputs.
NETWORK = re.compile(
    r"error sending request|[Ff]ailed to (fetch|download)|timed out|dns error|connection (closed|reset)"
)
# The line that says why a build failed, the best first.
REASONS = (
    r"fatal error: .*",
    r"[\w./-]+: (?:command )?not found\b",
    r"native-truth: missing .*|.*loading shared.*",
    r".*cannot find -l.*|.*undefined symbol.*",
    r".*(?:dependency|program|package|command|executable|library|header).*(?:not (?:be )?found|missing).*",
    r".*No such file or directory.*",
    r".*(?:could|can) ?not (?:find|locate).*",
    r".*\bmissing\b.*",
    r".*No package '.*",
    r".*\berror: .*",
    r".*(?:error|exception): .*",
)
# What uv and Nix say of every failed build.
NOISE = re.compile(
    r"^(?:/nix/store|hint:|Output paths:|Reason:|cause:)|Failed to build|Cannot build|builder failed"
)


@dataclass(frozen=True)
class Trial:
    """How one build went. ``stage`` is the last one that it came to; ``links``: attribute → sonames."""

    ok: bool
    stage: str
    seconds: int
    links: dict[str, list[str]] = field(default_factory=dict)
    reason: str = ""


def env_of(native: NativeInputs, without: str | None = None) -> dict[str, list[dict[str, str]]]:
    """The variables as native_truth.nix takes them; one that names the missing input is missing too."""
    env: dict[str, list[dict[str, str]]] = {}
    for name, template in native.build.env:
        if any(isinstance(part, Output) and part.attr == without for part in template):
            continue
        env[name] = [
            {"attr": part.attr, "output": part.output} if isinstance(part, Output) else {"text": part.text}
            for part in template
        ]
    return env


def first_of(subject: Subject) -> list[dict[str, Any]]:
    """The packages that are compiled before, each with its own inputs by the table."""
    first = []
    for name, version in subject.first:
        native = lookup(name, version) or NativeInputs()
        first.append(
            {
                "requirement": f"{name}=={version}",
                "buildInputs": list(native.build.build_inputs),
                "nativeBuildInputs": list(native.build.native_build_inputs),
                "env": env_of(native),
            }
        )
    return first


def spec_of(subject: Subject, native: NativeInputs, without: str | None) -> dict[str, Any]:
    """The trial for native_truth.nix. ``without``: an attribute to leave out of both lists."""
    configuration = ""
    if native.build.build_requires:
        listed = ", ".join(json.dumps(r) for r in native.build.build_requires)
        configuration = f"[extra-build-dependencies]\n{json.dumps(subject.name)} = [{listed}]\n"
    suffix = f"-without-{without}" if without else ""
    return {
        "name": subject.name,
        "label": "".join(c if c.isalnum() or c == "-" else "-" for c in subject.name + suffix),
        "requirement": f"{subject.name}=={subject.version}",
        "module": subject.module,
        "also": list(subject.also),
        "first": first_of(subject),
        "requires": list(subject.requires),
        "python": subject.python,
        "buildInputs": [a for a in native.build.build_inputs if a != without],
        "nativeBuildInputs": [a for a in native.build.native_build_inputs if a != without],
        "env": env_of(native, without),
        "cflags": list(native.build.cflags),
        "ldflags": subject.ldflags,
        "search": subject.search,
        "configuration": configuration,
        "okHash": hashlib.sha256(b"ok\n").hexdigest(),
    }


def build(argv: list[str], patience: int = 2) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run nix-build, again when the index did not answer; and the seconds that the last attempt took."""
    started = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode and patience and NETWORK.search(done.stderr):
        time.sleep(5)
        return build(argv, patience - 1)
    return done, round(time.monotonic() - started)


def run_trial(spec: dict[str, Any], suite: str, logs: Path) -> Trial:
    """Build once, and read in the log how far it came."""
    enter = [str(ROOT / "tests" / "stand" / "enter"), suite]
    # A name of its own: Nix would take what an earlier run has made.
    name = spec["label"]
    spec = {**spec, "label": f"{name}-{time.time_ns():x}"}
    argv = [*enter, "nix-build", "--no-out-link", "--option", "timeout", "1500"]
    argv += [str(ROOT / "scripts" / "native_truth.nix"), "--argstr", "trial", json.dumps(spec)]
    done, seconds = build(argv)
    ok = done.returncode == 0
    if ok:
        remove = [*enter, "nix-store", "--delete", done.stdout.strip()]
        subprocess.run(remove, capture_output=True, check=False)
    log = done.stderr
    (logs / f"{name}.log").write_text(log)
    stages = re.findall(r"^native-truth: stage (\w+)$", log, re.MULTILINE)
    links: dict[str, list[str]] = {}
    said = re.findall(r"^native-truth: links (\S+) (\S+)$", log, re.MULTILINE)
    for attr, soname in sorted(set(said)):
        links.setdefault(attr, []).append(soname)
    stage = stages[-1] if stages else "stand"
    return Trial(ok, stage, seconds, links, "" if ok else reason_of(log))


def reason_of(log: str) -> str:
    """The line of a failed build that says most, in at most 160 characters."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", log).rpartition("native-truth: stage")[2]
    lines = [line for line in map(str.strip, log.splitlines()) if not NOISE.search(line)]
    for pattern in REASONS:
        for line in lines:
            if found := re.search(pattern, line, re.IGNORECASE):
                # Paths of the store and of the build say nothing to a reader.
                return re.sub(r"/nix/store/[0-9a-z]{32}-|/build/\S*/", "", found.group())[:160]
    return lines[-1][:160] if lines else ""


def prove(subject: Subject, logs: Path) -> dict[str, Any]:
    """With all inputs, then without each."""
    native = lookup(subject.name, subject.version)
    row: dict[str, Any] = {"version": subject.version, "suite": subject.suite, "python": subject.python}
    if native is None:
        return {**row, "verdict": "not in the table", "table": {}}
    row["table"] = table_of(native)
    whole = run_trial(spec_of(subject, native, None), subject.suite, logs)
    row["seconds"] = whole.seconds
    if not whole.ok:
        where = "not in the stand" if whole.stage == "stand" else f"failed: {whole.stage}"
        return {**row, "verdict": where, "reason": whole.reason}
    row["links"] = whole.links
    row["needed"] = {}
    for attr in dict.fromkeys((*native.build.build_inputs, *native.build.native_build_inputs)):
        trial = run_trial(spec_of(subject, native, attr), subject.suite, logs)
        if not trial.ok and trial.stage in ("compile", "import", "load"):
            row["needed"][attr] = f"{trial.stage}: {trial.reason}"
        elif not trial.ok:
            return {**row, "verdict": f"no answer without {attr}", "reason": trial.reason}
    unlinked = unlinked_of(subject, row)
    if unlinked:
        return {**row, "verdict": f"not linked: {', '.join(unlinked)}"}
    idle = [a for a in inputs_of(row) if a not in row["needed"]]
    at_run = any(reason.startswith("load:") for reason in row["needed"].values())
    row["verdict"] = f"idle: {', '.join(idle)}" if idle else "proven at run" if at_run else "proven"
    return row


def unlinked_of(subject: Subject, row: dict[str, Any]) -> list[str]:
    """Libraries of a row that no file of the package names in its NEEDED, and that must: else a copy of its
    own was taken, whatever the build says.
    """
    excused = {attr for attr, _ in subject.not_linked}
    libraries = row["table"].get("build_inputs", ())
    return [attr for attr in libraries if attr not in excused and not row["links"].get(attr)]


def table_of(native: NativeInputs) -> dict[str, Any]:
    """What the table says about a build, to be compared with what it says later."""
    said = {
        "build_inputs": list(native.build.build_inputs),
        "native_build_inputs": list(native.build.native_build_inputs),
        "env": {name: template_text(template) for name, template in native.build.env},
        "cflags": list(native.build.cflags),
        "build_requires": list(native.build.build_requires),
    }
    return {key: value for key, value in said.items() if value}


def inputs_of(row: dict[str, Any]) -> list[str]:
    """Every input of a row once."""
    table = row["table"]
    return list(dict.fromkeys((*table.get("build_inputs", ()), *table.get("native_build_inputs", ()))))


def report(results: dict[str, Any]) -> None:
    """A table of what was proven."""
    for name, row in results.items():
        print(f"{name:24} {row['version']:10} {row['verdict']:34} {' '.join(inputs_of(row))}")
    verdicts = [row["verdict"] for row in results.values()]
    whole, at_run = verdicts.count("proven"), verdicts.count("proven at run")
    compiled = sum("needed" in row for row in results.values())
    print(f"{len(results)} tried, {compiled} compile, import and load; {whole + at_run} have no idle input")
    print(f"({whole} by failing builds alone, {at_run} with an input that only the loader misses)")


def write(path: Path, results: dict[str, Any]) -> None:
    """The rows of what is still tried, in its order; where something is not proven, why."""
    kept: dict[str, Any] = {}
    for subject in SUBJECTS:
        if subject.name in results:
            row = {key: value for key, value in results[subject.name].items() if key != "why"}
            unproven = not row["verdict"].startswith("proven")
            kept[subject.name] = {**row, "why": subject.why} if unproven and subject.why else row
    today = dt.datetime.now(dt.UTC).date().isoformat()
    data = {"_source": f"scripts/native_truth.py in the test stand, {today}", "results": kept}
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(data, indent=1) + "\n")
    os.replace(temporary, path)  # noqa: PTH105


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--results", type=Path, default=ROOT / "scripts" / "native_truth.json")
    parser.add_argument("--logs", type=Path, default=Path(tempfile.gettempdir()) / "native-truth")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--again", action="store_true", help="also what has a result")
    options = parser.parse_args()
    path: Path = options.results
    results: dict[str, Any] = json.loads(path.read_text())["results"] if path.exists() else {}
    if options.report:
        report(results)
        return
    options.logs.mkdir(parents=True, exist_ok=True)
    for subject in SUBJECTS:
        if options.names and subject.name not in options.names:
            continue
        if subject.name in results and not options.again:
            continue
        results[subject.name] = row = prove(subject, options.logs)
        write(path, results)
        print(subject.name, row["verdict"], row.get("seconds"), flush=True)


if __name__ == "__main__":
    main()
