"""Beyond one machine: a remote builder behind sshd, and a signed binary cache, both on 127.0.0.1."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import copy_fixture, instantiate, realise
from tests.support.remote import Builder, Store, serving
from tests.support.stand import REPO, STAND, Stand, StandCommandError

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

FLAKES = "extra-experimental-features = nix-command"


@dataclass(frozen=True, slots=True)
class Remote:
    """A project that the remote builder has built."""

    builder: Builder
    project: Path
    update_hash: str
    drv: str
    package: str
    deps: str
    env: str


@pytest.fixture(scope="module")
def remote(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """generate → update-hash → nix-build, by a client that may build nothing itself."""
    folder = tmp_path_factory.mktemp("remote")
    project = copy_fixture("hello", folder)
    # A name of its own, so that no store has it already.
    name = f"hello-{uuid.uuid4().hex[:12]}"
    for file in ("pyproject.toml", "uv.lock"):
        text = (project / file).read_text()
        (project / file).write_text(text.replace('name = "hello-uv"', f'name = "{name}"'))
    store = Store.new(stand, folder / "nix")
    try:
        with serving(store, folder) as builder:
            yield built(stand, project, builder)
    finally:
        store.remove()


def built(stand: Stand, project: Path, builder: Builder) -> Remote:
    env = builder.env()
    program = [sys.executable, "-m", "uvlock2nix"]
    messages = ""
    for command in ("generate", "update-hash"):
        done = subprocess.run(
            [*program, command, str(project)],
            env=stand.env({"NIX_PATH": f"nixpkgs={STAND / 'nixpkgs'}", **env}),
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stderr}\n{builder.log.read_text()}"
        messages = done.stderr
    drv = instantiate(stand, project, "package.nix")
    paths = stand.run(["nix-store", "--realise", drv], env=env).stdout.split()
    return Remote(
        builder,
        project,
        messages,
        drv,
        next(path for path in paths if not path.endswith("-venv")),
        realise(stand, instantiate(stand, project, "python-deps.nix")),
        next(
            path
            for path in outputs(stand, instantiate(stand, project, "python-env.nix"))
            if path.endswith("-env")
        ),
    )


def outputs(stand: Stand, drv: str) -> list[str]:
    return stand.run(["nix-store", "--query", "--outputs", drv]).stdout.split()


def test_the_hash_comes_from_the_remote_side(remote: Remote) -> None:
    pins = json.loads((remote.project / "nix" / "python-deps.json").read_text())
    assert "sha256-" in json.dumps(pins["hashes"])
    assert "building '" in remote.update_hash or remote.builder.store.has(remote.deps)


def test_everything_was_built_there(remote: Remote, stand: Stand) -> None:
    """The remote store has the outputs, and so has this one, which could not build them (max-jobs = 0)."""
    for path in (remote.deps, remote.env, remote.package):
        assert remote.builder.store.has(path), path
    done = stand.run([f"{remote.package}/bin/hello-uv"], cwd=Path("/"))
    assert done.stdout
    assert remote.builder.log.read_text().count("Accepted publickey for root") >= 2


def test_without_its_key_nothing_is_built(remote: Remote, stand: Stand, tmp_path: Path) -> None:
    """The same client without a way to the builder: the build was no accident."""
    config = remote.builder.nix_config().replace(str(remote.builder.key), str(tmp_path / "no-key"))
    expression = f'(import <nixpkgs> {{ }}).runCommand "{uuid.uuid4().hex}" {{ }} "touch $out"'
    with pytest.raises(StandCommandError):
        stand.run(
            ["nix-build", "--no-out-link", "-E", expression],
            env={**remote.builder.env(), "NIX_CONFIG": config},
        )


# --- a binary cache ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cache(remote: Remote, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A signed cache with the project's environment in a folder, and its public key."""
    folder = tmp_path_factory.mktemp("cache")
    config = {"NIX_CONFIG": FLAKES}
    key = stand.run(["nix", "key", "generate-secret", "--key-name", "test-1"], env=config).stdout
    (folder / "key").write_text(key)
    public = stand.run(["nix", "key", "convert-secret-to-public"], env=config, input=key).stdout
    url = f"file://{folder}/cache?secret-key={folder}/key&compression=none"
    stand.run(["nix", "copy", "--to", url, remote.env, remote.deps], env=config)
    return folder / "cache", public.strip()


# Everything happens in a network of its own, where 127.0.0.1 is all there is.
SUBSTITUTE = """
ip link set lo up
python3 -m http.server --bind 127.0.0.1 --directory "$1" 8317 2> "$1/../requests" & server=$!
trap 'kill $server' EXIT
for i in $(seq 100); do (: < /dev/tcp/127.0.0.1/8317) 2>/dev/null && break; sleep 0.1; done
shift
"$@"
"""


def substitute(stand: Stand, project: Path, store: Store, cache: Path, key: str) -> str:
    """Realise deps and env in an empty store, with that cache, without building and without a network."""
    settings = f"substituters = http://127.0.0.1:8317\ntrusted-public-keys = {key}\nmax-jobs = 0\nbuilders ="
    # What Nix remembers of a cache at this address is of a different test.
    env = stand.env({**store.env(settings), "XDG_CACHE_HOME": str(store.folder)})
    expression = (
        f"let pkgs = import <nixpkgs> {{ overlays = [ (import {REPO}/nix/overlay.nix) ]; }}; in map"
        f" (file: pkgs.callPackage ({project}/nix + file) {{ }}) [ /python-deps.nix /python-env.nix ]"
    )
    words = [str(STAND / "enter"), stand.suite, "nix-build", "--no-out-link", "-E", expression]
    done = subprocess.run(
        ["unshare", "--net", "bash", "-euc", SUBSTITUTE, "-", str(cache), *words],
        env=env,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.stdout if done.returncode == 0 else f"failed\n{done.stderr}"


def test_a_second_store_takes_it_from_the_cache(
    remote: Remote, stand: Stand, cache: tuple[Path, str], tmp_path: Path
) -> None:
    store = Store.new(stand, tmp_path / "nix")
    try:
        output = substitute(stand, remote.project, store, *cache)
        assert not output.startswith("failed"), output
        assert remote.deps in output
        assert remote.env in output
        done = stand.run(
            [f"{remote.env}/bin/python", "-c", "import humanize; print(humanize.intcomma(12345))"],
            env=store.env(),
            cwd=Path("/"),
        )
        assert done.stdout == "12,345\n"
    finally:
        store.remove()


def test_a_cache_with_a_different_key_is_refused(
    remote: Remote, stand: Stand, cache: tuple[Path, str], tmp_path: Path
) -> None:
    config = {"NIX_CONFIG": FLAKES}
    other = stand.run(["nix", "key", "generate-secret", "--key-name", "test-1"], env=config).stdout
    public = stand.run(["nix", "key", "convert-secret-to-public"], env=config, input=other).stdout.strip()
    store = Store.new(stand, tmp_path / "nix")
    try:
        output = substitute(stand, remote.project, store, cache[0], public)
        assert output.startswith("failed"), output
        assert not store.has(remote.env)
    finally:
        store.remove()
