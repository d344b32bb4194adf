"""strip, then restore with the same inputs, gives the same tree; in between Nix would find nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.refs import make_elf, record_line, snapshot, store_path
from uvlock2nix.refs.audit import audit
from uvlock2nix.refs.restore import Recorded, restore
from uvlock2nix.refs.strip import strip
from uvlock2nix.refs.stripped import MANIFEST_PLACE

PATHS = tuple(
    store_path(name)
    for name in (
        "libxml2-2.13.8",
        "libxml2-2.13.8-dev",
        "zlib-1.3.1",
        "python3-3.12.10",
        "bash",
        "app-deps-1",
    )
)
INPUTS = {
    "libxml2": f"/nix/store/{PATHS[0].base}",
    "zlib": f"/nix/store/{PATHS[2].base}",
    "out": f"/nix/store/{PATHS[5].base}",
}
# The replacements of the others are found by their store names.
OTHERS = PATHS
MACHINES = {(32, "<"): 3, (32, ">"): 8, (64, "<"): 62, (64, ">"): 21}

paths = st.sampled_from(PATHS)
whole = paths.map(lambda path: f"/nix/store/{path.base}".encode())
below = st.sampled_from([b"", b"/lib", b"/lib/python3.12", b"/bin/python3.12"])
inside = st.one_of(
    st.builds(lambda a, b: a + b, whole, below),
    paths.map(lambda path: path.hash.encode()),
    paths.map(lambda path: path.base.encode()),
)
plain = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).map(str.encode)
noise = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"\0" * 40, b"0" * 70, b"/nix/store/", b"\x7fELF"])
)
texts = st.lists(st.one_of(plain, inside), max_size=6).map(b"".join)
binaries = st.lists(st.one_of(noise, inside.map(lambda t: t + b"\0")), max_size=6).map(
    lambda parts: b"\0".join([b"\0", *parts])
)
shebangs = st.builds(lambda a, b: b"#!" + a + b"/bin/python3\n" + b, whole, texts)
entries = st.one_of(
    st.builds(lambda a, b: a + b, whole, below),
    st.sampled_from([b"$ORIGIN", b"$ORIGIN/../x.libs", b"", b"/usr/lib"]),
)
runpaths = st.none() | st.lists(entries, min_size=1, max_size=4).map(b":".join)


@st.composite
def elves(draw: st.DrawFn) -> bytes:
    bits, order = draw(st.sampled_from(list(MACHINES)))
    return make_elf(
        bits=bits,
        order=order,
        machine=MACHINES[bits, order],
        runpath=draw(runpaths),
        rpath=draw(st.none() | runpaths),
        needed=(),
        symbols=draw(
            st.lists(st.sampled_from([b"lib", b"b", b"PyInit_x", b"8/lib", b"x2-2.13.8/lib"]), unique=True)
        ),
        interpreter=draw(
            st.none() | st.just(b"/lib64/ld.so") | whole.map(lambda t: t + b"/lib/ld-linux.so.2")
        ),
        rodata=draw(binaries),
        merge=draw(st.booleans()),
        gnu_hash=draw(st.booleans()),
        versions=draw(st.sampled_from([(), ((b"libm.so.6", (b"GLIBC_2.2",)),)])),
    )


names = st.sampled_from(
    [
        "a.py",
        "b.so",
        "p/c.bin",
        "p/d e.txt",
        "p/q/f",
        f"p/{PATHS[2].base}.pth",
        f"{PATHS[0].hash}/g.py",
        f"{PATHS[0].hash}/{PATHS[1].hash}",
    ]
)
files = st.dictionaries(
    names, st.one_of(texts, binaries, shebangs, elves(), st.binary(max_size=200)), max_size=6
)
links = st.dictionaries(
    st.sampled_from(["l1", "p/l2", f"p/{PATHS[3].base}"]),
    st.one_of(st.builds(lambda a, b: a + b, whole, below), st.sampled_from([b"a.py", b"../..", b"/etc"])),
    max_size=2,
)


def build(site: Path, contents: dict[str, bytes], targets: dict[str, bytes], *, twin: bool) -> None:
    site.mkdir(parents=True)
    lines = []
    for name, content in contents.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
        lines.append(record_line(f'"{name}"' if " " in name else name, content))
    for name, target in targets.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(target, os.fsencode(site / name))  # noqa: PTH211
    if twin and contents:
        os.link(site / next(iter(contents)), site / "twin")
    info = site / "pkg-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("".join([*lines, "pkg-1.0.dist-info/RECORD,,\n"]))
    for folder in ("lib/python3.12", "bin/python3.12"):  # what is not there is dropped from search paths
        (site.parent.parent / folder).mkdir(parents=True, exist_ok=True)


PYTHON = f"/nix/store/{PATHS[3].base}/bin/python3.12".encode()
# The linker lets one search path be the end of a second one: neither can be changed alone.
SHARED = make_elf(
    bits=64, order="<", machine=62, needed=(), merge=True,
    runpath=f"/nix/store/{PATHS[0].base}:".encode() + PYTHON, rpath=PYTHON,
)  # fmt: skip


# Random in the long run (UVLOCK2NIX_EXAMPLES=1000); a run of all tests is the same each time.
@settings(
    max_examples=int(os.environ.get("UVLOCK2NIX_EXAMPLES", "150")),
    derandomize="UVLOCK2NIX_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(contents=files, targets=links, twin=st.booleans())
@example(contents={"b.so": SHARED}, targets={}, twin=False)
def test_strip_then_restore_is_the_identity(
    contents: dict[str, bytes], targets: dict[str, bytes], twin: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="refs") as folder:
        tree = Path(folder) / "tree"
        build(tree / "lib" / "site", contents, targets, twin=twin)
        before = snapshot(tree)
        manifest = tree / MANIFEST_PLACE
        report = strip(tree, store_paths=PATHS, inputs=INPUTS, manifest=manifest)
        assert report.left == audit(tree, store_paths=PATHS)
        assert report.left == () or report.corrupt
        stripped = snapshot(tree)
        again = strip(tree, store_paths=PATHS, inputs=INPUTS, manifest=manifest)
        assert not again.changed
        assert snapshot(tree) == stripped
        restore(tree, Recorded(INPUTS, manifest, others=OTHERS))
        after = {name: value for name, value in snapshot(tree).items() if not name.startswith("nix-support")}
        assert after == before
        assert not restore(tree, Recorded(INPUTS, manifest, others=OTHERS)).changed
