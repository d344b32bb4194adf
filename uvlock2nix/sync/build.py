"""Building one package from source, so that two builds give the same wheel.

uv unpacks an sdist, and makes the environment that builds it, below folders with random names; these names
end up in what the compiler writes. Here both have fixed places, the build requirements are held back in
time, and the compiler is told to leave out what says where and when it ran.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.sync.fetch import fetch
from uvlock2nix.sync.isolate import isolated
from uvlock2nix.sync.requires import BuildSystem, effective_requires, read_build_system
from uvlock2nix.sync.run import Runner
from uvlock2nix.sync.unpack import unpack
from uvlock2nix.sync.values import NativeBuild

# Asks the backend for requirements that it knows only at run time (PEP 517 get_requires_for_build_wheel).
ASK_BACKEND: Final = """\
import importlib, json, os, sys
wanted = json.loads(sys.argv[1])
sys.path[:0] = [os.path.join(os.getcwd(), part) for part in wanted["path"]]
if wanted["backend"].startswith("setuptools.build_meta:__legacy__"):
    sys.path.insert(0, os.getcwd())
module, _, attribute = wanted["backend"].partition(":")
backend = importlib.import_module(module)
for part in attribute.split(".") if attribute else ():
    backend = getattr(backend, part)
hook = getattr(backend, "get_requires_for_build_wheel", None)
with open(sys.argv[2], "w") as answer:
    json.dump(list(hook(wanted["settings"]) or []) if hook else [], answer)
"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a build's source comes from: a file (URL or path) or a git commit."""

    url: str | None = None
    path: Path | None = None
    filename: str = ""
    hash: str | None = None
    size: int | None = None
    commit: str | None = None
    subdirectory: str | None = None
    lfs: bool = False


@dataclass(frozen=True, slots=True)
class Build:
    """One package to compile or package: its source, and what only it may see."""

    name: str
    version: str | None
    source: Source
    native: NativeBuild = field(default_factory=NativeBuild)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all builds share: the tools, the fixed folder, the time that holds back requirements."""

    run: Runner
    uv: str
    python: Path
    root: Path
    env: Mapping[str, str]
    exclude_newer: str | None
    constraints: tuple[str, ...] = ()
    index_flags: tuple[str, ...] = ()
    native_inputs: tuple[str, ...] = ()
    locked: Mapping[str, str] = field(default_factory=dict)
    marker_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def wheels(self) -> Path:
        return self.root / "wheels"

    def resolver_arguments(self, work: Path, requirements: Sequence[str]) -> list[str]:
        """uv's arguments to install requirements as they were known at the time that holds them back.

        Requirements and constraints go through files in ``work``, not through arguments: nothing in them
        can be taken for an option of uv.
        """
        arguments = [
            *self.index_flags,
            "--requirements",
            str(_listed(work / "requirements.txt", requirements)),
        ]
        if self.exclude_newer:
            arguments += ["--exclude-newer", self.exclude_newer]
        if self.constraints:
            arguments += ["--constraints", str(_listed(work / "constraints.txt", self.constraints))]
        return arguments


def build_wheel(
    build: Build, shop: Workshop, ready: Mapping[str, Path], tree: Path, system: BuildSystem
) -> Path:
    """Build the wheel of an unpacked source; return its path.

    ``ready`` maps names of this environment that were built already to their wheels: a build that requires
    one of them gets that very wheel.

    Raises:
        ToolError: the build failed; the message has the end of its output.
        NetworkError: its requirements cannot be had.
    """
    what = f"building {build.name} {build.version or ''}".rstrip()
    settings = _settings(build, system)
    env = build_environment(build, shop)
    python = _make_environment(build, shop, env, what)
    declared = effective_requires(
        system.requires,
        relax=build.native.relax,
        added=build.native.build_requires,
        locked={name: shop.locked[name] for name in ready if name in shop.locked},
        marker_environment=shop.marker_environment,
        what=what,
    )
    _install(declared, shop, env, python, ready, what)
    asked = _ask_backend(build, shop, env, python, tree, system, settings)
    if asked:
        _install(
            effective_requires(asked, relax=build.native.relax, what=what), shop, env, python, ready, what
        )
    out = shop.wheels / build.name
    out.mkdir(parents=True)
    arguments = [shop.uv, "build", "--wheel", "--no-build-isolation", "--no-sources", "--offline"]
    arguments += ["--python", str(python), "--out-dir", str(out)]
    for key, value in settings.items():
        arguments += ["--config-setting", f"{key}={value}"]
    shop.run([*arguments, "--", str(tree)], what=what, env=env, cwd=tree)
    return _only_wheel(out, what)


def _only_wheel(out: Path, what: str) -> Path:
    wheels = sorted(out.glob("*.whl"))
    if len(wheels) != 1:
        raise ToolError(f"{what}: the backend made {len(wheels)} wheels", hint="one was asked for")
    return wheels[0]


def prepare(build: Build, shop: Workshop) -> tuple[Path, BuildSystem]:
    """Fetch and unpack the source at its fixed place; return the tree to build and its build system."""
    place = shop.root / "src" / build.name
    source = build.source
    if source.commit is not None:
        tree = _checkout(build, shop, place)
    else:
        archive = source.path
        if archive is None:
            if source.url is None:
                raise InputError(f"{build.name}: no source to build", hint="run `uv lock` again")
            archive = shop.root / "files" / source.filename
            archive.parent.mkdir(parents=True, exist_ok=True)
            fetch(source.url, archive, expected=source.hash, size=source.size)
        tree = unpack(archive, place)
    if source.subdirectory:
        inside = (tree / source.subdirectory).resolve()
        if not inside.is_relative_to(tree.resolve()) or not inside.is_dir():
            raise InputError(
                f"{build.name}: its subdirectory {source.subdirectory!r} is not in the source",
                hint="check `subdirectory` under [tool.uv.sources] and run `uv lock` again",
            )
        tree = inside
    return tree, read_build_system(tree)


def _checkout(build: Build, shop: Workshop, place: Path) -> Path:
    """Check the locked commit out, with its submodules, as uv does."""
    source, what = build.source, f"fetching {build.name} from git"
    tree = place / "checkout"
    tree.mkdir(parents=True)
    commit = source.commit or ""
    env = {**shop.env, "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "0" if source.lfs else "1"}

    def git(*arguments: str) -> str:
        return shop.run(["git", "-c", "advice.detachedHead=false", *arguments], what=what, env=env, cwd=tree)

    git("init", "--quiet")
    git("remote", "add", "--", "origin", source.url or "")
    # With tags and history: setuptools-scm and its kin read the version from them.
    git("fetch", "--quiet", "--tags", "--force", "origin", "+refs/heads/*:refs/remotes/origin/*")
    try:
        git("checkout", "--quiet", "--detach", commit)
    except ToolError:
        # A commit that no branch or tag leads to: some servers give it when asked by name.
        git("fetch", "--quiet", "origin", commit)
        git("checkout", "--quiet", "--detach", commit)
    if (tree / ".gitmodules").exists():
        git("submodule", "--quiet", "update", "--init", "--recursive")
    return tree


def _make_environment(build: Build, shop: Workshop, env: Mapping[str, str], what: str) -> Path:
    place = shop.root / "env" / build.name
    arguments = [shop.uv, "venv", "--quiet", "--no-project", "--python", str(shop.python), str(place)]
    shop.run(arguments, what=what, env=env, cwd=shop.root)
    return place / "bin" / "python"


def _install(
    requires: Sequence[str],
    shop: Workshop,
    env: Mapping[str, str],
    python: Path,
    ready: Mapping[str, Path],
    what: str,
) -> None:
    if not requires:
        return
    arguments = [shop.uv, "pip", "install", "--quiet", "--python", str(python)]
    arguments += shop.resolver_arguments(
        python.parent.parent, [_from_wheel(line, ready) for line in requires]
    )
    shop.run(arguments, what=what, env=env, cwd=shop.root)


def _listed(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _from_wheel(requirement: str, ready: Mapping[str, Path]) -> str:
    """``lxml==6.0.2`` → ``lxml @ file:///…`` where that very version was built here."""
    name, pinned, _ = requirement.partition("==")
    wheel = ready.get(name) if pinned else None
    return f"{name} @ {wheel.as_uri()}" if wheel else requirement


def _ask_backend(
    build: Build,
    shop: Workshop,
    env: Mapping[str, str],
    python: Path,
    tree: Path,
    system: BuildSystem,
    settings: Mapping[str, str],
) -> list[str]:
    answer = python.parent.parent / "requires.json"
    wanted = json.dumps({"backend": system.backend, "path": system.backend_path, "settings": settings})
    argv = [str(python), "-c", ASK_BACKEND, wanted, str(answer)]
    shop.run(argv, what=f"asking the build backend of {build.name}", env=env, cwd=tree)
    asked = json.loads(answer.read_text())
    return [str(item) for item in asked]


def _settings(build: Build, system: BuildSystem) -> dict[str, str]:
    """PEP 517 config settings: the package's own, and a fixed build folder for meson-python."""
    settings = {key: value for key, _, value in (flag.partition("=") for flag in build.native.flags)}
    if system.backend == "mesonpy":
        settings.setdefault("build-dir", "uvlock2nix-build")
    return settings


def build_environment(build: Build, shop: Workshop) -> dict[str, str]:
    """The environment of one build: only its own inputs, no debug information, no paths, no build-id."""
    place = shop.root / "env" / build.name
    env = isolated(shop.env, build.native.inputs, shop.native_inputs)
    env["PATH"] = f"{place / 'bin'}:{env.get('PATH', '')}"
    env["VIRTUAL_ENV"] = str(place)
    # The compiler's wrapper puts these behind what the build itself says, so that they have the last word.
    compile_flags = ["-g0", f"-ffile-prefix-map={shop.root}=/build"]
    for flag in build.native.cflags:
        compile_flags += shlex.split(flag)
    _append(env, "NIX_CFLAGS_COMPILE", compile_flags)
    _append(env, "NIX_LDFLAGS", ["--build-id=none"])
    _append(env, "RUSTFLAGS", [f"--remap-path-prefix={shop.root}=/build"])
    env["CARGO_HOME"] = str(shop.root / "cargo" / build.name)
    env["CARGO_PROFILE_RELEASE_DEBUG"] = "0"
    env.update(build.native.env)
    return env


def _append(env: dict[str, str], name: str, words: Sequence[str]) -> None:
    env[name] = " ".join([*filter(None, [env.get(name, "")]), *words])


def clean(build: Build, shop: Workshop) -> None:
    """Remove a build's folders: a large environment must not need the disk for all of them at once."""
    for part in ("src", "env", "cargo"):
        shutil.rmtree(shop.root / part / build.name, ignore_errors=True)
