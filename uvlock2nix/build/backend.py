"""Building one package from source, so that two builds give the same wheel.

uv unpacks an sdist, and makes the environment that builds it, below folders with random names; these names
end up in what the compiler writes. Here both have fixed places, the build requirements are held back in
time, and the compiler is told to leave out what says where and when it ran.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from uvlock2nix.build.isolation import isolated
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import BuildSystem, effective_requires, read_build_system
from uvlock2nix.build.rpath import library_folders, without_rpath
from uvlock2nix.build.sources import unpack
from uvlock2nix.build.values import NativeBuild
from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.net.locked import Logins, check_file, fetch

# Calls one PEP 517 hook of the backend, in the source tree. Not through `uv build`: it would take its own
# version of uv_build, read settings that the source has for its developers, and differ between uv's versions.
# https://packaging.python.org/en/latest/specifications/pyproject-toml/#build-system-table
CALL_BACKEND: Final = """\
import importlib, json, os, sys
wanted = json.loads(sys.argv[1])
sys.argv[1:] = []
sys.path[:] = [os.path.join(os.getcwd(), part) for part in wanted["path"]] + [p for p in sys.path if p]
module, _, attribute = wanted["backend"].partition(":")
backend = importlib.import_module(module)
for part in attribute.split(".") if attribute else ():
    backend = getattr(backend, part)
if wanted["out"]:
    answer = backend.build_wheel(wanted["out"], wanted["settings"], None)
else:
    hook = getattr(backend, "get_requires_for_build_wheel", None)
    answer = list(hook(wanted["settings"]) or []) if hook else []
with open(wanted["answer"], "w") as file:
    json.dump(answer, file)
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
    logins: Logins = field(default_factory=dict)
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
    folders = (folder for name in sorted(ready) for folder in shop.folders.get(name, ()))
    env = without_rpath(build_environment(build, shop), folders)
    python = _make_environment(build, shop, env, what)
    common = {
        "locked": {name: shop.locked[name] for name in ready if name in shop.locked},
        "marker_environment": shop.marker_environment,
    }
    declared = effective_requires(
        system.requires, relax=build.native.relax, added=build.native.build_requires, what=what, **common
    )
    _install(declared, shop, env, python, ready, what)
    backend = Backend(build, shop, env, python, tree, system)
    asked = backend.requires()
    if asked:
        more = effective_requires(asked, relax=build.native.relax, what=what, **common)
        _install(more, shop, env, python, ready, what)
    out = shop.wheels / build.name
    out.mkdir(parents=True)
    backend.wheel(out, what)
    return _only_wheel(out, what)


@dataclass(frozen=True, slots=True)
class Backend:
    """The build backend of one source tree."""

    build: Build
    shop: Workshop
    env: Mapping[str, str]
    python: Path
    tree: Path
    system: BuildSystem

    def requires(self) -> list[str]:
        """What it needs beyond what is declared (``get_requires_for_build_wheel``)."""
        what = f"asking the build backend of {self.build.name}"
        asked = self._call("", what)
        if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
            raise ToolError(
                f"{what}: not a list of requirements", hint="report it to the package's maintainers"
            )
        return asked

    def wheel(self, out: Path, what: str) -> None:
        self._call(str(out), what)

    def _call(self, out: str, what: str) -> object:
        answer = self.python.parent.parent / "answer.json"
        wanted = {
            "backend": self.system.backend,
            "path": self.system.backend_path,
            "settings": _settings(self.build, self.system),
            "out": out,
            "answer": str(answer),
        }
        argv = [str(self.python), "-c", CALL_BACKEND, json.dumps(wanted)]
        self.shop.run(argv, what=what, env=self.env, cwd=self.tree)
        try:
            return json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise ToolError(
                f"{what}: it ended without an answer", hint="report it to the package's maintainers"
            ) from None


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
        tree = unpack(_archive(build, shop), place)
    if source.subdirectory:
        inside = (tree / source.subdirectory).resolve()
        if not inside.is_relative_to(tree.resolve()) or not inside.is_dir():
            raise InputError(
                f"{build.name}: its subdirectory {source.subdirectory!r} is not in the source",
                hint="check `subdirectory` under [tool.uv.sources] and run `uv lock` again",
            )
        tree = inside
    return tree, read_build_system(tree)


def _archive(build: Build, shop: Workshop) -> Path:
    source = build.source
    if source.path is not None:
        check_file(source.path, source.hash)
        return source.path
    # Of the name only the end counts, which says the kind of archive; it comes from a URL.
    name = Path(unquote(source.filename)).name
    if source.url is None or not name or "\0" in name:
        raise InputError(f"{build.name}: no source to build", hint="run `uv lock` again")
    # Below the package's name: `main.zip` is what many call theirs.
    archive = shop.root / "files" / build.name / name
    archive.parent.mkdir(parents=True, exist_ok=True)
    fetch(source.url, archive, expected=source.hash, size=source.size, logins=shop.logins)
    return archive


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
    parsed = Requirement(requirement)
    wheel = ready.get(canonicalize_name(parsed.name))
    if wheel is None or parsed.url or not str(parsed.specifier).startswith("=="):
        return requirement
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return f"{parsed.name}{extras} @ {wheel.as_uri()}"


def _settings(build: Build, system: BuildSystem) -> dict[str, str | list[str]]:
    """PEP 517 config settings: the package's own, and a fixed build folder for meson-python."""
    settings: dict[str, str | list[str]] = {}
    for flag in build.native.flags:
        key, _, value = flag.partition("=")
        before = settings.get(key)
        # A key that is given again is a list, as with pip and uv.
        settings[key] = (
            value if before is None else [*([before] if isinstance(before, str) else before), value]
        )
    if system.backend == "mesonpy" and "build-dir" not in settings:
        settings.setdefault("builddir", "uvlock2nix-build")
    return settings


def build_environment(build: Build, shop: Workshop) -> dict[str, str]:
    """The environment of one build: only its own inputs, no debug information, no paths, no build-id."""
    place = shop.root / "env" / build.name
    env = isolated(shop.env, build.native.inputs, shop.native_inputs)
    env["PATH"] = f"{place / 'bin'}:{env.get('PATH', '')}"
    env["VIRTUAL_ENV"] = str(place)
    # The compiler's wrapper puts these behind what the build itself says, so that they have the last word.
    # nixpkgs takes the seed from $out, which in a fixed-output derivation moves with the hash looked for.
    compile_flags = ["-g0", f"-ffile-prefix-map={shop.root}=/build", f"-frandom-seed={build.name}"]
    for flag in build.native.cflags:
        compile_flags += shlex.split(flag)
    _append(env, "NIX_CFLAGS_COMPILE", compile_flags)
    _append(env, "NIX_LDFLAGS", ["--build-id=none"])
    if "NIX_CC" not in env:
        # No such wrapper outside of Nix: what build systems read by themselves, which is less sure.
        for name in ("CFLAGS", "CXXFLAGS"):
            _append(env, name, ["-O2", *compile_flags])
        _append(env, "LDFLAGS", ["-Wl,--build-id=none"] if sys.platform == "linux" else [])
    _append(env, "RUSTFLAGS", [f"--remap-path-prefix={shop.root}=/build"])
    env["CARGO_HOME"] = str(shop.root / "cargo" / build.name)
    env["CARGO_PROFILE_RELEASE_DEBUG"] = "0"
    env.update(build.native.env)
    return env


def folders_to_link(builds: Sequence[Build], shop: Workshop) -> dict[str, tuple[str, ...]]:
    """Package → the folders of the store in which the linker of its build looks for libraries, in order."""
    return {
        build.name: library_folders(isolated(shop.env, build.native.inputs, shop.native_inputs))
        for build in builds
    }


def _append(env: dict[str, str], name: str, words: Sequence[str]) -> None:
    env[name] = " ".join([*filter(None, [env.get(name, "")]), *words])


def clean(build: Build, shop: Workshop) -> None:
    """Remove a build's folders: a large environment must not need the disk for all of them at once."""
    for part in ("src", "env", "cargo", "files"):
        shutil.rmtree(shop.root / part / build.name, ignore_errors=True)
