"""The version ranges that locked packages require of each other, which are only in their metadata.

This is needed only where nixpkgs' version of a package may replace a different one (``--from-nixpkgs
compatible``): the locked packages that depend on it must accept that version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from uvlock2nix.cache import Kept
from uvlock2nix.errors import NetworkError, Uvlock2nixError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.wheels import MAX_METADATA, read_metadata
from uvlock2nix.names import canonicalize_name
from uvlock2nix.net.fetch import Fetcher
from uvlock2nix.net.urls import shown_url


@dataclass(frozen=True, slots=True)
class Asked:
    """``ranges``: (dependent, dependency) → version range; ``unread``: packages without readable metadata."""

    ranges: Mapping[tuple[str, str], str]
    unread: tuple[str, ...] = ()


def parse_requirements(
    metadata: str, environment: Mapping[str, str], extras: Sequence[str] = ()
) -> Mapping[str, str]:
    """``Requires-Dist`` of a METADATA file that hold in ``environment`` with ``extras``: name → range.

    Several requirements with the same name are joined. Invalid requirements are left out: then the range is
    unknown, which counts as "may need exactly the locked version".
    """
    found: dict[str, str] = {}
    for text in HeaderParser().parsestr(metadata).get_all("Requires-Dist", []):
        try:
            requirement = Requirement(str(text))
            holds = requirement.marker is None or any(
                requirement.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
            )
        except (InvalidRequirement, ValueError, KeyError, RecursionError):
            continue
        if holds and requirement.url is None:
            name = canonicalize_name(requirement.name)
            found[name] = ",".join(filter(None, (found.get(name, ""), str(requirement.specifier))))
    return found


def read_requirements(
    wheels: Sequence[Candidate],
    fetcher: Fetcher,
    cache: Path,
    environment: Mapping[str, str],
    extras: Mapping[str, Sequence[str]],
    tick: Callable[[], None] = lambda: None,
) -> Asked:
    """The requirements of wheels, from the metadata next to them (PEP 658), else inside them.

    ``extras``: package → its active extras. See https://peps.python.org/pep-0658/. Nothing is known of a
    wheel that cannot be reached or read in parts.
    """

    def one(wheel: Candidate) -> str | None:
        try:
            return _metadata(wheel, fetcher, cache)
        except (Uvlock2nixError, OSError):
            return None
        finally:
            tick()

    with ThreadPoolExecutor(max_workers=8) as pool:
        texts = list(zip(wheels, pool.map(one, wheels), strict=True))
    ranges = {
        (wheel.name, dependency): specifier
        for wheel, text in texts
        if text is not None
        for dependency, specifier in parse_requirements(text, environment, extras.get(wheel.name, ())).items()
    }
    return Asked(ranges, tuple(wheel.name for wheel, text in texts if text is None))


def _metadata(wheel: Candidate, fetcher: Fetcher, cache: Path) -> str | None:
    if wheel.path is not None:
        return read_metadata(None, wheel.path, wheel.filename)
    if wheel.url is None:
        return None
    kept = Kept(cache / "metadata")
    known = (kept.recall(wheel.hash) or b"").decode("utf-8", "replace")
    if _is_metadata(known):
        return known
    url = wheel.url.partition("#")[0]
    try:
        text = fetcher.text(f"{url}.metadata", MAX_METADATA)
        if not _is_metadata(text):
            raise NetworkError(f"{shown_url(url)}.metadata is not metadata")
    except NetworkError:
        text = read_metadata(fetcher, url, wheel.filename)
    kept.keep(wheel.hash, text.encode())
    return text


def _is_metadata(text: str) -> bool:
    return "Metadata-Version" in HeaderParser().parsestr(text)
