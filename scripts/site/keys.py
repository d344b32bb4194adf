"""The reference page of ``[tool.uvlock2nix]``, from the readers of the configuration and the options of click."""

from __future__ import annotations

from typing import Final

import click

from scripts.site.markdown import cell
from uvlock2nix import config, service
from uvlock2nix.classify import policy
from uvlock2nix.cli.generate import command as generate
from uvlock2nix.knowledge import user

# What no option of the command line says.
ABOUT: Final[dict[str, str]] = {
    "no-default-groups": "Leave uv's default groups out; the default.",
    "no-dev": "Leave the dependency group `dev` out; the default.",
    "no-bytecode": "Do not compile modules in env and package.",
    "check": "The command of the project's tests, such as `pytest -q`, for `nix flake check`; see [flakes](../flakes.md).",
    "check-group": "The dependency group that `check` needs.",
    "environments": "Several environments of one lock; see [environments](../environments.md).",
    "expose": "Dependencies whose programs are in `bin/` of the package, next to those of the project.",
    "include": "Files and folders that belong to the source although git, or the rules, leave them out.",
    "exclude": "Files and folders that do not belong to the source.",
    "main-program": "`meta.mainProgram` of the package: what `nix run` starts.",
    "exclude-newer": "The time that build requirements are held back to, such as `2026-11-20T00:00:00Z`.",
    "link-mode": '`"symlink"` (default in mode `files`) or `"copy"` (default in mode `sync`): env is links, or one tree.',
    "version": "The version of a project that takes it from git.",
    "native": "What packages need from the system; a table for each package, see below.",
    "nixpkgs": "Packages to take from nixpkgs, or never to take; see below.",
    "service": "What the NixOS module and the image run; see below.",
    "collisions": "From a path, or a folder, that several packages have to the package that wins it.",
    "ignore-missing-libraries": "Libraries, or patterns, that compiled files need and that need not be found.",
}
NATIVE: Final[dict[str, str]] = {
    "build-inputs": "Libraries that its build links: nixpkgs attributes.",
    "native-build-inputs": "Programs that its build runs: nixpkgs attributes.",
    "dlopen": "Libraries that it opens by name when it runs: nixpkgs attributes.",
    "wheel-runtime-libs": "Libraries that its wheel needs: nixpkgs attributes.",
    "env": "Environment variables of its build; `${attr}` and `${attr.dev}` are store paths, `$${` is `${`.",
    "cflags": "Flags for the compiler.",
    "flags": "Settings for the build backend: `config-setting:KEY=VALUE`.",
    "build-requires": "Python requirements of its build that it does not declare, or that replace declared ones.",
    "relax": "Build requirements whose version does not count.",
    "patches": "Patches, as paths in the project; in mode `sync` only of packages that are built.",
}
NIXPKGS: Final[dict[str, str]] = {
    "allow": "Packages wanted from nixpkgs, whatever the level.",
    "deny": "Packages that are never taken from nixpkgs.",
    "any-version": "Packages that are taken from nixpkgs in whatever version it has; not what uv would install.",
    "index": "The index of nixpkgs to decide with: a file that `uvlock2nix index update` wrote.",
}
SERVICE: Final[dict[str, str]] = {
    "description": "The description of the unit.",
    "processes": "Process name → its command; each is a unit. Default: the main program.",
    "timers": "Timer name → its command and its times (`calendar`, in systemd's format).",
    "pre-start": "Commands that run before the first process starts.",
    "manage": "The management command; `NAME-manage` runs it as the service.",
    "static": "A command that collects static files when the package is built, into `{static}`.",
    "host": "The address to listen on.",
    "port": "The port to listen on.",
    "environment": "Environment variables of all processes.",
    "settings-file": '`{ format = "json", variable = "NAME" }`: settings are a file that the variable names.',
    "secrets": "The names of the secrets that the service cannot do without.",
    "secrets-as": '`"file"` (default): `NAME_FILE` names the file of a secret; `"variable"`: `NAME` holds it.',
    "writable-memory": "Whether the program makes code at run time.",
    "network": "Whether the program uses the network; `true` by default.",
}

HEAD: Final = """\
# `[tool.uvlock2nix]`

Every key is optional. Keys that are also options of the command line have their names and their meaning; an option
overrides its key. A key that does not exist is an error that names the nearest one. A script has the same table in its
block, `# [tool.uvlock2nix]`.

```toml
[tool.uvlock2nix]
python = "3.13"
extra = ["postgres"]
expose = ["gunicorn"]

[tool.uvlock2nix.native.some-package]
build-inputs = ["libfoo"]
native-build-inputs = ["pkg-config"]

[tool.uvlock2nix.nixpkgs]
deny = ["lxml"]

[tool.uvlock2nix.collisions]
"bin/format" = "the-package-that-wins"
```
"""


def kind(key: str) -> str:
    """The type of a key's value, as people write it in TOML."""
    if key == "check":
        return "string or list of strings"
    if key in config.BOOLS:
        return "true or false"
    if key in (*config.STRINGS, "check-group"):
        return "string"
    return "list of strings" if key in (*config.LISTS, "ignore-missing-libraries") else "table"


def about(key: str) -> str:
    """What a key does: the help of its option, or our own words."""
    if key in ABOUT:
        return ABOUT[key]
    for option in generate.params:
        if isinstance(option, click.Option) and f"--{key}" in (*option.opts, *option.secondary_opts):
            return (option.help or "").replace(" (repeatable)", "")
    raise LookupError(f"nothing says what `{key}` of [tool.uvlock2nix] does")


def page() -> str:
    """All keys, and those of the tables below it."""
    parts = [HEAD, "| key | value | meaning |\n| --- | --- | --- |"]
    parts += [f"| `{key}` | {kind(key)} | {cell(about(key))} |" for key in sorted(config.KEYS)]
    for name, words, what in (
        (
            "native.PACKAGE",
            NATIVE,
            "What a package needs that no table knows; see [native libraries](../classify.md).",
        ),
        ("nixpkgs", NIXPKGS, "See [from nixpkgs](../classify.md#from-nixpkgs)."),
        ("service", SERVICE, "See [services](../services.md)."),
    ):
        parts.append(f"\n## `[tool.uvlock2nix.{name}]`\n\n{what}\n\n| key | meaning |\n| --- | --- |")
        parts += [f"| `{key}` | {cell(text)} |" for key, text in words.items()]
    return "\n".join(parts) + "\n"


def missing() -> tuple[str, ...]:
    """Keys of the readers that this page does not describe, and words about keys that no reader has."""
    pairs = ((NATIVE, user.KEYS), (SERVICE, service.KEYS), (NIXPKGS, policy.KEYS))
    wrong = [key for words, known in pairs for key in set(words) ^ set(known)]
    wrong += [key for key in ABOUT if key not in config.KEYS]
    for key in config.KEYS:
        try:
            about(key)
        except LookupError:
            wrong.append(key)
    return tuple(sorted(wrong))
