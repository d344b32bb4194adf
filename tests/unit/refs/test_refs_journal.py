"""A run that was killed: whatever it had done, the next run begins with the tree as it was."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest

from uvlock2nix.errors import RefsError
from uvlock2nix.refs.apply import Patch, Relink, Rewrite, Stage
from uvlock2nix.refs.journal import NAME, STAGE_PREFIX, undo_killed_runs

STEPS = 40  # more than the system calls of one commit below


def make_tree(tree: Path) -> None:
    (tree / "lib").mkdir(parents=True)
    (tree / "lib" / "a").write_bytes(b"old a")
    (tree / "lib" / "b").write_bytes(b"old b")
    (tree / "lib" / "link").symlink_to("a")
    (tree / "lib" / "old-name").write_bytes(b"named")
    (tree / "lib").chmod(0o555)


def picture(tree: Path) -> dict[str, object]:
    """Everything below ``tree``: modes, contents, targets."""
    found: dict[str, object] = {}
    for path in sorted(tree.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        content: object = None
        if path.is_symlink():
            content = path.readlink()
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(tree))] = (mode, content)
    return found


def commit(tree: Path) -> None:
    with Stage(tree) as stage:
        stage.add(Patch("lib/a", ((0, b"new"),)))
        stage.add(Rewrite("lib/b", b"rewritten"))
        stage.add(Relink("lib/link", b"b"))
        stage.write("new/folder/file", b"made")
        stage.commit((("lib/old-name", "lib/new-name"),))


def killed_at(step: int, tree: Path) -> bool:
    """Commit in a child that kills itself before its ``step``-th change of the tree; whether it did."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(event: str, _: object) -> None:
            nonlocal seen
            if event in (
                "os.rename",
                "os.link",
                "os.mkdir",
                "os.remove",
                "os.rmdir",
                "os.chmod",
                "shutil.rmtree",
            ):
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        import sys

        sys.addaudithook(count)
        try:
            commit(tree)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_the_tree_is_as_it_was_or_changed_as_a_whole_wherever_a_run_is_killed(tmp_path: Path) -> None:
    make_tree(tmp_path / "old")
    before = picture(tmp_path / "old")
    make_tree(tmp_path / "new")
    commit(tmp_path / "new")
    after = picture(tmp_path / "new")
    assert after != before
    ends = []
    for step in range(1, STEPS):
        tree = tmp_path / f"tree-{step}"
        make_tree(tree)
        killed = killed_at(step, tree)
        undo_killed_runs(tree)
        now = picture(tree)
        assert now in (before, after), f"killed at step {step}"
        ends.append(now == after)
        if not killed:
            break
        # The next run does the work, as if nothing had been.
        if now == before:
            commit(tree)
            assert picture(tree) == after
    else:
        raise AssertionError("the commit takes more steps than were tried")
    assert ends[0] is False
    assert ends[-1] is True


def test_a_forged_journal_reaches_nothing_outside(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    folder = tree / f"{STAGE_PREFIX}x"
    folder.mkdir(parents=True)
    (tmp_path / "victim").write_bytes(b"mine")
    for text in (
        '{"swaps": [["../victim", "0.old", false]], "folders": [], "renames": [], "modes": []}',
        '{"swaps": [], "folders": [], "renames": [["a", "/victim"]], "modes": []}',
        "[]",
        "{",
    ):
        (folder / NAME).write_text(text)
        with pytest.raises(RefsError, match="is damaged"):
            undo_killed_runs(tree)
    assert (tmp_path / "victim").read_bytes() == b"mine"
