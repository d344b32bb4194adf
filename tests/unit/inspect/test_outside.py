"""Who has the sonames that wheels need from outside."""

from __future__ import annotations

from pathlib import Path

from tests.support.packages import make_wheel
from tests.support.refs import make_elf
from uvlock2nix.inspect.candidate import Candidate
from uvlock2nix.inspect.outside import Outside, missing_sonames, sorted_out
from uvlock2nix.inspect.wheel_survey import from_outside
from uvlock2nix.inspect.wheels import WheelContents


def test_a_plugin_of_qt_does_without_modules_that_no_wheel_brings() -> None:
    """PyQt's and PySide's own Qt: Core is in the wheel, 3D in a different wheel, which is not here."""
    assert sorted_out(["libQt63DCore.so.6", "libX11.so.6"]) == Outside(
        ("libx11",), (), ("libQt63DCore.so.6",)
    )
    # A wheel that needs Core from outside gets nixpkgs' Qt.
    assert sorted_out(["libQt6Core.so.6", "libQt6Gui.so.6"]).attributes == ("qt6.qtbase",)


def test_what_only_a_database_vendor_has_is_optional() -> None:
    found = sorted_out(["libmimerapi.so", "libcuda.so.1", "libnobody.so.9", "libstdc++.so.6"])
    assert found == Outside(
        ("stdenv.cc.cc.lib",), ("libcuda.so.1",), ("libmimerapi.so",), ("libnobody.so.9",)
    )


def test_a_sibling_counts_and_libc_does_not() -> None:
    wheels = {
        "a": WheelContents({}, frozenset({"liba.so"}), frozenset({"libb.so.1", "libc.so.6", "libgone.so"})),
        "b": WheelContents({}, frozenset({"libb.so.1"}), frozenset({"ld-linux-x86-64.so.2"})),
    }
    assert missing_sonames(wheels) == {"a": ("libgone.so",)}


def test_of_a_large_wheel_only_the_names_count(tmp_path: Path) -> None:
    """Its own needs stay unknown; what it brings is available to others."""
    big = make_wheel(tmp_path, "big", {"big/libbig.so.1": make_elf(needed=[b"libX11.so.6"])})
    user = make_wheel(tmp_path, "user", {"user/x.so": make_elf(needed=[b"libbig.so.1", b"libXext.so.6"])})
    wheels = [Candidate(name, path.name, None, path, None) for name, path in (("big", big), ("user", user))]
    found = from_outside(wheels, frozenset({"big"}), None, tmp_path / "cache")
    assert found.sonames == {"user": ("libXext.so.6",)}
    assert found.unread == {}
    found = from_outside(wheels, frozenset(), None, tmp_path / "cache")
    assert found.sonames["big"] == ("libX11.so.6",)
