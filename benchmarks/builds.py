"""What Nix builds cost against uv: deps, and the whole way to a package, in processor seconds.

    python benchmarks/builds.py [PROJECT] [--rounds N] [--only deps|whole|disk] [--python 3.13] [--option …]

PROJECT is a folder with a uv.lock (default: fixtures/wheels-only). Run as root after
``tests/stand/setup forky``. With ``--again FOLDER``, the project with its generated files and its hash is
kept there, and the next run with it goes on from them.

``deps``: the fixed-output derivation against the same derivation whose build is plain ``uv sync --frozen``
with a cold cache: same sandbox, same inputs, a wrong hash each, so that each round builds and downloads.
``whole``: env and package, from an existing deps, against ``uv sync --frozen --compile-bytecode
--no-editable`` in the sandbox, which builds the project's own packages too; what deps costs is added, once
with env as a copy and once as links. All are whole processes (Nix and the builder, user and system time), in
turn; printed are the medians, their ratio and the machine's load.
``disk``: what the whole way leaves on disk in both link modes, against the finished environment (the copied
env), and how much of it is deployed.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from tests.support import git_server  # noqa: E402
from tests.support.stand import STAND, Stand  # noqa: E402

EXPRESSION = """
{ dir, round }:
let
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };
  project = import (/. + dir + "/default.nix") { inherit pkgs; };
  plain = name: flags: more: project.fake.overrideAttrs (old: more // {
    name = "${name}-${round}";
    dontStripReferences = true;
    buildPhase = ''
      export HOME=$TMPDIR UV_CACHE_DIR=$TMPDIR/cache UV_PROJECT_ENVIRONMENT=$out UV_PYTHON_DOWNLOADS=never
      export NIX_CFLAGS_COMPILE="$NIX_CFLAGS_COMPILE -include gssapi/gssapi_ext.h" UV_NO_PROGRESS=1
      uv sync --frozen --no-default-groups --quiet ${flags} \\
        ${pkgs.lib.escapeShellArgs (old.uvSyncFlags or [ ])} --python ${project.deps.python.interpreter}
      rm -rf $out/bin $out/pyvenv.cfg $out/lib64
    '';
    installPhase = "true";
  });
in
{
  ours = project.fake.overrideAttrs (old: { name = "ours-${round}"; });
  plain = plain "plain" "--no-install-workspace" { };
  compiled = plain "compiled" "--no-editable --compile-bytecode" { inherit (project.package) src; };
  env = project.env.overrideAttrs (old: { name = "env-${round}"; });
  linked = project.linked.env.overrideAttrs (old: { name = "linked-${round}"; });
  package = project.package.overrideAttrs (old: { again = round; });
  outputs.copy = [ project.deps project.env project.package.venv project.package ];
  outputs.symlink = [ project.deps project.linked.env project.linked.venv project.linked ];
}
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))

DEFAULT = """
{ pkgs }:
rec {
  deps = pkgs.callPackage ./nix/python-deps.nix { };
  fake = pkgs.callPackage ./nix/python-deps.nix { skipLockCheck = true; outputHash = pkgs.lib.fakeHash; };
  env = package.env;
  package = pkgs.callPackage ./nix/package.nix { };
  linked = pkgs.callPackage ./nix/package.nix {
    python-env = pkgs.callPackage ./nix/python-env.nix { linkMode = "symlink"; };
  };
}
"""


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    """Builds of one project on the stand."""

    def __init__(self, stand: Stand, project: Path) -> None:
        self.stand = stand
        self.project = project
        self.started = int(time.time())

    def derivation(self, which: str, number: int) -> str:
        arguments = ["--argstr", "dir", str(self.project), "--argstr", "round", f"{self.started}-{number}"]
        found = self.stand.run(["nix-instantiate", "-E", EXPRESSION, *arguments, "-A", which])
        drv = found.stdout.split()[-1].partition("!")[0]
        inputs = self.stand.run(["nix-store", "--query", "--references", drv]).stdout.split()
        self.stand.run(["nix-store", "--realise", *(one for one in inputs if one.endswith(".drv"))])
        return drv

    def build(self, which: str, number: int) -> tuple[float, float]:
        """Processor and wall seconds."""
        drv = self.derivation(which, number)
        start, before = time.monotonic(), cpu()
        done = self.stand.run(["nix-store", "--realise", drv], check=False, timeout=3600)
        took = cpu() - before, time.monotonic() - start
        # Plain uv sync leaves references, which this Nix refuses: that too is reported only after the build.
        known = r"hash mismatch|must not reference|illegal path references"
        if done.returncode != 0 and not re.search(known, done.stderr):
            raise SystemExit(f"{which}: the build failed:\n{done.stderr[-3000:]}")
        return took

    def forget(self) -> None:
        """Delete what was built: several gigabytes in each round of a large project."""
        pattern = f"*-{self.started}-*"
        made = [path.name for path in self.stand.path("/nix/store").glob(pattern) if path.is_dir()]
        if made:
            self.stand.run(["nix-store", "--delete", *(f"/nix/store/{name}" for name in made)], check=False)

    def disk(self, link_mode: str, finished: float | None = None) -> float:
        """Print the megabytes that the whole way takes with env of this link mode; return those of env."""
        arguments = ["--argstr", "dir", str(self.project), "--argstr", "round", "disk"]
        build = ["nix-build", "--no-out-link", "-E", EXPRESSION, *arguments, "-A", f"outputs.{link_mode}"]
        paths = self.stand.run(build, timeout=3600).stdout.split()
        deps, env, venv, package = (self._disk(path) for path in paths)
        total = deps + env + venv + package
        closure = self.stand.run(["nix-store", "--query", "--requisites", paths[3]]).stdout.split()
        ours = sum(self._disk(path) for path in closure if path in paths)
        print(
            f"disk, {link_mode}: deps {deps:.1f}, env {env:.1f}, package {venv + package:.1f},"
            f" together {total:.1f} MB, ratio {total / (finished or env):.2f}; deployed: {ours:.1f} MB",
            flush=True,
        )
        return env

    def _disk(self, path: str) -> float:
        command = ["du", "-s", "--block-size=1000", str(self.stand.path(path))]
        return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.split()[0]) / 1000

    def median(self, names: tuple[str, ...], rounds: int) -> dict[str, float]:
        """The median of the processor seconds of each, built in turn."""
        times: dict[str, list[float]] = {name: [] for name in names}
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                used, wall = self.build(name, number)
                times[name].append(used)
                print(f"  round {number}: {name}: {used:.2f} s CPU, {wall:.1f} s", flush=True)
        return {name: statistics.median(found) for name, found in times.items()}


def prepared(stand: Stand, given: Path, folder: Path, options: list[str]) -> Path:
    """A copy of the project with its generated files and a hash."""
    project = folder / given.name
    if project.is_dir():
        (project / "default.nix").write_text(DEFAULT)
        return project
    shutil.copytree(given, project, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv"))
    (project / "default.nix").write_text(DEFAULT)
    environment = stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}"})
    for command in (["generate", str(project), *options], ["update-hash", str(project)]):
        argv = [sys.executable, "-m", "uvlock2nix", *command]
        done = subprocess.run(argv, cwd=REPO, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-3000:]}")
    return project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("project", nargs="?", type=Path, default=REPO / "fixtures" / "wheels-only")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("deps", "whole", "disk"))
    parser.add_argument("--again", type=Path, metavar="FOLDER")
    parser.add_argument("--python", default="3.13")
    asked, options = parser.parse_known_args()
    stand = Stand("forky")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {asked.project.name}")
    # One of the fixtures has a dependency from git.
    with ExitStack() as serving:
        if asked.project.name == "authentik":
            serving.enter_context(git_server.serve())
        folder = asked.again or serving.enter_context(tempfile.TemporaryDirectory(prefix="uvlock2nix-bench-"))
        project = prepared(stand, asked.project, Path(folder), [f"--python={asked.python}", *options])
        bench = Bench(stand, project)
        serving.callback(bench.forget)
        if asked.only == "disk":
            bench.disk("symlink", bench.disk("copy"))
            return
        found: dict[str, float] = {}
        if asked.only != "whole":
            found = bench.median(("plain", "ours"), asked.rounds)
            plain, ours = found["plain"], found["ours"]
            print(f"deps: uv sync {plain:.2f} s, ours {ours:.2f} s, ratio {ours / plain:.2f}", flush=True)
        if asked.only != "deps":
            whole = bench.median(("compiled", "env", "linked", "package"), asked.rounds)
            ours = found.get("ours") or bench.median(("ours",), asked.rounds)["ours"]
            for name, env in ("whole", "env"), ("with links", "linked"):
                total = ours + whole[env] + whole["package"]
                print(
                    f"{name}: uv sync --compile-bytecode --no-editable {whole['compiled']:.2f} s,",
                    f"ours {total:.2f} s, ratio {total / whole['compiled']:.2f}",
                )


if __name__ == "__main__":
    main()
