"""Every command of the pages is run, and prints what the page shows; what cannot be run has its reason here.

A scene is a project and the pages that are read in it, from top to bottom, in one shell.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Final

import pytest

from tests.support.pages import Command, Desk, Example, commands, desk, examples, same
from tests.support.stand import REPO, STAND, require_stand

# Page and first line of a block → why no test runs it.
CANNOT: Final[Mapping[tuple[str, str], str]] = {
    ("README.md", "tests/run"): "runs this test",
    (
        "private-indexes.md",
        "# systemctl edit nix-daemon.service        # add:  [Service]",
    ): "changes the daemon of the machine; that its variables count is what tests/e2e/test_indexes.py shows",
}
# Page → the test that runs its commands and compares what they print, with more than a project around them.
ELSEWHERE: Final[Mapping[str, str]] = {
    "classify.md": "functional/test_classify_docs.py",
    "refs.md": "hooks/test_refs_docs.py",
    "verify.md": "functional/test_verify_cli.py",
}
# Page and first line of a block → the test that does what it says.
DONE_BY: Final[Mapping[tuple[str, str], str]] = {
    ("images.md", "podman load < result"): "services/test_image.py",
    # A remote builder, reached by ssh, is made there.
    (
        "caches.md",
        "uvlock2nix generate --system x86_64-linux --system aarch64-linux",
    ): "e2e/test_distribution.py",
}


def blocks() -> list[Example]:
    return [one for one in examples("sh", "console") if one.page not in ELSEWHERE]


def hello(desk: Desk, project: Path) -> None:
    """A project with its generated files, in git."""
    del desk
    shutil.copytree(
        REPO / "fixtures" / "hello", project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("nix")
    )


def application(desk: Desk, project: Path) -> None:
    """What is locked by uv, in git, and nothing of ours yet: a program with its tests."""
    source = REPO / "nix" / "templates" / "application"
    shutil.copytree(source, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("nix", "flake.nix"))
    toml = project / "pyproject.toml"
    toml.write_text(toml.read_text().partition("[tool.uvlock2nix]")[0])
    assert [code for code, _, _ in desk.run(project, ["git init -q; git add -A; git commit -qm all"])] == [0]


def generated(desk: Desk, project: Path) -> None:
    """``hello``, committed, with files and hash as ``generate`` and ``update-hash`` made them."""
    hello(desk, project)
    typed = "git init -q; uvlock2nix generate; uvlock2nix update-hash; git add -A; git commit -qm all"
    assert [code for code, _, _ in desk.run(project, [typed])] == [0]


def workspace(desk: Desk, project: Path) -> None:
    """Two programs and an extra, without a package from elsewhere."""
    for name in ("api", "worker"):
        module = project / name / "src" / name
        module.mkdir(parents=True)
        (module / "__init__.py").write_text("def main() -> None: ...\n")
        (project / name / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f'optional-dependencies.postgres = []\nscripts.{name} = "{name}:main"\n'
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        )
    (project / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["api", "worker"]\n')
    assert [code for code, _, _ in desk.run(project, ["uv lock -q"])] == [0]


def script(desk: Desk, project: Path) -> None:
    """The script whose head the page shows."""
    del desk
    (head,) = (one.text for one in examples("python") if one.page == "scripts.md")
    (project / "tool.py").write_text(head + "import humanize\nprint(humanize.intcomma(1000))\n")
    (project / "data.json").write_text("{}\n")
    (project / "templates").mkdir()
    (project / "templates" / "a.html").write_text("<p>\n")


def authentik(desk: Desk, project: Path) -> None:
    """An application that has lxml in its lock."""
    del desk
    shutil.copytree(REPO / "fixtures" / "authentik", project, dirs_exist_ok=True)


def requirements(desk: Desk, project: Path) -> None:
    """What a project without uv has."""
    del desk
    (project / "requirements.txt").write_text("humanize>=4\n")


def nothing(desk: Desk, project: Path) -> None:
    """An empty folder."""
    del desk, project


@dataclass(frozen=True, slots=True)
class Scene:
    """``before``: first line of a block → what its reader has done before, as shell commands."""

    name: str
    pages: tuple[str, ...]
    prepare: Callable[[Desk, Path], None]
    before: Mapping[str, str]


DEPS = """
{ runCommand }:
runCommand "deps"
  {
    outputHashMode = "recursive"; outputHashAlgo = "sha256";
    outputHash = "";
  }
  "echo hello > $out"
"""
SCENES: Final = (
    # An index that is behind may lack this uv's own build backend; the stand may lack this machine's Python.
    Scene(
        "new",
        ("first-package.md", "automation.md"),
        nothing,
        {
            "uv init --package polls": "export UV_INIT_BUILD_BACKEND=hatch",
            "$ uvlock2nix classify": "rm .python-version",
        },
    ),
    Scene(
        "flake",
        ("index.md", "README.md", "flakes.md", "dev-shell.md", "sbom.md", "security.md", "caches.md"),
        application,
        {
            "nix flake init -t path:/path/to/uvlock2nix#application": "mkdir ../new; cd ../new",
            "nix develop --command uv run pytest": "cd PROJECT",
            "scripts/demo": f"cd {REPO}",
            "uvlock2nix init": "cd PROJECT",
        },
    ),
    Scene("install", ("install.md",), nothing, {}),
    Scene("generated", ("mode-files.md", "images.md", "services.md", "private-indexes.md"), generated, {}),
    Scene(
        "update-hash",
        ("update-hash.md",),
        generated,
        {
            "$ uv lock --upgrade": "uv lock -q --upgrade-package humanize==4.9.0; uvlock2nix update-hash",
            "$ uvlock2nix update-hash --commit-message": "mkdir ../hello; cd ../hello;"
            " uv init -q --package --build-backend hatch; rm .python-version; uv add -q six==1.16.0;"
            " uvlock2nix generate; uvlock2nix update-hash; git add -A; git commit -qm one;"
            " uv add -q six==1.17.0 idna==3.10",
            "$ uvlock2nix update-hash deps.nix": f"cat > deps.nix <<'END'{DEPS}END\n"
            "sed 's/^runCommand/{ app.npmDeps = runCommand/; s/out\"$/out\"; }/' deps.nix > default.nix",
        },
    ),
    Scene("workspace", ("workspaces.md",), workspace, {}),
    Scene("script", ("scripts.md",), script, {}),
    Scene("libraries", ("native-libraries.md", "nixpkgs.md"), authentik, {}),
    Scene("migrating", ("migrating.md",), requirements, {}),
)


def test_every_block_has_its_place() -> None:
    """Run in a scene, run by another test, or named with the reason why it cannot be run."""
    pages = [page for scene in SCENES for page in scene.pages]
    assert len(pages) == len(set(pages))
    assert {one.page for one in blocks()} - {page for page, _ in CANNOT} <= set(pages)
    assert set(CANNOT) | set(DONE_BY) <= {(one.page, one.first) for one in blocks()}
    for (_, line), test in DONE_BY.items():
        assert line.split()[0] in (REPO / "tests" / test).read_text(), line
    for page, test in ELSEWHERE.items():
        assert f'"{page}"' in (REPO / "tests" / test).read_text(), page
    first = {(one.page, one.first) for one in blocks()}
    for scene in SCENES:
        assert set(scene.before) <= {line for page, line in first if page in scene.pages}, scene.name
    # How many commands nobody runs: a number that has to be changed by hand.
    assert len(CANNOT) == 2


def steps(scene: Scene, project: Path, made: Desk) -> list[tuple[str, Command]]:
    """Where each command is, and what is typed; what a reader did before is a command without a place."""
    found: list[tuple[str, Command]] = []
    for page in scene.pages:
        for example in blocks():
            if example.page != page or (page, example.first) in {**CANNOT, **DONE_BY}:
                continue
            if before := scene.before.get(example.first):
                found.append(("", Command(before, None)))
            found += [(example.where, command) for command in commands(example)]
    places = {
        "/path/to/uvlock2nix": str(made.folder / "own"),
        "PROJECT": str(project),
        "/srv/": f"{made.folder}/srv/",
        # The link that Nix makes leads into the store of the stand, which only the stand sees at its place.
        "./result/bin/": f"{STAND}/enter {made.stand.suite} ./result/bin/",
        "--tree result-venv": f'--tree "{made.stand.root}$(readlink result-venv)"',
    }
    return [
        (
            where,
            Command(reduce(lambda text, place: text.replace(*place), places.items(), one.words), one.shown),
        )
        for where, one in found
    ]


@pytest.mark.stand
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_commands_do_what_the_page_says(scene: Scene, tmp_path: Path) -> None:
    made = desk(tmp_path, require_stand("forky"))
    project = tmp_path / "project"
    project.mkdir()
    scene.prepare(made, project)
    typed = steps(scene, project, made)
    assert typed
    done = made.run(project, [one.words for _, one in typed])
    for (where, one), (code, printed, said) in zip(typed, done, strict=False):
        assert code == 0, f"{where}\n$ {one.words}\n{printed}\n{said}"
        if one.shown is not None:
            assert same(one.shown, printed), f"{where}\n{one.shown}\n--- printed:\n{printed}"
    assert len(done) == len(typed)
