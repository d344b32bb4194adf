"""Write a container image as `docker save` does: docker-image.py NAME TAG LAYERS CONFIG GRAPH… ROOT.

ROOT holds the files of the last layer, GRAPH what Nix's exportReferencesGraph says: https://nix.dev/manual/nix/stable/language/advanced-attributes
"""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path


def read_graph(files: Iterable[str]) -> dict[str, set[str]]:
    """From each store path to those that it refers to."""
    graph: dict[str, set[str]] = {}
    for file in files:
        lines = iter(Path(file).read_text().splitlines())
        for path in lines:
            next(lines)
            graph[path] = {next(lines) for _ in range(int(next(lines)))} - {path}
    return graph


def by_popularity(graph: dict[str, set[str]]) -> list[str]:
    """The paths that most other paths need, directly or not, come first."""

    def reach(path: str, seen: set[str]) -> set[str]:
        for other in graph.get(path, ()):
            if other not in seen:
                seen.add(other)
                reach(other, seen)
        return seen

    needed = dict.fromkeys(graph, 0)
    for path in graph:
        for other in reach(path, set()):
            needed[other] = needed.get(other, 0) + 1
    return sorted(needed, key=lambda path: (-needed[path], path))


def plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Owner root, dates of 1970."""
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mtime = 1
    return info


def folders(tar: tarfile.TarFile, *names: str) -> None:
    for name in names:
        info = plain(tarfile.TarInfo(name))
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(info)


def layer(paths: list[str], root: str | None = None) -> bytes:
    """A layer of store paths, or of what a folder holds, at the image's root."""
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w", format=tarfile.PAX_FORMAT) as tar:
        if paths:
            folders(tar, "nix", "nix/store")
        for path in sorted(paths):
            tar.add(path, path.lstrip("/"), filter=plain)
        for file in sorted(Path(root).iterdir()) if root else ():
            tar.add(file, file.name, filter=plain)
    return memory.getvalue()


def main() -> None:
    name, tag, most, config, *graphs, root = sys.argv[1:]
    paths = by_popularity(read_graph(graphs))
    alone = paths[: int(most) - 2]
    groups = [[path] for path in alone] + ([paths[len(alone) :]] if paths[len(alone) :] else [])
    settings = json.loads(Path(config).read_text())
    ids: list[str] = []
    out = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - closed below

    def add(path: str, content: bytes) -> None:
        info = plain(tarfile.TarInfo(path))
        info.size, info.mode = len(content), 0o644
        out.addfile(info, io.BytesIO(content))

    for group in [*groups, None]:
        content = layer(group) if group else layer([], root)
        ids.append(hashlib.sha256(content).hexdigest())
        add(f"{ids[-1]}/layer.tar", content)
    settings["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{one}" for one in ids]}
    settings["history"] = [{"created": settings["created"]} for _ in ids]
    text = json.dumps(settings, sort_keys=True).encode()
    file = f"{hashlib.sha256(text).hexdigest()}.json"
    add(file, text)
    layers = [f"{one}/layer.tar" for one in ids]
    add(
        "manifest.json",
        json.dumps([{"Config": file, "RepoTags": [f"{name}:{tag}"], "Layers": layers}]).encode(),
    )
    out.close()


if __name__ == "__main__":
    main()
