"""Libraries opened by name, and scripts with foreign interpreters: in a sandbox without both."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Built, copy_fixture, go
from tests.support.packages import record_faults
from tests.support.stand import Stand

pytestmark = [pytest.mark.stand, pytest.mark.network]


@pytest.fixture(scope="module")
def built(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return go(stand, copy_fixture("libraries", tmp_path_factory.mktemp("libraries")))


def test_every_library_is_found_however_python_starts(built: Built) -> None:
    """In this process, a fork, a spawned process, and one without any environment variable."""
    code = f"""
      with import <nixpkgs> {{ }};
      runCommand "libraries" {{ package = builtins.storePath {built.package}; }} ''
        export HOME=$TMPDIR
        test ! -e /usr/bin/python3 -o ! -e /usr/lib/x86_64-linux-gnu/libmagic.so.1
        $package/bin/libraries-by-name > $out
      ''
    """
    out = built.stand.nix_build(code)
    said = built.host(out).read_text().splitlines()
    names = ["cairocffi", "pyudev", "pyusb", "python-magic", "pyzbar", "soundfile", "weasyprint"]
    found = {line.partition(" ")[0]: line.partition(" ")[2] for line in said}
    assert [name for name in names if name in found] == names
    assert (found["pyusb"], found["bare"], found["spawn"]) == ("_LibUSB", "7", "7")
    assert found["hello"] == "from bash"
    assert built.venv in said


def test_the_map_names_store_paths_and_records_are_right(built: Built) -> None:
    (env,) = built.host(built.env).glob("lib/python3.*/site-packages")
    text = (env / "_uvlock2nix_paths.py").read_text()
    assert '"magic": "/nix/store/' in text
    assert "/usr/lib" not in text
    ours = ("_uvlock2nix_", "__pycache__")
    assert [fault for fault in record_faults(env) if not any(name in fault for name in ours)] == []
