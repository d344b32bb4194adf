"""Whether pins match the lock, the selection and the layout: a comparison without Nix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from uvlock2nix.pins import Pins


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is out of date.

    ``systems`` maps each system whose hash is missing or outdated to the reason; ``lock`` is true if the pins
    were made from a different uv.lock, which alone needs no build; ``toolchain`` are systems whose key also
    depends on nixpkgs, so that only an evaluation can tell more.
    """

    systems: Mapping[str, str]
    lock: bool
    toolchain: tuple[str, ...] = ()

    @property
    def fresh(self) -> bool:
        """Whether nothing has changed since the pins were made."""
        return not self.systems and not self.lock


def content_key(key: str) -> str:
    """The part of a key for lock, selection, Python and layout: ``<digest>[-<toolchain>]``."""
    return key.partition("-")[0]


def compare(pins: Pins, lock: str, keys: Mapping[str, str]) -> Freshness:
    """Compare ``pins`` with ``lock`` (SHA-256 of uv.lock) and the key of each wanted system.

    Only the first part of a key is compared: ``keys`` may have only the content's digest.
    """
    stale: dict[str, str] = {}
    toolchain: list[str] = []
    for system, key in sorted(keys.items()):
        pin = pins.pin(system)
        if pin is None:
            stale[system] = "is not known yet"
        elif content_key(pin.key) != content_key(key):
            stale[system] = (
                f"was made from different inputs (key {content_key(pin.key)}, now {content_key(key)})"
            )
        elif "-" in pin.key:
            toolchain.append(system)
    return Freshness(stale, pins.lock != lock, tuple(toolchain))
