"""Write a container image as `docker save` does: docker-image.py NAME TAG PIPELINE CONFIG GRAPH… ROOT.

ROOT holds the files of the last layer, GRAPH what Nix's exportReferencesGraph says: https://nix.dev/manual/nix/stable/language/advanced-attributes
PIPELINE says how store paths become layers, in the form of nixpkgs' `layeringPipeline`.
"""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


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


def size_of(path: str) -> int:
    """The bytes of a store path's files."""
    own = Path(path)
    files = [own] if own.is_symlink() or own.is_file() else own.rglob("*")
    return sum(file.lstat().st_size for file in files)


class Paths:
    """Store paths of the image: a step takes them, or a list or dict of them, and gives the like."""

    def __init__(self, graph: dict[str, set[str]], names: list[str]) -> None:
        self.graph, self.names = graph, names

    def part(self, names: Iterable[str]) -> "Paths":
        """Some of them, in the same order."""
        wanted = set(names)
        return Paths(self.graph, [name for name in self.names if name in wanted])

    def users(self, paths: list[str]) -> set[str]:
        """The given paths, and all that refer to them, directly or not."""
        found = set(paths) & set(self.names)
        while more := {name for name in self.names if name not in found and self.graph[name] & found}:
            found |= more
        return found


def step(words: list[Any], value: Any) -> Any:
    """One step of a pipeline: its name and its arguments."""
    name, *arguments = words
    if name == "pipe":
        for one in arguments[0]:
            value = step(one, value)
        return value
    if name == "over":
        return {**value, arguments[0]: step(arguments[1], value[arguments[0]])}
    if name == "popularity_contest":
        graph = {path: value.graph[path] & set(value.names) for path in value.names}
        return [value.part([path]) for path in by_popularity(graph)]
    if name == "subcomponent_in":
        main = value.users(arguments[0])
        return {"main": value.part(main), "rest": value.part(set(value.names) - main)}
    if name == "split_every":
        names = [value.names[at : at + arguments[0]] for at in range(0, len(value.names), arguments[0])]
        return [value.part(some) for some in names]
    if name == "reverse":
        return list(reversed(value))
    if name == "flatten":
        return list(flat(value))
    if name == "limit_layers":
        alone, others = value[: arguments[0] - 1], value[arguments[0] - 1 :]
        together = [path for one in others for path in one.names]
        return [*alone, *([Paths(others[0].graph, together)] if others else [])]
    raise SystemExit(f"the stand's dockerTools does not know the step {name}")


def flat(value: Any) -> Iterator[Paths]:
    """All Paths in lists and dicts, in their order."""
    if isinstance(value, Paths):
        yield value
    else:
        for one in value.values() if isinstance(value, dict) else value:
            yield from flat(one)


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
    name, tag, pipeline, config, *graphs, root = sys.argv[1:]
    graph = read_graph(graphs)
    # As there, by size: the smallest first.
    everything = Paths(graph, sorted(graph, key=lambda path: (size_of(path), path)))
    groups = [one.names for one in flat(step(["pipe", json.loads(pipeline)], everything)) if one.names]
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
