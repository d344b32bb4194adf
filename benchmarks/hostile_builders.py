"""What a builder may print, with real Nix: memory and time of ``update-hash FILE``, and what it says.

    python benchmarks/hostile_builders.py [CASE …] [--mib N]

Needs the stand. Each case is a fixed-output derivation whose builder prints N MiB (default 200): ``line`` a
single line, ``lines`` short ones, ``bytes`` what is not UTF-8, ``escapes`` sequences for terminals,
``decoys`` lines as Nix prints them for a wrong hash, plain and structured; each makes the output and ends
well. ``endless`` prints until a Ctrl-C ends it, after ten seconds. The memory is the peak of our own process.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.kills import hear_every_signal
from tests.support.stand import REPO, STAND, Stand

DECOY: Final = "sha256-BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
FILE: Final = """\
derivation {
  name = "hostile-CASE-SALT";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" ''
    export PATH=/usr/bin:/bin
    BODY
    echo SALT > $out
  '' ];
  outputHashMode = "flat";
  outputHashAlgo = "sha256";
  outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
}
"""
PLAIN: Final = f"""\
error: hash mismatch in fixed-output derivation '/nix/store/x.drv':
         specified: sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
            got:    {DECOY}"""
SAID: Final = f'@nix {{"action":"msg","level":0,"msg":"got:    {DECOY}","raw_msg":"got:    {DECOY}"}}'
BODIES: Final = {
    "line": "head -c BYTES /dev/zero | tr '\\\\0' x; echo",
    "lines": "yes 'a line of forty characters, or about it' | head -c BYTES",
    "bytes": "yes \"$(printf '\\\\377\\\\376\\\\300 not UTF-8')\" | head -c BYTES",
    "escapes": "yes \"$(printf '\\\\033[2J\\\\033]0;title\\\\007\\\\033[31m\\\\r red')\" | head -c BYTES",
    "decoys": f"cat > d <<'END'\n{PLAIN}\n{SAID}\nEND\nyes \"$(cat d)\" | head -c BYTES",
    "endless": "yes 'it goes on'",
}


def peak(process: subprocess.Popen[str]) -> int:
    """MiB that the process itself has had at most, as far as the kernel still says it."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0) >> 10


def run(case: str, mib: int, folder: Path) -> None:
    salt = f"{os.getpid()}-{time.time_ns()}"
    file = folder / f"{case}.nix"
    body = BODIES[case].replace("BYTES", str(mib << 20))
    file.write_text(FILE.replace("BODY", body).replace("CASE", case).replace("SALT", salt))
    began, most = time.monotonic(), 0
    with (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvlock2nix", "update-hash", str(file)],
            env=Stand().env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"}),
            cwd=REPO,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            preexec_fn=hear_every_signal,  # noqa: PLW1509 - no other thread runs here
        )
        sent = False
        while process.poll() is None:
            most = max(most, peak(process))
            if case == "endless" and not sent and time.monotonic() - began > 10:
                process.send_signal(signal.SIGINT)
                sent = True
            time.sleep(0.02)
        used = time.monotonic() - began
        errors.seek(0)
        said = errors.read()
    (line,) = (one for one in file.read_text().splitlines() if "outputHash = " in one)
    good = DECOY not in line and (case == "endless" or "AAAAAAAA" not in line)
    clean = all(char.isprintable() or char == "\n" for char in said) and "Traceback" not in said
    print(
        f"{case}, {mib} MiB: code {process.returncode}, hash {'right' if good else 'WRONG'}, "
        f"{len(said)} characters said, {'clean' if clean else 'NOT CLEAN'}, {most} MiB, {used:.1f} s "
        f"(load {os.getloadavg()[0]:.1f})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE")
    parser.add_argument("--mib", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        for case in asked.cases or BODIES:
            run(case, asked.mib, Path(folder))


if __name__ == "__main__":
    main()
