"""The small fixtures: the whole way, and what happens without a network."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Built, copy_fixture, go, uvlock2nix
from tests.support.stand import REPO, Stand, Suite, require_stand
from uvlock2nix.pins import read_pins

pytestmark = [pytest.mark.stand, pytest.mark.network]


def test_hello_runs(hello: Built) -> None:
    done = hello.stand.run([f"{hello.package}/bin/hello-uv", "1234567"], cwd=Path("/"))
    assert done.stdout.strip() == "hello, 1.2 million"


def test_package_is_what_a_user_installs(hello: Built, tmp_path: Path) -> None:
    """Programs of the project and nothing else; links from anywhere are the whole environment."""
    there = [path.relative_to(hello.host(hello.package)) for path in hello.host(hello.package).rglob("*")]
    assert sorted(map(str, there)) == ["bin", "bin/hello-uv"]
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "links" {{ package = builtins.storePath {hello.package}; }} ''
        mkdir -p $out/bin
        ln -s {hello.venv}/bin/python $out/bin/python
        ln -s {hello.venv}/bin/python3 $out/bin/renamed
        ln -s {hello.package}/bin/hello-uv $out/bin/hello
        test "$($out/bin/hello 7)" = "hello, 7"
        for program in python renamed; do
          $out/bin/$program -c 'import sys, hello_uv; print(sys.prefix, sys.executable)' >> $out/said
        done
      ''
    """
    out = hello.stand.nix_build(code)
    said = (hello.host(out) / "said").read_text().splitlines()
    assert said == [f"{hello.venv} {hello.venv}/bin/python"] * 2


def test_package_can_be_overridden_and_runs_fixup(hello: Built) -> None:
    """An extra input, text around fixup, a different Python; fixup finds a script's interpreter."""
    call = f"""
      with import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }};
      let package = callPackage {hello.project}/nix/package.nix {{ }}; in
    """
    out = hello.stand.nix_build(
        call
        + """
        ((package.override { python313 = python313 // { extra = true; }; }).overrideAttrs (old: {
          nativeBuildInputs = old.nativeBuildInputs ++ [ cmake ninja ];
          buildInputs = old.buildInputs or [ ] ++ [ bash ];
          postInstall = ''
            printf '#!/usr/bin/env bash\necho from a script\n' > $venv/bin/script
            chmod +x $venv/bin/script
          '';
          postFixup = "grep -q '^#!/nix/store' $venv/bin/script && touch $venv/fixed";
        })).venv
        """
    )
    assert (hello.host(out) / "fixed").exists()
    meta = hello.stand.evaluate(f"({call} {{ inherit (package.meta) description mainProgram platforms; }})")
    assert meta == {
        "description": "The smallest project that has a dependency",
        "mainProgram": "hello-uv",
        "platforms": ["x86_64-linux"],
    }


def test_two_packages_in_one_profile(hello: Built, tmp_path: Path) -> None:
    """With nixpkgs' python3, and a second package that shares dependencies, as `nix-env -i` does it."""
    second = copy_fixture("hello", tmp_path)
    for path in (second / "pyproject.toml", second / "uv.lock"):
        path.write_text(path.read_text().replace("hello-uv", "hello-too"))
    (second / "src" / "hello_uv").rename(second / "src" / "hello_too")
    toml = second / "pyproject.toml"
    toml.write_text(toml.read_text().replace("hello_uv", "hello_too"))
    other = go(hello.stand, second)
    profile = ["nix-env", "--profile", str(tmp_path / "profile"), "--install"]
    python3 = hello.stand.nix_build("<nixpkgs>", "-A", "python3")
    hello.stand.run([*profile, hello.package, other.package, python3])
    listed = hello.stand.run(["ls", f"{tmp_path}/profile/bin"]).stdout.split()
    assert {"hello-uv", "hello-too", "python3"} <= set(listed)


def test_nothing_to_do_is_noticed_without_nix(hello: Built) -> None:
    before = (hello.project / "nix" / "python-deps.json").read_bytes()
    done = uvlock2nix(hello.stand, "update-hash", hello.project, prefix=("env", "PATH=/nowhere"))
    assert done.returncode == 0, done.stderr
    assert (hello.project / "nix" / "python-deps.json").read_bytes() == before


def test_no_network_in_the_build(stand: Stand, tmp_path: Path) -> None:
    """The fixed-output build in a network namespace without any network: one error, one hint, exit code 5."""
    project = copy_fixture("hello", tmp_path)
    # Another project, so that no earlier build of the same content serves it.
    lock = project / "uv.lock"
    lock.write_text(lock.read_text() + "\n# another digest\n")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + '\n[tool.uvlock2nix]\nexclude-newer = "2026-11-13T00:00:00Z"\n')
    assert uvlock2nix(stand, "generate", project).returncode == 0
    pins = project / "nix" / "python-deps.json"
    before = pins.read_bytes()
    done = uvlock2nix(stand, "update-hash", project, prefix=("unshare", "--net"))
    assert done.returncode == 5, done.stderr
    assert sum(line.startswith("error:") for line in done.stderr.splitlines()) == 1
    assert sum(line.startswith("hint:") for line in done.stderr.splitlines()) == 1
    assert "network" in done.stderr
    assert "Traceback" not in done.stderr
    assert pins.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_wheels_only_on_older_nix(suite: Suite, tmp_path: Path) -> None:
    stand = require_stand(suite)
    project = copy_fixture("wheels-only", tmp_path)
    minor = stand.evaluate("(import <nixpkgs> { }).python3.pythonVersion")
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text() + f'\n[tool.uvlock2nix]\npython = "{minor}"\n')
    built = go(stand, project)
    done = stand.run([f"{built.package}/bin/wheels-only", "--check"], cwd=Path("/"))
    assert '"ruff"' in done.stdout
    if minor == stand_minor("forky"):
        # Another nixpkgs (compiler, libraries, Nix, patch release of Python) gives the same bits.
        assert version(stand) != version(require_stand("forky"))
        pins = project / "nix" / "python-deps.json"
        older = read_pins(pins).pin("x86_64-linux")
        pins.unlink()
        for command in ("generate", "update-hash"):
            again = uvlock2nix(require_stand("forky"), command, project)
            assert again.returncode == 0, again.stderr
        newer = read_pins(pins).pin("x86_64-linux")
        assert older is not None
        assert newer is not None
        assert (newer.hash, newer.key) == (older.hash, older.key)
    shutil.rmtree(project)


def version(stand: Stand) -> object:
    return stand.evaluate("(import <nixpkgs> { }).python3.version")


def stand_minor(suite: Suite) -> object:
    return require_stand(suite).evaluate("(import <nixpkgs> { }).python3.pythonVersion")
