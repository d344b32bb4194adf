from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.packages import record_faults, urlsafe
from uvlock2nix.dist.installed import Collision, Entry, Installed, collisions, installed, rewrite
from uvlock2nix.dist.record import digest_of
from uvlock2nix.errors import InputError


def site_of(root: Path) -> Path:
    site = root / "lib" / "python3.12" / "site-packages"
    site.mkdir(parents=True, exist_ok=True)
    return site


def dist(site: Path, name: str, record: str | bytes) -> Path:
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_bytes(record if isinstance(record, bytes) else record.encode())
    return folder


def entries(*pairs: tuple[str, str]) -> tuple[Entry, ...]:
    return tuple(Entry(path, digest, "1") for path, digest in pairs)


def one(name: str, *pairs: tuple[str, str]) -> Installed:
    return Installed(name, "1.0", Path(f"/x/{name}-1.0.dist-info"), entries(*pairs))


def test_names_and_entries(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    dist(site, "My.Pkg", 'my//x.py,sha256=a,1\n"a,b.py",,\n\nonly\n../../../bin/tool,sha256=b,2\n')
    (found,) = installed(site)
    assert (found.name, found.version) == ("my-pkg", "1.0")
    assert [entry.path for entry in found.entries] == ["my/x.py", "a,b.py", "only", "../../../bin/tool"]


@pytest.mark.parametrize(
    "path", ["../../../../etc/passwd", "/etc/passwd", "a/../../../../../x", "//etc/x", "../../../..", "a\0b"]
)
def test_paths_that_leave(tmp_path: Path, path: str) -> None:
    site = site_of(tmp_path / "env")
    dist(site, "bad", f'"{path}",sha256=x,1\ngood.py,,\n')
    try:
        (found,) = installed(site)
    except InputError:
        assert "\0" in path  # Python's csv of some versions
        return
    assert [entry.path for entry in found.entries] == ["good.py"]
    assert len(found.outside) == 1


def test_in_a_tree_without_an_environment_nothing_goes_up(tmp_path: Path) -> None:
    dist(tmp_path, "bad", "../x,,\nbin/x,,\n")
    (found,) = installed(tmp_path)
    assert [entry.path for entry in found.entries] == ["bin/x"]


@pytest.mark.parametrize("record", [b"\xff\xfe", b'"never closed' + b"x" * 200_000])
def test_records_that_cannot_be_read(tmp_path: Path, record: bytes) -> None:
    dist(tmp_path, "bad", record)
    with pytest.raises(InputError, match="RECORD cannot be read"):
        installed(tmp_path)


def test_no_record(tmp_path: Path) -> None:
    folder = tmp_path / "bare-1.0.dist-info"
    folder.mkdir()
    (found,) = installed(tmp_path)
    assert (found.name, found.entries) == ("bare", ())
    rewrite(found, tmp_path, {})
    assert list(folder.iterdir()) == []
    (folder / "RECORD").mkdir()
    with pytest.raises(InputError, match="RECORD cannot be read"):
        installed(tmp_path)


def test_collisions() -> None:
    found = collisions(
        [
            one("b", ("x", "h1"), ("same", "h"), ("own_b", "h"), ("empty", "")),
            one("a", ("x", "h2"), ("same", "h"), ("twice", "h1"), ("twice", "h2"), ("empty", "")),
            one("c", ("x", "h1"), ("__pycache__/x.pyc", "1"), ("y/__pycache__/x.pyc", "1")),
            one("d", ("__pycache__/x.pyc", "2"), ("y/__pycache__/x.pyc", "2")),
        ]
    )
    # A file without a hash may differ; one that the same package names twice is its own business.
    assert found == (Collision("empty", ("a", "b")), Collision("x", ("a", "b", "c")))


@given(st.permutations(["a", "b", "c"]))
def test_collisions_do_not_depend_on_order(names: list[str]) -> None:
    found = collisions([one(name, ("x", name), ("y", "same")) for name in names])
    assert found == (Collision("x", ("a", "b", "c")),)


def test_rewriting(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    (site / "kept.py").write_text("1")
    (tmp_path / "moved").write_text("2")
    record = (
        "kept.py,sha256=wrong,99\ngone.py,,\n../../../bin/x,,\n"
        + "n" * 300
        + ",,\nx-1.0.dist-info/RECORD,,\n"
    )
    dist(site, "x", record)
    (found,) = installed(site)
    rewrite(found, site, {"../../../bin/x": "../../../moved"})
    assert record_faults(site) == []
    text = (site / "x-1.0.dist-info/RECORD").read_text()
    assert text == (
        f"../../../moved,{urlsafe(b'2')},1\nkept.py,{urlsafe(b'1')},1\nx-1.0.dist-info/RECORD,,\n"
    )


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    site = site_of(tmp_path / "env")
    (tmp_path / "secret").write_text("s")
    dist(site, "x", "../../../../secret,,\nx-1.0.dist-info/RECORD,,\n")
    dist(site, "y", "../../../../secret,,\n")
    for found in installed(site):
        rewrite(found, site, {})
        assert "secret" not in (found.dist_info / "RECORD").read_text()


def test_a_digest(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 70_000)
    assert digest_of(file) == (urlsafe(b"x" * 70_000), 70_000)


def test_the_checker_of_these_tests_can_fail(tmp_path: Path) -> None:
    site = site_of(tmp_path)
    (site / "a.py").write_text("1")
    (site / "b.py").write_text("1")
    dist(site, "x", f"a.py,{urlsafe(b'2')},1\nc.py,,\n../../../../e,,\nx-1.0.dist-info/RECORD,,\n")
    faults = record_faults(site)
    assert len(faults) == 4, faults
