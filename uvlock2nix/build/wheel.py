"""Build a package from source into a reproducible wheel.

uv unpacks sdists and creates their build environments in folders with random names, which end up in what the
compiler writes. Here both have fixed paths, build requirements are held back in time, and the compiler is
told to omit where and when it ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from uvlock2nix.build.backend import Backend, config_settings
from uvlock2nix.build.environment import Requirements, make_environment
from uvlock2nix.build.requirements import BuildSystem, effective_requires
from uvlock2nix.build.values import Build, BuildContext


def build_wheel(
    build: Build,
    context: BuildContext,
    requirements: Requirements,
    ready: Mapping[str, Path],
    prepared: tuple[Path, BuildSystem],
) -> Path:
    """Build the wheel of a prepared source (its tree and build system); return its path.

    ``ready`` maps packages of this environment that were already built to their wheels: a build that requires
    one gets that wheel.

    Raises:
        ToolError: the build failed; the message has the end of its output.
        NetworkError: its requirements cannot be downloaded.
    """
    (tree, system), native = prepared, build.native
    common = {
        "locked": {name: context.locked[name] for name in ready if name in context.locked},
        "marker_environment": context.marker_environment,
    }
    declared = effective_requires(
        system.requires, relax=native.relax, added=native.build_requires, what=build.what, **common
    )
    environment = make_environment(build, context, ready)
    requirements.install(declared, environment, build, context, ready)
    backend = Backend(
        system, tree, config_settings(native.flags, system), environment, context.run, context.product
    )
    asked = backend.requires(f"asking the build backend of {build.name}")
    if asked:
        more = effective_requires(asked, relax=native.relax, what=build.what, **common)
        requirements.install(more, environment, build, context, ready)
    return backend.build(context.root / "wheels" / build.name, build.what)
