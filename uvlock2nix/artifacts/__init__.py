"""Which file of a locked package is used on a target, chosen as uv chooses, with reasons.

- ``wheelname``: the name of a wheel; ``tags``: which wheels run on a target, best first
- ``choose``: the file that is used; ``reasons``: why the others are not
"""

from uvlock2nix.artifacts.choose import Artifact, BuildPolicy, Choice, Rejected, choose
from uvlock2nix.artifacts.tags import Tags, platform_tags, tags_for
from uvlock2nix.artifacts.wheelname import WheelName, parse_wheel_name

__all__ = [
    "Artifact",
    "BuildPolicy",
    "Choice",
    "Rejected",
    "Tags",
    "WheelName",
    "choose",
    "parse_wheel_name",
    "platform_tags",
    "tags_for",
]
