"""Call the build backend of a source tree (PEP 517), in the environment of its build."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from typing import Final

from uvlock2nix.build.environment import BuildEnvironment
from uvlock2nix.build.programs import Runner
from uvlock2nix.build.requirements import BuildSystem
from uvlock2nix.build.values import Product
from uvlock2nix.errors import ToolError

CALL_BACKEND: Final = Path(__file__).with_name("call_backend.py")
ConfigSettings = dict[str, str | list[str]]


@dataclass(frozen=True, slots=True)
class Backend:
    """The build backend of the source tree ``tree``."""

    system: BuildSystem
    tree: Path
    settings: ConfigSettings
    environment: BuildEnvironment
    run: Runner
    product: Product = "wheel"

    def requires(self, what: str) -> list[str]:
        """The requirements beyond the declared ones (``get_requires_for_build_…``).

        Raises:
            ToolError: the hook failed, or did not return a list of strings.
        """
        asked = self._call("", what)
        if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
            raise ToolError(
                f"{what}: not a list of requirements", hint="report it to the package's maintainers"
            )
        return asked

    def build(self, out: Path, what: str) -> Path:
        """Build the product into the new folder ``out``; return its path.

        Raises:
            ToolError: the build failed, or made no file or several.
        """
        out.mkdir(parents=True)
        self._call(str(out), what)
        made = sorted(out.glob("*.whl" if self.product == "wheel" else "*.tar.gz"))
        if len(made) != 1:
            raise ToolError(
                f"{what}: the backend made {len(made)} {self.product}s",
                hint="report it to the package's maintainers",
            )
        return made[0]

    def version(self, folder: Path, what: str) -> str | None:
        """The version that the backend gives the source tree, from ``prepare_metadata_for_build_wheel`` into
        the new ``folder``; None if only a build can tell it.

        Raises:
            ToolError: the hook failed.
        """
        folder.mkdir(parents=True)
        self._call("", what, metadata=str(folder))
        texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.dist-info/METADATA")]
        return message_from_string(texts[0]).get("Version") if texts else None

    def _call(self, out: str, what: str, metadata: str = "") -> object:
        question = self.environment.folder / "question.json"
        answer = self.environment.folder / "answer.json"
        wanted = {
            "backend": self.system.backend,
            "path": self.system.backend_path,
            "settings": self.settings,
            "product": self.product,
            "out": out,
            "metadata": metadata,
            "answer": str(answer),
        }
        question.write_text(json.dumps(wanted), encoding="utf-8")
        argv = [str(self.environment.python), str(CALL_BACKEND), str(question)]
        self.run(argv, what=what, env=self.environment.variables, cwd=self.tree)
        try:
            return json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise ToolError(
                f"{what}: the build backend exited without returning a result",
                hint="report it to the package's maintainers",
            ) from None


def config_settings(flags: Sequence[str], system: BuildSystem) -> ConfigSettings:
    """Config settings: the package's own (``KEY=VALUE``), and a fixed build folder for meson-python."""
    settings: ConfigSettings = {}
    for flag in flags:
        key, _, value = flag.removeprefix("config-setting:").partition("=")
        before = settings.get(key)
        # A repeated key makes a list, as in pip and uv.
        settings[key] = (
            value if before is None else [*([before] if isinstance(before, str) else before), value]
        )
    if system.backend == "mesonpy" and "build-dir" not in settings:
        settings.setdefault("builddir", "uvlock2nix-build")
    return settings
