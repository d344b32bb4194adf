"""The empty mapping, as a default of values that nobody changes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})
