"""Find nixpkgs: the user's option, the project's flake.lock, or NIX_PATH.

The result is a set of arguments for ``nix/update-hash.nix``; nothing is fetched here. A flake.lock is read as
JSON (https://nix.dev/manual/nix/stable/command-ref/new-cli/nix3-flake#lock-files), so that Nix versions and
installations without flakes get the same nixpkgs as those with them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from uvlock2nix.errors import InputError, ToolError
from uvlock2nix.reading import read_regular
from uvlock2nix.regex import regex

_FLAKE_REF: Final = regex(r"(?:flake:|github:|gitlab:|sourcehut:|git\+|path:|tarball\+|[a-z][a-z0-9._-]*\Z)")
# Needed for flake references and for package sets that use `fetchTree`.
FLAKE_FEATURES: Final = ("--option", "extra-experimental-features", "nix-command flakes")
_RELEASE: Final = regex(r"\b(?:nixos|nixpkgs|release)-(\d\d\.\d\d)\b")
_REV: Final = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
HINT: Final = (
    "specify nixpkgs: --nixpkgs PATH (or a flake reference such as github:NixOS/nixpkgs/nixos-unstable),"
    " a flake.lock with the input `nixpkgs`, or NIX_PATH"
)


class NixpkgsSource(NamedTuple):
    """``args`` are arguments of update-hash.nix (none: ``<nixpkgs>``); ``origin`` is for people.

    ``revision`` is the source's commit, ``release`` (``26.05``) the release that it follows, if known.
    """

    origin: str
    args: tuple[tuple[str, str], ...] = ()
    revision: str = ""
    release: str = ""


def find_nixpkgs(
    given: str | None,
    project: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    optional: bool = False,
) -> NixpkgsSource:
    """The nixpkgs to evaluate with, in the order: ``given``, flake.lock of ``project`` or
    of the repository around it, ``<nixpkgs>``.

    InputError for a path that does not exist or a lock that cannot be read; ToolError if there is none,
    unless it is ``optional`` (an expression may not need it).
    """
    if given:
        return _given(given)
    lock = _flake_lock(project)
    source = _from_lock(lock) if lock is not None else None
    if source is not None:
        return source
    if optional or _has_search_path(environ):
        return NixpkgsSource("<nixpkgs> in NIX_PATH")
    raise ToolError("no nixpkgs to evaluate with", hint=HINT)


def _flake_lock(project: Path) -> Path | None:
    """The flake.lock of the project, or of its repository."""
    for folder in (project.resolve(), *project.resolve().parents):
        if (folder / "flake.lock").is_file():
            return folder / "flake.lock"
        if (folder / ".git").exists():
            return None
    return None


def _has_search_path(environ: Mapping[str, str]) -> bool:
    """Whether ``<nixpkgs>`` may resolve: without NIX_PATH, Nix searches for channels."""
    if "NIX_PATH" in environ:
        parts = environ["NIX_PATH"].split(":")
        return any(part.startswith("nixpkgs=") or (part and "=" not in part) for part in parts)
    state = Path(environ.get("NIX_STATE_DIR", "/nix/var/nix"))
    home = Path(environ.get("HOME", "/nonexistent"))
    places = (
        home / ".nix-defexpr" / "channels" / "nixpkgs",
        home / ".local" / "state" / "nix" / "defexpr" / "channels" / "nixpkgs",
        state / "profiles" / "per-user" / "root" / "channels" / "nixpkgs",
    )
    return any(place.exists() for place in places)


def _given(text: str) -> NixpkgsSource:
    path = Path(text).expanduser()
    if path.exists() and ("/" in text or text.startswith(".")):
        return NixpkgsSource(f"--nixpkgs {text}", (("nixpkgsPath", str(path.resolve())),))
    if re.match(r"https?://\S+\.(?:tar(?:\.\w+)?|tgz|zip)\Z", text) or text.startswith("file://"):
        return NixpkgsSource(f"--nixpkgs {text}", (("nixpkgsUrl", text),))
    if _FLAKE_REF.match(text) and not text.startswith(("/", "./", "../", "~")):
        return NixpkgsSource(f"--nixpkgs {text}", (("nixpkgsFlake", text),))
    raise InputError(f"--nixpkgs {text}: neither an existing path nor a flake reference", hint=HINT)


def _from_lock(path: Path) -> NixpkgsSource | None:
    """The input ``nixpkgs`` of the flake; None if it has none."""
    try:
        lock = json.loads(read_regular(path))
        nodes = lock["nodes"]
        name = _follow(nodes, lock["root"], ("nixpkgs",))
        if name is None:
            return None
        locked = nodes[name]["locked"]
        original = nodes[name].get("original", {})
        args = _locked(locked, path.parent)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(
            f"{path} is not a lock file of a flake that uvlock2nix can read",
            hint="run `nix flake lock`, or pass --nixpkgs PATH",
        ) from None
    revision = str(locked.get("rev", ""))
    follows = _RELEASE.search(f"{original.get('ref', '')} {original.get('url', '')}")
    release = follows[1] if follows else ""
    return NixpkgsSource(f"flake.lock ({revision[:12] or locked['type']})", args, revision, release)


def _follow(nodes: Mapping[str, Mapping[str, object]], root: str, path: tuple[str, ...]) -> str | None:
    """The node that an input path leads to; an input may itself be a path (``follows``)."""
    name = root
    left = list(path)
    for _ in range(100):  # a malicious lock can have a cycle
        if not left:
            return name
        inputs = nodes[name].get("inputs", {})
        if not isinstance(inputs, dict) or left[0] not in inputs:
            return None
        step = inputs[left.pop(0)]
        if isinstance(step, str):
            name = step
        elif isinstance(step, list):
            name, left = root, [*map(str, step), *left]
        else:
            raise TypeError("an input is a name or a path")
    raise ValueError("the inputs form a cycle")


def _locked(locked: Mapping[str, object], folder: Path) -> tuple[tuple[str, str], ...]:
    def text(key: str, default: str = "") -> str:
        value = locked.get(key, default)
        if not isinstance(value, str):
            raise TypeError(f"{key} is not a string")
        return value

    rev = text("rev")
    if rev and not _REV.match(rev):
        raise ValueError("rev is not a commit")
    kind = text("type")
    owner, repo = quote(text("owner")), quote(text("repo"))
    match kind:
        case "github":
            url = f"https://{text('host', 'github.com')}/{owner}/{repo}/archive/{rev}.tar.gz"
        case "gitlab":
            host = text("host", "gitlab.com")
            url = f"https://{host}/api/v4/projects/{owner}%2F{repo}/repository/archive.tar.gz?sha={rev}"
        case "sourcehut":
            url = f"https://{text('host', 'git.sr.ht')}/{owner}/{repo}/archive/{rev}.tar.gz"
        case "tarball":
            url = text("url")
        case "path":
            place = folder / text("path")
            return (("nixpkgsPath", str(place)),)
        case "git":
            return (("nixpkgsGit", text("url")), ("nixpkgsRev", rev))
        case _:
            raise ValueError(f"type {kind}")
    if not url or not text("narHash"):
        raise ValueError("no url or narHash")
    return (("nixpkgsUrl", url), ("nixpkgsHash", text("narHash")))
