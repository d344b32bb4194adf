"""The values of classification: the policy, and a package with its class and reasons."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from uvlock2nix.artifacts import BuildPolicy, Choice
from uvlock2nix.classify.closure import FromNixpkgs
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.lock import EnvPackage
from uvlock2nix.nixpkgs_index.model import NixpkgsMatch

Class: TypeAlias = Literal["nixpkgs", "wheel", "sdist", "sdist-native", "vcs", "url", "path", "workspace"]

CLASSES: Final[tuple[Class, ...]] = (
    "nixpkgs", "wheel", "sdist", "sdist-native", "vcs", "url", "path", "workspace",
)  # fmt: skip


class ClassifyPolicy(NamedTuple):
    """``--from-nixpkgs``, the allow and deny lists of ``[tool.uvlock2nix.nixpkgs]``, and which files to use.

    ``any_version`` are the packages taken from nixpkgs in any version. ``artifacts`` is ``None`` for the
    settings of ``[tool.uv]``. ``strict``: raise for a package that has no file for the target and does not
    come from nixpkgs; otherwise it is classified, with that as its reason.
    """

    from_nixpkgs: FromNixpkgs = "native"
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    any_version: frozenset[str] = frozenset()
    artifacts: BuildPolicy | None = None
    strict: bool = True


class ClassifiedPackage(NamedTuple):
    """A package of the environment with its class and the reasons for it.

    ``native`` is what it needs from the system to build or to run (empty if it comes from nixpkgs).
    ``nixpkgs`` is ``None`` for packages that nixpkgs cannot have (the project's own); ``passed_over`` is why
    a package is not requested from nixpkgs (``""`` if it is: then see ``reasons``). ``known`` is how certain
    the native inputs are: ``known``, ``inspected``, ``pure``, ``unknown`` or ``""`` (does not apply).
    ``any_version``: it comes from nixpkgs in any version on the user's request, or is left out because
    nixpkgs' package does not need it.
    """

    package: EnvPackage
    choice: Choice
    class_: Class
    reasons: tuple[str, ...]
    native: NativeInputs
    nixpkgs: NixpkgsMatch | None
    from_nixpkgs: bool
    known: str = ""
    passed_over: str = ""
    any_version: bool = False

    @property
    def left_out(self) -> bool:
        """Whether it is left out of the environment because nixpkgs does not need it."""
        return self.from_nixpkgs and (self.nixpkgs is None or self.nixpkgs.attr is None)

    @property
    def name(self) -> str:
        """The package's normalised name."""
        return self.package.package.name

    @property
    def version(self) -> str | None:
        """The locked version; None for a local package whose version is dynamic."""
        return self.package.package.version

    @property
    def is_file(self) -> bool:
        """Whether a file is downloaded (or read) for the package."""
        artifact = self.choice.artifact
        return artifact is not None and artifact.kind in ("wheel", "sdist") and not self.from_nixpkgs
