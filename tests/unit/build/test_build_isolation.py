from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.build.isolation import closure, isolated


def store(root: Path, name: str, *propagated: Path, native: bool = False) -> Path:
    path = root / name
    support = path / "nix-support"
    support.mkdir(parents=True)
    kind = "propagated-native-build-inputs" if native else "propagated-build-inputs"
    (support / kind).write_text(" ".join(map(str, propagated)))
    return path


def test_what_is_propagated_goes_along(tmp_path: Path) -> None:
    zlib = store(tmp_path, "zlib")
    xml = store(tmp_path, "libxml2", zlib)
    dev = store(tmp_path, "libxml2-dev", xml, native=True)
    xml_loop = store(tmp_path, "loop", tmp_path / "loop")
    assert closure([str(dev)]) == {str(dev), str(xml), str(zlib)}
    assert closure([str(xml_loop)]) == {str(xml_loop)}
    assert closure(["/not/there"]) == {"/not/there"}


def test_own_inputs_stay_and_foreign_go(tmp_path: Path) -> None:
    shared, own, foreign = store(tmp_path, "shared"), tmp_path / "own", tmp_path / "foreign"
    own = store(tmp_path, "own", shared)
    foreign = store(tmp_path, "foreign", shared)
    env = {
        "PATH": f"/compiler/bin:{own}/bin:{foreign}/bin",
        "PKG_CONFIG_PATH": f"{foreign}/lib/pkgconfig:{shared}/lib/pkgconfig",
        "NIX_CFLAGS_COMPILE": f"-isystem {own}/i -isystem {foreign}/i -O2 -I{foreign}/x -I {shared}/i",
        "NIX_LDFLAGS": f"-rpath /out/lib -L{foreign}/lib -L {foreign}/lib -rpath {foreign} -L{shared}/lib",
        "OTHER": f"{foreign}/kept",
    }
    out = isolated(env, [str(own)], [str(own), str(foreign)])
    assert out == {
        "PATH": f"/compiler/bin:{own}/bin",
        "PKG_CONFIG_PATH": f"{shared}/lib/pkgconfig",
        "NIX_CFLAGS_COMPILE": f"-isystem {own}/i -O2 -I {shared}/i",
        "NIX_LDFLAGS": f"-rpath /out/lib -L{shared}/lib",
        "OTHER": f"{foreign}/kept",
    }


def test_a_path_that_begins_the_same_is_another() -> None:
    env = {"PATH": "/s/foreign/bin:/s/foreign-2/bin:/s/foreign"}
    assert isolated(env, [], ["/s/foreign"])["PATH"] == "/s/foreign-2/bin"


def test_nothing_foreign_nothing_changed() -> None:
    env = {"PATH": "/a/bin::/b", "NIX_CFLAGS_COMPILE": "-I  /a"}
    assert isolated(env, ["/a", "/b"], ["/a", "/b"]) == env


FLAGS = ("-isystem", "-I", "-L", "-rpath", "-idirafter", "-F", "-iframework")
JOINED = ("-I", "-L", "-F", "-B", "-isystem", "-Wl,-rpath,", "-Wl,-rpath=", "-rpath=", "-Wl,-rpath-link,")
FOREIGN = st.sampled_from(["/f", "/f/lib"])
OTHER = st.sampled_from(["/o/lib", "/compiler", "/foo", "/o"])
UNITS = st.lists(
    st.one_of(
        st.tuples(st.just(True), st.sampled_from(FLAGS), FOREIGN).map(lambda one: (one[0], one[1:])),
        st.tuples(st.just(False), st.sampled_from(FLAGS), OTHER).map(lambda one: (one[0], one[1:])),
        st.tuples(st.sampled_from(JOINED), FOREIGN).map(lambda one: (True, ("".join(one),))),
        st.tuples(st.sampled_from(JOINED), OTHER).map(lambda one: (False, ("".join(one),))),
        st.sampled_from(["-O2", "--as-needed", "-lz", "-DX=/f/x"]).map(lambda one: (False, (one,))),
    )
)


@given(UNITS)
def test_of_flags_the_foreign_ones_go_and_the_others_stay(units: list[tuple[bool, tuple[str, ...]]]) -> None:
    env = {"NIX_LDFLAGS": " ".join(word for _, words in units for word in words)}
    kept = [word for foreign, words in units if not foreign for word in words]
    assert isolated(env, ["/o"], ["/o", "/f"])["NIX_LDFLAGS"].split() == kept
