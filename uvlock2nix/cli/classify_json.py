"""The result of ``classify`` as JSON, schema ``uvlock2nix/classify/1`` (docs/schema/classify-1.json)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, assert_never

from uvlock2nix.classify.packages import ClassifiedPackage
from uvlock2nix.knowledge.native import NativeInputs
from uvlock2nix.knowledge.templates import template_text
from uvlock2nix.lock import (
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    Source,
    UrlSource,
    VirtualSource,
)
from uvlock2nix.net.urls import shown_url
from uvlock2nix.target import Target

SCHEMA: Final = "uvlock2nix/classify/1"


def as_json(target: Target, packages: Sequence[ClassifiedPackage]) -> dict[str, object]:
    """The whole document; packages are sorted by name then version."""
    ordered = sorted(packages, key=lambda p: (p.name, p.version or ""))
    return {
        "schema": SCHEMA,
        "target": {"system": target.system, "python": target.python.full},
        "packages": [_package(package) for package in ordered],
    }


def _package(item: ClassifiedPackage) -> dict[str, object]:
    artifact, match = item.choice.artifact, item.nixpkgs
    return {
        "name": item.name,
        "version": item.version,
        "class": item.class_,
        "source": source_json(item.package.package.source),
        "artifact": None
        if artifact is None
        else {
            "kind": artifact.kind,
            "filename": artifact.filename,
            "url": shown_url(artifact.url) if artifact.url is not None else None,
            "hash": artifact.hash,
            "size": artifact.size,
        },
        "rejected": [{"filename": r.filename, "reason": r.reason} for r in item.choice.rejected],
        "reasons": [*item.reasons, *((item.passed_over,) if item.passed_over else ())],
        "native": native_json(item.native),
        "nixpkgs": {
            "attr": match.attr if match is not None else None,
            "version": match.version if match is not None else None,
            "match": match.match if match is not None else "absent",
        },
    }


def native_json(native: NativeInputs) -> dict[str, object]:
    """Native inputs; ``${attr.output}`` in a value of ``env`` stands for that output's store path."""
    return {
        "build_inputs": list(native.build.build_inputs),
        "native_build_inputs": list(native.build.native_build_inputs),
        "env": {name: template_text(template) for name, template in native.build.env},
        "cflags": list(native.build.cflags),
        "flags": list(native.build.flags),
    }


def source_json(source: Source) -> dict[str, object]:
    """The source of a locked package; absent parts are left out."""
    match source:
        case RegistrySource(url=url, path=path):
            return _present({"kind": "registry", "url": url, "path": path})
        case GitSource(url=url, commit=commit, subdirectory=subdirectory):
            return _present({"kind": "git", "url": url, "commit": commit, "subdirectory": subdirectory})
        case UrlSource(url=url, subdirectory=subdirectory):
            return _present({"kind": "url", "url": url, "subdirectory": subdirectory})
        case PathSource(path=path):
            return {"kind": "path", "path": path}
        case DirectorySource(path=path):
            return {"kind": "directory", "path": path}
        case EditableSource(path=path):
            return {"kind": "editable", "path": path}
        case VirtualSource(path=path):
            return {"kind": "virtual", "path": path}
        case _ as never:
            assert_never(never)


def _present(values: dict[str, str | None]) -> dict[str, object]:
    return {
        key: shown_url(value) if key == "url" else value for key, value in values.items() if value is not None
    }
