"""Build requirements from pins: the locked files, fetched with their hash checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from uvlock2nix.build.environment import (
    BuildEnvironment,
    FromIndex,
    clean,
    from_wheel,
    install_wheels,
    resolver_arguments,
)
from uvlock2nix.build.pinned import Pinned, unmet
from uvlock2nix.build.sources import prepare
from uvlock2nix.build.values import Build, BuildContext, Source
from uvlock2nix.build.wheel import build_wheel
from uvlock2nix.build_pins import LockedBuild, PinnedFile
from uvlock2nix.errors import ToolError
from uvlock2nix.nar import parse_hash


@dataclass(slots=True)
class FromPins:
    """Build requirements locked in pins; those of unlocked packages come from the project's indexes.

    ``offline``: nothing is resolved; an unlocked requirement is an error.
    """

    pinned: Pinned
    offline: bool = False
    _there: dict[str, dict[str, str]] = field(default_factory=dict)

    def install(
        self,
        requires: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        ready: Mapping[str, Path],
    ) -> None:
        """First install what is locked for the build; later only what the backend also asks for.

        Raises:
            ToolError: uv failed, or a requirement is not locked.
            NetworkError: a file cannot be downloaded.
            InputError: a file does not match the lock.
        """
        locked = self._locked(build)
        if locked is None and self.offline:
            raise ToolError(
                f"{build.what}: its build requirements are not locked",
                hint="run `uvlock2nix generate` on a machine with uv and network access",
            )
        if locked is None:
            FromIndex().install(requires, environment, build, context, ready)
        elif build.name not in self._there:
            files = self.pinned.files(locked.files)
            own = [ready[name] for name in locked.built if name in ready]
            wheels = [*self.wheels(files, context), *own]
            install_wheels(wheels, environment, context, build.what)
            there = {file.name: file.version for file in files}
            self._there[build.name] = there | {name: context.locked.get(name, "") for name in locked.built}
        else:
            self._more(requires, environment, build, context, locked)

    def wheels(self, files: Iterable[PinnedFile], context: BuildContext) -> list[Path]:
        """The wheels of locked build requirements; those that exist only as sdists are built first.

        Raises:
            ToolError: such a build failed.
            NetworkError: a file cannot be downloaded.
        """
        return [
            self.pinned.path(file)
            if file.is_wheel
            else self.pinned.once(f"wheel of {file.key}", partial(self._from_sdist, file, context))
            for file in files
        ]

    def _locked(self, build: Build) -> LockedBuild | None:
        nested = self.pinned.pins.nested(self.pinned.system)
        return self.pinned.of(build.name) or nested.get(build.name)

    def _from_sdist(self, file: PinnedFile, context: BuildContext) -> Path:
        self.pinned.of_sdist(file)
        digest = parse_hash(file.hash, "sha256")
        source = Source(path=self.pinned.path(file), filename=file.filename, hash=f"sha256:{digest.hex}")
        # Named after its file, which cannot be a package's name.
        build = Build(file.key, None, source)
        context.run.say(f"uvlock2nix: building {file.name} {file.version}, a build requirement")
        wheel = build_wheel(build, context, self, {}, prepare(build, context))
        clean(build, context)
        return wheel

    def _more(
        self,
        asked: Sequence[str],
        environment: BuildEnvironment,
        build: Build,
        context: BuildContext,
        locked: LockedBuild,
    ) -> None:
        """Install what the backend also asks for: locked for that case, or unknown until now."""
        there, markers = self._there[build.name], context.marker_environment
        missing = unmet(asked, there, markers)
        if not missing:
            return
        more = self.pinned.files(locked.asked)
        if not unmet(missing, there | {file.name: file.version for file in more}, markers):
            install_wheels(self.wheels(more, context), environment, context, build.what)
            return
        names = ", ".join(missing)
        if self.offline:
            raise ToolError(
                f"{build.what}: its backend requires {names}, which are not locked",
                hint=f"add it under [tool.uvlock2nix.native.{build.name}] build-requires and run"
                " `uvlock2nix generate` again",
            )
        context.run.say(f"uvlock2nix: {build.name}: its backend asks for {names}, held back to {locked.time}")
        held = [f"{name}=={version}" for name, version in there.items() if version]
        arguments = [context.uv, "pip", "install", "--quiet", "--python", str(environment.python)]
        then = replace(context, exclude_newer=locked.time)
        wanted = [from_wheel(text, {}) for text in missing]
        arguments += resolver_arguments(then, environment.folder, wanted, held)
        context.run(arguments, what=build.what, env=environment.variables, cwd=context.root)
