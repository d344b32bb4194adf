from pathlib import Path

from uvlock2nix.errors import NetworkError
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.inspections import inspect_all
from uvlock2nix.inspect.uv_cache import git_tree, sdist_tree, uv_cache_dir

COMMIT = "1c4e55e9cbf92a5277144f7ec67cca5dbe7f3743"


def test_where_the_cache_is() -> None:
    assert uv_cache_dir({"UV_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert uv_cache_dir({"XDG_CACHE_HOME": "/b"}) == Path("/b/uv")
    assert uv_cache_dir({"XDG_CACHE_HOME": "b"}) == Path.home() / ".cache" / "uv"


def test_a_finished_checkout_is_found_by_its_short_name(tmp_path: Path) -> None:
    place = tmp_path / "git-v1" / "checkouts" / "abc" / "1c4e55e"
    place.mkdir(parents=True)
    assert git_tree(tmp_path, COMMIT) is None
    place.with_name("1c4e55e.ok").touch()
    assert git_tree(tmp_path, COMMIT) == place
    assert git_tree(tmp_path, "1c4e" + "0" * 36) is None
    assert git_tree(tmp_path, "../../../etc") is None


def test_an_unpacked_sdist(tmp_path: Path) -> None:
    place = tmp_path / "sdists-v10" / "index" / "0123" / "foo" / "1.0" / "rev" / "src"
    place.mkdir(parents=True)
    assert sdist_tree(tmp_path, "foo", "1.0") == place
    assert sdist_tree(tmp_path, "foo", "1.1") is None
    assert sdist_tree(tmp_path, "../foo", "*") is None


class Gone:
    def file(self, url: str, hash_: str | None, name: str) -> Path:
        raise NetworkError("no route")

    def part(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        raise NetworkError("no route")

    def text(self, url: str, limit: int) -> str:
        raise NetworkError("no route")


def test_the_fallback_is_read_without_a_network(tmp_path: Path) -> None:
    tree = tmp_path / "src"
    tree.mkdir()
    (tree / "setup.py").write_text("setup(name='x')")
    wanted = [Candidate("x", "x-1.tar.gz", "https://x.invalid/x", None, None, tree)]
    for fetcher in (Gone(), None):
        found = inspect_all(wanted, fetcher, tmp_path / "cache")
        assert found[0].inputs is not None
        assert found[0].inputs.kind == "pure"
