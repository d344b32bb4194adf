"""The environment of a build: a folder at a fixed path, build requirements, variables."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from packaging.requirements import Requirement

from uvlock2nix.build.isolation import isolated
from uvlock2nix.build.rpath import library_folders, without_rpath
from uvlock2nix.build.values import Build, BuildContext
from uvlock2nix.dist.interpreter import write_interpreter
from uvlock2nix.layout import site_packages
from uvlock2nix.names import canonicalize_name
from uvlock2nix.regex import regex

# A free-threaded Python has folders of its own.
_INTERPRETER: Final = regex(r"python(3\.[0-9]+t?)\Z")


@dataclass(frozen=True, slots=True)
class BuildEnvironment:
    """The virtual environment of a build, and the variables of its programs."""

    folder: Path
    variables: Mapping[str, str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"


def make_environment(build: Build, context: BuildContext, ready: Mapping[str, Path]) -> BuildEnvironment:
    """Make the empty environment of a build, which may load ``ready`` (and the libraries that these link)."""
    variables: Mapping[str, str] = build_variables(build, context)
    if not context.keeps_rpath:
        folders = (folder for name in sorted(ready) for folder in context.folders.get(name, ()))
        variables = without_rpath(variables, folders)
    place = context.root / "env" / build.name
    if minor := _INTERPRETER.match(context.python.name):
        # As uv makes it, without its activation scripts, and without a process.
        write_interpreter(place, context.python, minor[1])
        (place / site_packages(minor[1])).mkdir(parents=True)
    else:
        arguments = [context.uv, "venv", "--quiet", "--no-project", "--python", str(context.python)]
        context.run([*arguments, str(place)], what=build.what, env=variables, cwd=context.root)
    if build.native.crates is not None:
        vendor_crates(Path(build.native.crates), Path(variables["CARGO_HOME"]))
    return BuildEnvironment(place, variables)


def vendor_crates(crates: Path, home: Path) -> None:
    """Let cargo, whose ``CARGO_HOME`` is ``home``, take all crates from the output of nixpkgs'
    importCargoLock.

    Its configuration contains a placeholder for the folder, which cargoSetupHook would replace.
    https://doc.rust-lang.org/cargo/reference/source-replacement.html
    """
    text = (crates / ".cargo" / "config.toml").read_text(encoding="utf-8")
    home.mkdir(parents=True, exist_ok=True)
    for word in ("cargo-vendor-dir", "@vendor@"):
        text = text.replace(f'directory = "{word}"', f'directory = "{crates}"')
    (home / "config.toml").write_text(text, encoding="utf-8")


class Requirements(Protocol):
    """The source of build requirements."""

    def install(
        self,
        requires: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        ready: Mapping[str, Path],
    ) -> None:
        """Install them into the environment of a build.

        ``ready`` maps packages that were already built to their wheels.
        """


class FromIndex:
    """Build requirements from the project's indexes; those built here come from their wheels."""

    def install(
        self,
        requires: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        ready: Mapping[str, Path],
    ) -> None:
        """Install them; requirements that pin a version in ``ready`` are installed from its wheel.

        Raises:
            ToolError: uv failed.
            NetworkError: they cannot be downloaded.
        """
        if not requires:
            return
        arguments = [context.uv, "pip", "install", "--quiet", "--python", str(environment.python)]
        wanted = [from_wheel(line, ready) for line in requires]
        arguments += resolver_arguments(context, environment.folder, wanted)
        context.run(arguments, what=build.what, env=environment.variables, cwd=context.root)


def install_wheels(
    wheels: Sequence[Path], environment: BuildEnvironment, context: BuildContext, what: str
) -> None:
    """Install these files and nothing else, without an index."""
    if not wheels:
        return
    arguments = [context.uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-index"]
    arguments += ["--python", str(environment.python), "--", *map(str, wheels)]
    context.run(arguments, what=what, env=environment.variables, cwd=context.root)


def resolver_arguments(
    context: BuildContext, work: Path, requirements: Sequence[str], held: Sequence[str] = ()
) -> list[str]:
    """uv's arguments to install requirements, held back in time.

    ``held`` are further constraints.

    Requirements and constraints go through files in ``work`` instead of arguments, so that nothing in them
    can be taken for an option of uv.
    """
    arguments = [
        *context.index_flags,
        "--requirements",
        str(_listed(work / "requirements.txt", requirements)),
    ]
    if context.exclude_newer:
        arguments += ["--exclude-newer", context.exclude_newer]
    if constraints := [*context.constraints, *held]:
        arguments += ["--constraints", str(_listed(work / "constraints.txt", constraints))]
    return arguments


def _listed(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def from_wheel(requirement: str, ready: Mapping[str, Path]) -> str:
    """``lxml==6.0.2`` → ``lxml @ file:///…`` if that version was built here."""
    parsed = Requirement(requirement)
    wheel = ready.get(canonicalize_name(parsed.name))
    if wheel is None or parsed.url or not str(parsed.specifier).startswith("=="):
        return requirement
    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    return f"{parsed.name}{extras} @ {wheel.as_uri()}"


def build_variables(build: Build, context: BuildContext) -> dict[str, str]:
    """The variables of a build: only its own inputs, no debug information, no paths, no build-id."""
    place = context.root / "env" / build.name
    env = isolated(context.env, build.native.inputs, context.native_inputs)
    env["PATH"] = f"{place / 'bin'}:{env.get('PATH', '')}"
    env["VIRTUAL_ENV"] = str(place)
    # The compiler's wrapper appends these to the build's own flags, so they win.
    # nixpkgs takes the seed from $out, which changes with the hash of a fixed-output derivation.
    compile_flags = ["-g0", f"-ffile-prefix-map={context.root}=/build", f"-frandom-seed={build.name}"]
    for flag in build.native.cflags:
        compile_flags += shlex.split(flag)
    _append(env, "NIX_CFLAGS_COMPILE", compile_flags)
    _append(env, "NIX_LDFLAGS", ["--build-id=none"])
    if "NIX_CC" not in env:
        # Outside Nix there is no such wrapper: use variables that build systems read, which is less reliable.
        for name in ("CFLAGS", "CXXFLAGS"):
            _append(env, name, ["-O2", *compile_flags])
        _append(env, "LDFLAGS", ["-Wl,--build-id=none"] if sys.platform == "linux" else [])
    _append(env, "RUSTFLAGS", [f"--remap-path-prefix={context.root}=/build"])
    env["CARGO_HOME"] = str(context.root / "cargo" / build.name)
    env["CARGO_PROFILE_RELEASE_DEBUG"] = "0"
    if build.native.crates is not None:
        env["CARGO_NET_OFFLINE"] = "true"
    env.update(build.native.env)
    return env


def folders_to_link(builds: Sequence[Build], context: BuildContext) -> dict[str, tuple[str, ...]]:
    """Package → the store folders that the linker of its build searches, in order."""
    return {
        build.name: library_folders(isolated(context.env, build.native.inputs, context.native_inputs))
        for build in builds
    }


def _append(env: dict[str, str], name: str, words: Sequence[str]) -> None:
    env[name] = " ".join([*filter(None, [env.get(name, "")]), *words])


def clean(build: Build, context: BuildContext) -> None:
    """Remove a build's folders: a large environment must not fill the disk with all of them."""
    for part in ("src", "env", "cargo", "files"):
        shutil.rmtree(context.root / part / build.name, ignore_errors=True)
