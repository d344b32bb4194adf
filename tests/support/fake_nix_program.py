"""nix-store and nix-instantiate as programs, for tests of the command line: one derivation, no store.

Told by the environment: FAKE_NIX_STATE (a folder that keeps what is "valid" and counts builds),
FAKE_NIX_RIGHT (the hash of what a build makes), FAKE_NIX_FAIL (lines of a builder that fails),
FAKE_NIX_SECONDS (how long a build takes), FAKE_NIX_NIXPKGS (the version of nixpkgs),
FAKE_NIX_LOG (the log of the last build).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from tests.support.fakenix import build_lines, mismatch, msg
from uvlock2nix.nar import Hash, fod_path, parse_hash

STATE = Path(os.environ["FAKE_NIX_STATE"])


def main() -> int:
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    if program == "nix-instantiate":
        return evaluate(arguments)
    match arguments[0]:
        case "--version":
            print("nix-store (Nix) 2.34.8")
            return 0
        case "--check-validity":
            return 0 if (STATE / Path(arguments[1]).name).exists() else 1
        case "--delete":
            return 0
        case "--read-log":
            print(os.environ.get("FAKE_NIX_LOG", ""))
            return 0
        case "--realise":
            return realise(arguments[1])
        case other:
            raise SystemExit(f"not played: {other}")


def evaluate(arguments: list[str]) -> int:
    given = {arguments[i + 1]: arguments[i + 2] for i, word in enumerate(arguments) if word == "--argstr"}
    file = Path(given["file"])
    text = file.read_text()
    project = file.name == "python-deps.nix"
    key = ""
    if project:
        found = re.search(rf"{given['system']} = \"(\w+)\";", text)
        key = found[1] if found else "none"
        assert (file.parent / "../uv.lock").exists()
    name = f"deps-{key}" if project else "file"
    current = re.search(r'^ *outputHash = "([^"]*)"', text, re.MULTILINE)
    digest = parse_hash(given["outputHash"]) if given.get("outputHash") else None
    value = {"name": name, "system": given["system"], "mode": "recursive", "algo": "sha256", "key": key}
    value |= {"nixpkgs": os.environ.get("FAKE_NIX_NIXPKGS", "26.05.1234"), "revision": "c0ffee" * 6 + "c0ff"}
    value |= {"uv": "0.13.8", "python": "3.13.15", "hash": current[1] if current else "", "line": ""}
    if digest is not None:
        value["out"] = fod_path(name, digest)
        value["drv"] = f"/nix/store/{digest.nix32[:32]}-{name}.drv"
        (STATE / "drv.json").write_text(json.dumps({**value, "put": digest.sri}))
    print(json.dumps(value))
    return 0


def realise(drv: str) -> int:
    facts = json.loads((STATE / "drv.json").read_text())
    put, right = parse_hash(facts["put"]), right_hash(facts["name"])
    with (STATE / "builds").open("a") as file:
        file.write(f"{drv}\n")
    time.sleep(float(os.environ.get("FAKE_NIX_SECONDS", "0")))
    lines = build_lines(drv, ["building"])
    fail = os.environ.get("FAKE_NIX_FAIL")
    if fail:
        raw = f"builder for '{drv}' failed with exit code 1;\nlast 2 log lines:\n> {fail}"
        lines = [*build_lines(drv, ["building", fail]), msg(raw)]
    elif put != right:
        (STATE / Path(fod_path(facts["name"], right)).name).touch()
        lines.append(msg(mismatch(drv, put, right)))
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 1 if fail or put != right else 0


def right_hash(name: str) -> Hash:
    """FAKE_NIX_RIGHT, else a hash that follows from the derivation's name."""
    text = os.environ.get("FAKE_NIX_RIGHT")
    return parse_hash(text) if text else Hash("sha256", name.encode().ljust(32, b"\1")[-32:])


if __name__ == "__main__":
    sys.exit(main())
