"""Find what went wrong in a build or an evaluation, and what to do about it.

Pure functions over the last lines of a builder. A ``hint:`` that our own ``sync`` prints inside the build is
used unchanged; the rest is recognised from messages of compilers, linkers, uv and Nix.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from uvlock2nix.endings import FULL_DISK, MEMORY, is_full
from uvlock2nix.errors import InputError, NetworkError, ToolError
from uvlock2nix.knowledge.attributes import former_attribute
from uvlock2nix.knowledge.libraries import NAMESPACES, Namespace, library_attribute, library_names
from uvlock2nix.knowledge.names import soname_attribute
from uvlock2nix.nixrun.messages import BuilderFailed, Failed
from uvlock2nix.regex import regex

_SHOWN: Final = 25


class Log(Protocol):
    """The source of the builder's last lines and Nix's own messages."""

    def tail(self, drv: str | None, count: int = ...) -> tuple[str, ...]:
        """The last lines of a derivation's log."""

    def text(self) -> str:
        """Everything that Nix printed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a build failed: what to do about it, and whether it was the network (its own exit code)."""

    hint: str
    network: bool = False


def build_error(log: Log, failed: Failed, drv: str, system: str) -> ToolError | NetworkError:
    """The error for a build that failed for a reason other than its hash."""
    subject = failed.builder.subject if failed.builder else drv
    lines = log.tail(subject, _SHOWN)
    cause = recognise(lines, [*failed.texts, log.text()], system)
    what = _what(failed.builder, drv)
    words = "\n".join(failed.texts[:5]) or log.text()
    told = f"hint: {cause.hint}" if cause else ""
    shown = "\n".join(f"  > {line}" for line in lines if line.strip() != told)
    parts = [what]
    if failed.builder is None and words:
        parts.append("\n".join(f"  {line}" for line in words.split("\n")[:30]))
    if shown and failed.builder is not None:
        parts.append(f"its last lines:\n{shown}")
    network = (cause is not None and cause.network) or _our_network(failed.builder, lines)
    kind: Callable[..., ToolError | NetworkError] = NetworkError if network else ToolError
    hint = cause.hint if cause else f"see the whole log: nix-store --read-log {subject}"
    return kind("\n".join(parts), hint=hint, data={"drv": drv, "failed": subject})


def _our_network(builder: BuilderFailed | None, lines: Sequence[str]) -> bool:
    """Whether our command in the build exited with the code of a network error."""
    code = f"with exit code {NetworkError.exit_code}"
    return builder is not None and builder.how == code and any(line.startswith("error: ") for line in lines)


def _what(builder: BuilderFailed | None, drv: str) -> str:
    if builder is None:
        return f"Nix could not build {drv}; nothing was changed"
    name = builder.subject.rsplit("/", 1)[-1].partition("-")[2].removesuffix(".drv")
    other = "" if builder.subject == drv else " (which deps needs)"
    return f"the build of {name}{other} failed {builder.how}; nothing was changed"


def evaluation_error(lines: Sequence[str]) -> ToolError | InputError:
    """The error for an expression that Nix could not evaluate, with Nix's own message."""
    text = "\n".join(lines)
    # The reason comes last; the trace before it is less indented.
    starts = [index for index, line in enumerate(lines) if line.lstrip().startswith("error:")]
    shown = lines[starts[-1] :] if starts else lines[-20:]
    words = textwrap.dedent("\n".join(shown)).strip().removeprefix("error:").strip()
    if words.startswith("uvlock2nix: "):  # from our own update-file.nix
        way_on = "select the fixed-output derivation with --attr A.B"
        if " requires the argument `" in words:
            way_on = "give the argument a default in the file: `nix-build` needs one too"
        return InputError(words.removeprefix("uvlock2nix: "), hint=way_on)
    if ours := re.match(r"(.*?: this nixpkgs has no .*?)\. (Use a nixpkgs that has it.*)", words):
        return ToolError(ours[1], hint=ours[2])
    if (name := _missing_attribute(text)) is not None:
        message = f"Nix could not evaluate the expression:\n{_indent(words)}"
        return ToolError(message, hint=_on_missing(name, ()), data={"attribute": name})
    if hint := FULL_DISK if is_full(text) else _refused(text):
        return ToolError(f"Nix could not evaluate the expression:\n{_indent(words)}", hint=hint)
    for pattern, hint in _EVALUATION:
        if re.search(pattern, text):
            return ToolError(f"Nix could not evaluate the expression:\n{_indent(words)}", hint=hint)
    return ToolError(
        f"Nix could not evaluate the expression:\n{_indent(words)}",
        hint="`uvlock2nix generate` writes the files again; --nixpkgs selects a different nixpkgs",
    )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n")[:40])


_EVALUATION: Final = (
    (
        r"nixpkgs' was not found in the Nix search path",
        "specify nixpkgs: --nixpkgs PATH or flake reference, a flake.lock with the input, or NIX_PATH",
    ),
    (
        r"experimental (?:Nix )?feature '[^']+' is disabled",
        "pass --nixpkgs a path instead of a flake reference, or enable that feature in nix.conf",
    ),
    (
        r"[Cc]ould ?n[o']t (?:resolve|connect)|unable to download",
        "nixpkgs could not be fetched: check the network",
    ),
    (
        r"cannot connect to (?:socket|daemon)|daemon-socket",
        "the Nix daemon does not respond: start it (systemctl start nix-daemon)",
    ),
    (
        r"called with unexpected argument",
        "the file is from a different version of uvlock2nix: run `uvlock2nix generate` again",
    ),
)
_QUOTED: Final = r"[\"'“‘`]([\w.'-]+?)[\"'”’`]"
_REQUIRED: Final = regex(rf"called without required argument {_QUOTED}")
_ABSENT: Final = regex(rf"attribute {_QUOTED} missing")
_HOOKS: Final = ("uvSyncHook", "stripReferencesHook", "restoreReferencesHook", "uvEnvHook", "uvPackageHook")


def naming_packages(
    error: ToolError | InputError, needs: Mapping[str, Sequence[str]]
) -> ToolError | InputError:
    """Add the packages that need a missing nixpkgs attribute to its error; return other errors unchanged.

    ``needs``: attribute → the packages for which a generated file uses it.
    """
    name = error.data.get("attribute")
    # `libpq.pg_config` can fail at either name.
    found = [one for attr, some in needs.items() if name in attr.split(".") for one in some]
    if not isinstance(name, str) or not found:
        return error
    packages = tuple(dict.fromkeys(found))
    return ToolError(error.message, hint=_on_missing(name, packages), data=error.data)


def _missing_attribute(text: str) -> str | None:
    """The attribute of a generated file that nixpkgs lacks; ``None`` for other errors."""
    match = _REQUIRED.search(text) or _ABSENT.search(text)
    return match[1] if match is not None else None


def _on_missing(name: str, packages: Sequence[str]) -> str:
    if name in _HOOKS:
        return "this nixpkgs has no hooks of uvlock2nix: import it with overlays = [ uvlock2nix's overlay ]"
    former = former_attribute(name)
    older = f" (older releases call it `{former}`)" if former is not None else ""
    who = f", which {', '.join(packages)} needs" if packages else ""
    where = "" if packages else "; the comments in the generated file tell which package needs it"
    return (
        f"this nixpkgs has no `{name}`{older}{who}{where}."
        " Use a nixpkgs that has it (--nixpkgs), or set an attribute that this nixpkgs has under"
        f" [tool.uvlock2nix.native.{packages[0] if packages else '<package>'}] in pyproject.toml, then run"
        " `uvlock2nix generate`"
    )


def _refused(text: str) -> str | None:
    """How to allow what nixpkgs refuses to evaluate: its variable works for update-hash too."""
    match = re.search(r"NIXPKGS_ALLOW_(UNFREE|INSECURE|BROKEN|UNSUPPORTED_SYSTEM)", text)
    if match is None:
        return None
    return (
        f"nixpkgs refuses it by default: run `NIXPKGS_ALLOW_{match[1]}=1 uvlock2nix update-hash`,"
        " and allow it in the `config` of the nixpkgs that builds the package"
    )


_NETWORK: Final = (
    r"[Tt]emporary failure in name resolution|[Cc]ould not resolve host|failed to lookup address|dns error",
    r"[Cc]onnection (?:refused|reset|timed out)|tcp connect error",
    r"[Nn]etwork is unreachable|[Nn]o route to host",
    r"error sending request|operation timed out|[Ff]ailed to fetch|request or response body error",
    r"unable to access 'https?://|early EOF|the remote end hung up",
)
_TLS: Final = r"invalid peer certificate|UnknownIssuer|certificate verify failed|self.signed certificate"
_KILLED: Final = r"due to signal 9\b|exit code 137\b|[Kk]illed signal terminated|fatal error: Killed"
# What our own sync prints if it does not know more.
_GENERIC: Final = "the lines above are the end"
_AUTH: Final = r"\b(?:401 Unauthorized|403 Forbidden|407 Proxy)|could not read Username"


def recognise(lines: Sequence[str], words: Sequence[str], system: str) -> Cause | None:
    """The cause that the last lines of a builder, or Nix's own messages, show; None if unknown."""
    text = "\n".join(lines)
    ours = [line for line in lines if line.lstrip().startswith("hint: ")]
    network = any(re.search(pattern, text) for pattern in (*_NETWORK, _TLS))
    if ours and _GENERIC not in ours[-1]:
        return Cause(ours[-1].lstrip().removeprefix("hint: "), network=network)
    said = "\n".join(words)
    if is_full(text + said):
        return Cause(FULL_DISK)
    if re.search(_KILLED, text + said):
        return Cause(f"the builder was killed: {MEMORY}")
    if re.search(r"is required to build|system or feature not available|platform mismatch", said):
        return Cause(
            f"this machine cannot build for {system} and has no remote builder that can: run the command on"
            " such a machine, configure a remote builder (see Nix's manual), or use --no-nix if"
            " the environment has only wheels"
        )
    if re.search(r"cannot connect to (?:socket|daemon)", said):
        return Cause("the Nix daemon does not respond: start it (systemctl start nix-daemon)")
    missing = _missing(text)
    if missing is not None:
        return missing
    if re.search(_TLS, text):
        return Cause(
            "a certificate was not accepted: behind a proxy with its own, set NIX_SSL_CERT_FILE"
            " (for the daemon too, if there is one)",
            network=True,
        )
    if re.search(_AUTH, text):
        return Cause(
            "the index requires credentials: pass them to the builder as UV_INDEX_<NAME>_USERNAME and"
            " _PASSWORD, or NETRC; with a Nix daemon, in the daemon's environment"
            " (docs/private-indexes.md#with-a-daemon)",
            network=True,
        )
    if network:
        return Cause(
            "the network could not be reached from the build: try again; behind a proxy, http_proxy and"
            " https_proxy must be set in the environment of the Nix daemon",
            network=True,
        )
    return None


# What a compiler, linker or program prints, and the namespace in which to look up the missing name.
_MISSED: Final[tuple[tuple[str, str, Namespace], ...]] = (
    ("header", r"fatal error: '?([\w./+-]+\.h(?:pp|xx)?)'?(?::| file)", "headers"),
    (
        "library",
        r"cannot find -l:?(?:lib)?([\w.+-]+?)(?::|\s|$)|library not found for -l([\w.+-]+)",
        "linker",
    ),
    (
        "pkg-config module",
        r"No package '([^'\s]+)' found|Package '?([\w.+-]+)'? was not found in the pkg",
        "pkg-config",
    ),
    ("CMake package", r"Could NOT find (\w+)|configuration file provided by \"(\w+)\"", "cmake"),
    (
        "program",
        r"(?:^|[\s:])([\w+-]+): (?:command )?not found|No such file or directory: '([\w+-]+)'",
        "programs",
    ),
    ("program", r"([\w]+[-_]config)(?: executable)? (?:is )?not found", "programs"),
)


def _missing(text: str) -> Cause | None:
    """A header, library, program or Python module that a build did not find."""
    if match := re.search(r"([\w.+-]+\.so[\w.]*): cannot open shared object file", text):
        return Cause(_add("library", match[1], soname_attribute(match[1])))
    for what, pattern, kind in _MISSED:
        if match := re.search(pattern, text, re.MULTILINE):
            name = match[1] or match[match.lastindex or 1]
            return Cause(_add(what, name, library_attribute(kind, name) or _neighbour(kind, name)))
    if named := _named(text):
        return named
    if match := re.search(r"No module named '?([\w.]+)'?", text):
        return Cause(
            f"the build requires the Python module {match[1]} but does not declare it: add its package to"
            " `build-requires` under [tool.uvlock2nix.native.<package>] in pyproject.toml,"
            " then run `uvlock2nix generate`"
        )
    return None


def _named(text: str) -> Cause | None:
    """Libraries that a build script names: "make sure the libxml2 and libxslt … are installed"."""
    match = re.search(
        r"(?:make sure|install)(?: that)? (?:the )?(.{1,80}?) development (?:package|file|header)", text
    )
    if match is None:
        return None
    names = re.findall(r"[\w.+-]+", match[1].replace(" and ", " ").replace(" or ", " "))
    known = {attr for kind in NAMESPACES for attr in library_names(kind).values()}
    attrs = [name for name in names if name in known]
    if not attrs:
        return None
    return Cause(_add("library", " and ".join(attrs), "`, `".join(attrs)))


def _neighbour(kind: Namespace, name: str) -> str | None:
    """The attribute of the other headers in the same folder, if they all have the same."""
    folder = name.partition("/")[0] + "/"
    if kind != "headers" or "/" not in name:
        return None
    attrs = {attr for header, attr in library_names("headers").items() if header.startswith(folder)}
    return attrs.pop() if len(attrs) == 1 else None


def _add(what: str, name: str, attr: str | None) -> str:
    found = f"nixpkgs has it in `{attr}`" if attr else "find the nixpkgs attribute that has it"
    key = "native-build-inputs" if what == "program" else "build-inputs"
    return (
        f"the {what} {name} is missing: {found}; add it to `{key}` under"
        " [tool.uvlock2nix.native.<package>] in pyproject.toml, then run `uvlock2nix generate`"
    )
