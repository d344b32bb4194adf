"""How long deps takes to build, against plain ``uv sync --frozen`` of the same lock in the same sandbox.

Run as root after ``tests/stand/setup forky``, when quiet: ``python benchmarks/deps_build.py [ROUNDS]``.
Both are fixed-output derivations with the same inputs and a wrong hash, so that each round really builds;
the time is that of the builder. Prints seconds and the ratio (goal: at most 1.15).
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from tests.support import git_server  # noqa: E402
from tests.support.stand import STAND, Stand  # noqa: E402

EXPRESSION = """
{ dir, round }:
let
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };
  deps = pkgs.callPackage (/. + dir + "/nix/python-deps.nix") {
    skipLockCheck = true;
    outputHash = pkgs.lib.fakeHash;
  };
in
{
  ours = deps.overrideAttrs (old: { name = "ours-${round}"; });
  plain = deps.overrideAttrs (old: {
    name = "plain-${round}";
    dontStripReferences = true;
    buildPhase = ''
      export HOME=$TMPDIR UV_CACHE_DIR=$TMPDIR/cache UV_PROJECT_ENVIRONMENT=$out UV_PYTHON_DOWNLOADS=never
      export NIX_CFLAGS_COMPILE="$NIX_CFLAGS_COMPILE -include gssapi/gssapi_ext.h"
      uv sync --frozen --no-default-groups --no-install-workspace --python ${deps.python.interpreter} --quiet
      rm -rf $out/bin $out/pyvenv.cfg $out/lib64
    '';
    installPhase = "true";
  });
}
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))


def build(stand: Stand, project: Path, which: str, number: int) -> float:
    arguments = ["--argstr", "dir", str(project), "--argstr", "round", f"{int(time.time())}-{number}"]
    instantiated = stand.run(["nix-instantiate", "-E", EXPRESSION, *arguments, "-A", which])
    drv = instantiated.stdout.split()[-1]
    inputs = stand.run(["nix-store", "--query", "--references", drv]).stdout.split()
    stand.run(["nix-store", "--realise", *(one for one in inputs if one.endswith(".drv"))])
    start = time.monotonic()
    done = stand.run(["nix-store", "--realise", drv], check=False, timeout=3600)
    took = time.monotonic() - start
    # Plain uv sync leaves references, which this Nix refuses: that too is said only after the build.
    if not re.search(r"hash mismatch|must not reference|illegal path references", done.stderr):
        raise SystemExit(f"{which}: the build failed:\n{done.stderr[-3000:]}")
    return took


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    stand = Stand("forky")
    times: dict[str, list[float]] = {"plain": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder, git_server.serve():
        project = Path(folder) / "authentik"
        shutil.copytree(REPO / "fixtures" / "authentik", project)
        command = [sys.executable, "-m", "uvlock2nix", "generate", str(project)]
        environment = stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
        subprocess.run(command, check=True, cwd=REPO, env=environment, capture_output=True)
        for number in range(rounds):
            for which in ("plain", "ours") if number % 2 == 0 else ("ours", "plain"):
                times[which].append(build(stand, project, which, number))
                print(f"round {number}: {which}: {times[which][-1]:.1f} s", flush=True)
    plain, ours = (statistics.median(times[which]) for which in ("plain", "ours"))
    print(f"uv sync --frozen {plain:.1f} s, deps {ours:.1f} s, ratio {ours / plain:.2f} (goal 1.15)")


if __name__ == "__main__":
    main()
