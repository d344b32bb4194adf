"""Notes on findings that the generated files alone do not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Final

from uvlock2nix.app.request import Request
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import ClassifiedPackage, ClassifyPolicy
from uvlock2nix.key import is_member
from uvlock2nix.lock import Project
from uvlock2nix.net.urls import logins_in
from uvlock2nix.plan import Plan
from uvlock2nix.printable import first_of
from uvlock2nix.reading import read_regular

MUCH: Final = 1 << 30  # bytes of wheels that are worth a warning
_MOST: Final = 64 << 20


def size_text(count: int) -> str:
    """A readable size: 980 B, 3.4 kB, 12 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def on_wheels(packages: Iterable[ClassifiedPackage]) -> Iterator[str]:
    """How much is going to be read, if it is much."""
    size = sum(one.choice.artifact.size or 0 for one in packages if one.choice.artifact is not None)
    if size > MUCH:
        yield (f"--wheels reads up to {size_text(size)}; results are cached, so an interrupted run resumes")


def on_classes(
    packages: Iterable[ClassifiedPackage], knowledge: Knowledge, policy: ClassifyPolicy
) -> Iterator[str]:
    """What the table of ``classify`` shows, for users who only generate."""
    packages = tuple(packages)
    if knowledge.own_index is None and _asks_nixpkgs(packages, policy):
        day = knowledge.index.date
        yield (
            "what nixpkgs has is known from a snapshot that uvlock2nix carries, of "
            f"{day} ({age(day, today())}): which packages come from nixpkgs was decided by it. "
            "`uvlock2nix index update` indexes your nixpkgs"
        )
    if insisted := [one for one in packages if one.any_version and not one.left_out]:
        shown = listed([f"{one.name} {_version(one)} for {one.version}" for one in insisted])
        lost = [one.name for one in packages if one.any_version and one.left_out]
        gone = f"; left out because nixpkgs does not need them: {listed(lost)}" if lost else ""
        yield (
            "[tool.uvlock2nix.nixpkgs] any-version: NOT what uv would install, and not checked for"
            f" compatibility: {shown}{gone}"
        )
    asked = policy.allow | policy.any_version
    allowed = [one for one in packages if one.name in asked and not one.from_nixpkgs]
    refused = {one.name: one.reasons[-1] for one in allowed}
    for reason in dict.fromkeys(refused.values()):
        names = [name for name in refused if refused[name] == reason]
        yield f"{listed(names)}: {reason}, although [tool.uvlock2nix.nixpkgs] allows it"


def _asks_nixpkgs(packages: Sequence[ClassifiedPackage], policy: ClassifyPolicy) -> bool:
    """Whether what nixpkgs has decided anything: that a package comes from there, or that it does not."""
    if policy.allow or policy.any_version or policy.from_nixpkgs in ("same", "compatible"):
        return bool(packages)
    native = policy.from_nixpkgs == "native"
    return native and any(one.from_nixpkgs or one.class_ == "sdist-native" for one in packages)


def age(day: str, now: date) -> str:
    """How long ago a day (ISO) was: in days, or in months where it is more than two."""
    days = max((now - date.fromisoformat(day)).days, 0)
    number, unit = (days, "day") if days < 60 else (round(days / 30.44), "month")
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def today() -> date:
    """The day, in UTC."""
    return datetime.now(tz=UTC).date()


def _version(one: ClassifiedPackage) -> str:
    """nixpkgs' version of a package, as far as it is known."""
    return (one.nixpkgs.version if one.nixpkgs is not None else None) or "of nixpkgs"


def on_empty(asked: Request) -> str:
    """Why there is nothing to install."""
    pyproject = asked.project.pyproject
    if pyproject is not None and pyproject.name is None and not asked.project.members:
        return (
            f"the environment is empty: {pyproject.path.name} has no [project] table, and uv reads no "
            "other metadata (such as [tool.poetry] or setup.py)"
        )
    return (
        "the environment is empty: the selection has no packages; --package, --all-packages, --extra and "
        "--group select more"
    )


def on_strangers(asked: Request, names: Iterable[str], where: str) -> Iterator[str]:
    """Notes on names that are not in the lock, and are probably misspelt."""
    from uvlock2nix.spelling import did_you_mean

    known = asked.project.lock.by_name
    strange = sorted(set(names) - set(known))
    near = {name: did_you_mean(name, known) for name in strange}
    for name in strange:
        if near[name]:
            yield f"{where}: the lock has no {name}{near[name]}"
    if rest := [name for name in strange if not near[name]]:
        yield f"{where}: the lock has no {listed(rest)}"


def on_logins(project: Project) -> Iterator[str]:
    """Warn of credentials in the source of deps: everyone can read them in the Nix store."""
    for name in project.files:
        try:
            text = read_regular(project.root / name, _MOST).decode("utf-8", "replace")
        except OSError:
            continue  # problems with it have been reported, or it is not used
        hosts = logins_in(text)
        if hosts:
            shown = ", ".join(hosts[:3]) + (" …" if len(hosts) > 3 else "")
            yield (
                f"{name} contains credentials or a signature ({shown}) and is part of the source of deps:"
                " it would be copied into the Nix store, where every user of the machine can read it."
                " Remove it, pass the credentials in UV_INDEX_<NAME>_USERNAME and _PASSWORD or in a netrc"
                " file, and run `uv lock` again"
            )


def on_logins_in_mode_files(plan: Plan) -> Iterator[str]:
    """Notes on URLs whose credentials or signature the fetches of mode `files` do not get."""
    if plan.mode != "files":
        return
    lost = {one.name: None for _, listed in plan.fetches for one in listed if one.url and one.loses_query}
    if lost:
        yield (
            f"the URL of {listed(tuple(lost))} has a query, which may be a signature: it is left out,"
            " and the file is fetched without it. If the server refuses that, it needs credentials instead,"
            " see docs/private-indexes.md"
        )


def on_doubts(plan: Plan) -> tuple[str, ...]:
    """Inputs that were inferred or are unknown, so that they are not mistaken for facts."""
    needs: dict[str, tuple[str, ...]] = {}
    unknown: dict[str, None] = {}
    for one in (one for system in plan.systems for one in system.classes):
        if one.known == "inspected" and not (is_member(one) and one.native.kind == "dlopen"):
            found = (*needs.get(one.name, ()), *one.native.build.attributes)
            needs[one.name] = tuple(dict.fromkeys(found))
        elif one.known == "unknown":
            unknown[one.name] = None
    notes = []
    if needs:
        shown = [f"{name} ({', '.join(found) or 'nothing'})" for name, found in needs.items()]
        notes.append(
            "the native inputs of these builds were read from their sources, and are not"
            f" verified: {listed(shown)}; "
            f"see `uvlock2nix classify --explain {next(iter(needs))}`"
        )
    if unknown:
        notes.append(
            f"the native inputs of {listed(tuple(unknown))} are unknown; if a build fails, add them under "
            f"[tool.uvlock2nix.native.{next(iter(unknown))}]"
        )
    return tuple(notes)


def on_opened(plan: Plan) -> tuple[str, ...]:
    """What the code of local packages opens by name, where nobody but the code itself says so."""
    found: dict[str, tuple[str, ...]] = {}
    for one in (one for system in plan.systems for one in system.classes if is_member(one)):
        if one.native.run.dlopen and "dlopen" not in one.native.origin.given:
            found[one.name] = one.native.run.dlopen
    shown = [f"{name} ({', '.join(attributes)})" for name, attributes in found.items()]
    if not shown:
        return ()
    note = f"libraries from nixpkgs that the code opens by name: {listed(shown)}"
    return (f"{note}; dlopen under [tool.uvlock2nix.native.{next(iter(found))}] replaces them",)


def on_typelibs(plan: Plan) -> tuple[str, ...]:
    """Which typelibs ``gi.repository`` finds: what a program imports from it, no file of a lock says."""
    opened = dict(plan.dlopen)
    if "pygobject" not in opened:
        return ()
    found = dict.fromkeys(attr for attributes in opened.values() for attr in attributes)
    # An entry of ours for a package is added to those of others; the user's replaces it.
    owner = plan.members[0].name if plan.members else "pygobject"
    example = [*opened.get(owner, ()), "gtk4"]
    shown = ", ".join(f'"{attr}"' for attr in example)
    note = f"gi.repository finds the typelibs of {listed(tuple(found))}; to add those of gtk4, for example:"
    return (f"{note} dlopen = [{shown}] under [tool.uvlock2nix.native.{owner}]",)


def listed(names: Sequence[str], most: int = 8) -> str:
    """``a, b and c``; a long list is cut, with the number of the rest."""
    if len(names) > most:
        return first_of(names, most)
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
