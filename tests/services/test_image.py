"""The container image of fixtures/blog, by Debian's podman."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.services.members import BLOG, Member
from tests.support.stand import REPO, Stand

pytestmark = [pytest.mark.stand, pytest.mark.network, pytest.mark.slow]

IMAGE = "localhost/blog:1.0.0"
PORT = 8000
EXPRESSION = """
{ dir, attr }:
let
  pkgs = import <nixpkgs> { overlays = [ (import OVERLAY) ]; };
  image = pkgs.callPackage (/. + dir + "/nix/image.nix") { };
  package = pkgs.callPackage (/. + dir + "/nix/package.nix") { };
in
{
  inherit image;
  inherit (package) venv;
  few = image.override { maxLayers = 4; user = "4711:4711"; };
}.${attr}
""".replace("OVERLAY", str(REPO / "nix" / "overlay.nix"))


@dataclass(frozen=True, slots=True)
class Podman:
    """podman with a store of images of its own. runc: crun refuses the old cgroup hierarchy.

    ``running`` is for the state of containers: podman takes no path of more than 50 characters.
    """

    root: Path
    running: Path

    def run(self, *words: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command."""
        options = [
            "--root",
            self.root / "storage",
            "--runroot",
            self.running,
            "--storage-driver=overlay",
        ]
        options += ["--runtime=/usr/sbin/runc", "--cgroup-manager=cgroupfs"]
        done = subprocess.run(
            ["podman", *map(str, options), *map(str, words)], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"podman {' '.join(map(str, words))}\n{done.stderr}"
        return done

    def start(self, *words: str) -> str:
        """Run a container in the background; its id."""
        return self.run("run", "-d", *LIMITS, *words).stdout.strip()

    def once(self, *words: str) -> str:
        """Run a container to its end; what it printed."""
        return self.run("run", "--rm", *LIMITS, *words).stdout


# The machine's own network, and limits that a container may set in a container.
LIMITS = ("--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")


def build(stand: Stand, project: Path, attr: str) -> str:
    return stand.nix_build(EXPRESSION, "--argstr", "dir", str(project), "--argstr", "attr", attr)


@pytest.fixture(scope="module")
def image(stand: Stand, projects: Callable[[Member], Path]) -> Path:
    return stand.path(build(stand, projects(BLOG), "image"))


@pytest.fixture(scope="module")
def podman(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """podman, with the image loaded."""
    if shutil.which("podman") is None or not Path("/usr/sbin/runc").exists():
        reason = "podman and runc are not installed"
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("podman")
    # Debian 12's podman does not read compressed archives.
    archive = folder / "image.tar"
    with gzip.open(image) as packed, archive.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    with tempfile.TemporaryDirectory(prefix="podman-", dir="/tmp") as running:
        podman = Podman(folder, Path(running))
        try:
            assert IMAGE in podman.run("load", "-i", archive).stdout
            archive.unlink()
            yield podman
        finally:
            podman.run("rm", "--all", "--force", "--time=2", check=False)
            podman.run("rmi", "--all", "--force", check=False)


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, ...]:
    """A secret as a file in the container, which its user may read."""
    file = tmp_path / "key"
    file.write_text("a-key")
    file.chmod(0o444)
    return (f"--volume={file}:/run/secrets/key:ro", "--env=SECRET_KEY_FILE=/run/secrets/key")


def page() -> dict[str, object]:
    """What the service answers, as soon as it does."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=20) as answer:
                assert answer.status == 200
                return dict(json.loads(answer.read()))
        except (ConnectionError, urllib.error.URLError):
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_serves_and_keeps_its_state_in_a_volume(podman: Podman, key: tuple[str, ...]) -> None:
    volume = "--volume=blog:/var/lib/blog"
    container = podman.start(volume, *key, IMAGE)
    assert page() == {"posts": 0, "secret": 5, "title": "blog", "worker": False}
    podman.once(volume, *key, IMAGE, "manage", "post", "from a container")
    assert page()["posts"] == 1
    worker = podman.start(volume, *key, IMAGE, "worker")
    time.sleep(2)
    assert page()["worker"] is True
    podman.run("rm", "--force", "--time=2", container, worker)
    podman.start(volume, *key, IMAGE)
    assert page()["posts"] == 1
    podman.run("rm", "--all", "--force", "--time=2")


def test_runs_as_nobody_in_particular(podman: Podman) -> None:
    script = "import os, pwd, pathlib; print(os.getuid(), pwd.getpwuid(os.getuid()).pw_name, os.getcwd())"
    assert podman.once(IMAGE, "python", "-c", script).split() == ["1000", "blog", "/var/lib/blog"]
    write = "import os; open('state', 'w'); open('/tmp/x', 'w'); print(os.getuid())"
    assert podman.once("--user=4711:4711", IMAGE, "python", "-c", write).strip() == "4711"
    refused = podman.run(
        "run", "--rm", *LIMITS, IMAGE, "python", "-c", "open('/etc/passwd', 'w')", check=False
    )
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr


def test_knows_certificates_and_time_zones(podman: Podman) -> None:
    script = (
        "import ssl, zoneinfo; print(len(ssl.create_default_context().get_ca_certs()) > 0,"
        " zoneinfo.ZoneInfo('Europe/Berlin'))"
    )
    assert podman.once(IMAGE, "python", "-c", script).split() == ["True", "Europe/Berlin"]


def test_is_as_large_as_its_closure(podman: Podman, stand: Stand, projects: Callable[[Member], Path]) -> None:
    venv = build(stand, projects(BLOG), "venv")
    closure = stand.run(["nix-store", "--query", "--requisites", venv]).stdout.split()
    sizes = stand.run(["nix-store", "--query", "--size", *closure]).stdout.split()
    (about,) = json.loads(podman.run("image", "inspect", IMAGE).stdout)
    # Certificates, time zones and, in the stand, the C library and bash are all that it has in addition.
    assert sum(map(int, sizes)) * 0.9 < about["Size"] < sum(map(int, sizes)) + 25_000_000
    assert 3 < len(about["RootFS"]["Layers"]) <= 100
    assert about["Config"]["User"] == "1000:1000"


def test_can_be_changed(stand: Stand, projects: Callable[[Member], Path], tmp_path: Path) -> None:
    image = stand.path(build(stand, projects(BLOG), "few"))
    subprocess.run(["tar", "-xzf", str(image), "-C", str(tmp_path)], check=True)
    (manifest,) = json.loads((tmp_path / "manifest.json").read_text())
    assert len(manifest["Layers"]) == 4
    assert json.loads((tmp_path / manifest["Config"]).read_text())["config"]["User"] == "4711:4711"


@pytest.mark.parametrize("attr", ["image", "few"])
def test_a_source_edit_changes_the_last_layer_of_packages_alone(
    stand: Stand, projects: Callable[[Member], Path], tmp_path: Path, attr: str
) -> None:
    before = layers(stand.path(build(stand, projects(BLOG), attr)))
    edited = Path(shutil.copytree(projects(BLOG), tmp_path / "blog"))
    store = edited / "src/blog/store.py"
    store.write_text(f"{store.read_text()}\n# edited\n")
    after = layers(stand.path(build(stand, edited, attr)))
    digests, again = [one for one, _, _ in before], [one for one, _, _ in after]
    # The last of all has the folders of the image.
    own = len(digests) - 2
    assert [*digests[:own], *digests[own + 1 :]] == [*again[:own], *again[own + 1 :]]
    assert digests[own] != again[own]
    # The large packages come first, one each; what changes is small.
    sizes = [size for _, size, _ in before]
    assert before[0][2] == 1
    assert sizes[0] == max(sizes[:-1]) > 20_000_000
    assert sizes[own] < 2_000_000


def layers(image: Path) -> list[tuple[str, int, int]]:
    """The digest, the size and the number of store paths of each layer, in their order."""
    found = {}
    with tarfile.open(image) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name in manifest["Layers"]:
            data = archive.extractfile(name)
            assert data is not None
            content = data.read()
            with tarfile.open(fileobj=io.BytesIO(content)) as layer:
                paths = {"/".join(one.name.split("/")[:3]) for one in layer if one.name.count("/") > 1}
            found[name] = (hashlib.sha256(content).hexdigest(), len(content), len(paths))
    return [found[name] for name in manifest["Layers"]]


def test_two_builds_give_the_same_image(stand: Stand, projects: Callable[[Member], Path]) -> None:
    stand.nix_build(
        EXPRESSION, "--check", "--argstr", "dir", str(projects(BLOG)), "--argstr", "attr", "image"
    )
