"""All of the format, and everything that can be wrong with it."""

from __future__ import annotations

import pytest

from tests.support.locks import DIGEST, HEAD, INDEX, edges, entry, read, table
from uvlock2nix.errors import LockError
from uvlock2nix.lock import (
    ConflictItem,
    DirectorySource,
    EditableSource,
    GitSource,
    PathSource,
    RegistrySource,
    Source,
    UrlSource,
    VirtualSource,
    parse_lock,
)

FILES = "https://files.example"
TIME = "2026-01-01T00:00:00Z"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHEEL = f'{{ url = "https://files.example/a/a-1.0-py3-none-any.whl", hash = "{DIGEST}", size = 10 }}'


def refused(text: str) -> LockError:
    with pytest.raises(LockError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{ registry = "https://index.example/simple" }', RegistrySource("https://index.example/simple")),
        ('{ registry = "../wheels" }', RegistrySource(None, "../wheels")),
        (
            f'{{ git = "https://git.example/a?tag=v1#{COMMIT}" }}',
            GitSource("https://git.example/a", COMMIT, tag="v1"),
        ),
        (
            f'{{ git = "https://git.example/a.git?branch=b%2Fc&subdirectory=x%2Fy&lfs=true#{COMMIT}" }}',
            GitSource("https://git.example/a.git", COMMIT, branch="b/c", subdirectory="x/y", lfs=True),
        ),
        (
            f'{{ git = "ssh://git@git.example/a?rev=main#{COMMIT}" }}',
            GitSource("ssh://git@git.example/a", COMMIT, rev="main"),
        ),
        (f'{{ git = "file:///srv/a#{COMMIT}" }}', GitSource("file:///srv/a", COMMIT)),
        (
            f'{{ git = "https://git.example/a?path=dist%2Fa-1.0.tar.gz#{COMMIT}" }}',
            GitSource("https://git.example/a", COMMIT, path="dist/a-1.0.tar.gz"),
        ),
        ('{ url = "https://files.example/a-1.0.zip" }', UrlSource("https://files.example/a-1.0.zip")),
        (
            '{ url = "https://files.example/a.zip", subdirectory = "python" }',
            UrlSource("https://files.example/a.zip", "python"),
        ),
        ('{ path = "vendor/a-1.0.tar.gz" }', PathSource("vendor/a-1.0.tar.gz")),
        ('{ directory = "libs/a" }', DirectorySource("libs/a")),
        ('{ editable = "." }', EditableSource(".")),
        ('{ virtual = "../a" }', VirtualSource("../a")),
    ],
)
def test_every_source(source: str, expected: Source) -> None:
    (package,) = read(HEAD + entry("a", source=source)).packages
    assert package.source == expected
    assert package.source.kind in source


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{ }", "exactly one kind"),
        ('{ git = "https://x.example/a", url = "https://x.example/b" }', "git and url"),
        ('{ git = "https://git.example/a" }', "no commit"),
        ('{ git = "https://git.example/a#main" }', "no commit"),
        (f'{{ git = "https://git.example/a?rev={"f" * 40}#{COMMIT}" }}', "requests commit"),
        ('{ git = "https://[x#0" }', "not a URL"),
        (f'{{ git = "ext::sh -c x#{COMMIT}" }}', "not a URL that can be fetched"),
        (f'{{ git = "ssh://-oProxyCommand=x/a#{COMMIT}" }}', "not a URL that can be fetched"),
        (f'{{ git = "ssh://-x@git.example/a#{COMMIT}" }}', "not a URL that can be fetched"),
        (f'{{ git = "https://git.example/a?subdirectory=..%2Fb#{COMMIT}" }}', "subdirectory: points outside"),
        (f'{{ git = "https://git.example/a?path=%2Fetc%2Fx.whl#{COMMIT}" }}', "path: points outside"),
        ('{ url = "https://x.example/a.zip", subdirectory = "a/../../b" }', "subdirectory: points outside"),
        ('{ url = "javascript://x/a.zip" }', "not a URL that can be fetched"),
        ('{ url = "nowhere" }', "not a URL"),
        ('{ registry = "" }', "is empty"),
        ('{ path = "a\\u0000b" }', "control characters"),
        ("{ editable = 3 }", "not a string"),
        ('"index"', "not a table"),
    ],
)
def test_wrong_sources_name_package_and_key(source: str, says: str) -> None:
    error = refused(HEAD + entry("a", source=source))
    assert says in error.message
    assert "package a 1.0" in error.message


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_is_refused_with_both_numbers(version: int) -> None:
    error = refused(f"version = {version}\nnonsense = true\n[[package]]\n")
    assert f"version {version}" in error.message
    assert "version 1" in error.message


@pytest.mark.parametrize(
    "text", ['version = "1"', "revision = 3", "version = true", "version = 1\nrevision = -1"]
)
def test_version_must_be_a_number(text: str) -> None:
    assert "is not a number" in refused(text).message


@pytest.mark.parametrize("revision", ["", "revision = 0", "revision = 1", "revision = 5"])
def test_known_revisions_are_silent(revision: str) -> None:
    lock = read(f'version = 1\n{revision}\nrequires-python = ">=3.11"\n' + entry("a"))
    assert lock.warnings == ()


def test_newer_revision_and_unknown_keys_are_read_on_with_one_warning() -> None:
    text = 'version = 1\nrevision = 6\nrequires-python = ">=3.11"\nnovelty = 1\n'
    text += entry(
        "a", more='sparkle = true\nwheels = [{ url = "https://x.example/a-1.0-py3-none-any.whl", glow = 1 }]'
    )
    lock = read(text)
    (warning,) = lock.warnings
    for said in ("revision 6", "5", "novelty", "package.sparkle", "wheels.glow"):
        assert said in warning
    assert lock.packages[0].wheels[0].filename == "a-1.0-py3-none-any.whl"


def test_files_by_url_path_and_filename_with_parts_missing() -> None:
    wheels = [
        '{ url = "https://files.example/a-1.0%2Bcpu-py3-none-any.whl#sha256=1" }',
        '{ path = "sub/a-1.0-1-py3-none-any.whl", size = 3 }',
        f'{{ filename = "a-1.0-py2-none-any.whl", hash = "{DIGEST}" }}',
        f'{{ url = "{FILES}/a-1.0-cp312-cp312-win32.whl", hash = "{DIGEST}", upload-time = {TIME} }}',
        f'{{ url = "{FILES}/a-1.0-cp311-cp311-win32.whl", hash = "{DIGEST}", upload_time = "2026" }}',
    ]
    more = f'sdist = {{ hash = "{DIGEST}" }}\nwheels = [{", ".join(wheels)}]'
    (package,) = read(HEAD + entry("a", more=more)).packages
    first, second, third, fourth, fifth = package.wheels
    assert (first.filename, first.hash, first.size) == ("a-1.0+cpu-py3-none-any.whl", None, None)
    assert (second.filename, second.path, second.url) == (
        "a-1.0-1-py3-none-any.whl",
        "sub/a-1.0-1-py3-none-any.whl",
        None,
    )
    assert (third.filename, third.url, third.path, third.hash) == (
        "a-1.0-py2-none-any.whl",
        None,
        None,
        DIGEST,
    )
    assert fourth.upload_time == "2026-01-01 00:00:00+00:00"
    assert fifth.upload_time == "2026"
    assert package.sdist is not None
    assert (package.sdist.filename, package.sdist.hash) == ("", DIGEST)


@pytest.mark.parametrize(
    ("wheel", "says"),
    [
        ("{ }", "filename: is missing"),
        ('{ url = "https://x.example/" }', "no usable file name"),
        ('{ url = "https://x.example/a%2Fb-1.0-py3-none-any.whl" }', "no usable file name"),
        ('{ path = ".." }', "no usable file name"),
        ('{ filename = "a-1.0.tar.gz" }', "not a wheel's name"),
        ('{ filename = "a-2.0-py3-none-any.whl" }', "not of version 1.0"),
        ('{ filename = "a-x!-py3-none-any.whl" }', "no valid version"),
        (f'{{ filename = "a-{"9" * 5000}-py3-none-any.whl" }}', "no valid version"),
        ('{ url = "x" }', "not a URL"),
        ('{ filename = "a-1.0-py3-none-any.whl", hash = "sha256:12" }', "hash: is not algorithm:hex"),
        ('{ filename = "a-1.0-py3-none-any.whl", hash = 3 }', "hash: is not algorithm:hex"),
        ('{ filename = "a-1.0-py3-none-any.whl", size = -1 }', "size: is not a number of bytes"),
        ('{ filename = "a-1.0-py3-none-any.whl", size = true }', "size: is not a number of bytes"),
        ("3", "not a table"),
    ],
)
def test_wrong_wheels_name_package_and_key(wheel: str, says: str) -> None:
    error = refused(HEAD + entry("a", more=f"wheels = [{wheel}]"))
    assert says in error.message
    assert "package a 1.0: wheels" in error.message


def test_the_quick_way_and_the_careful_way_agree() -> None:
    quick = entry("a", more=f"wheels = [{WHEEL}]")
    careful = entry("a", more=f"wheels = [{WHEEL.replace('.whl', '.whl#x')}]")
    (fast,), (slow,) = (read(HEAD + text).packages[0].wheels for text in (quick, careful))
    assert (fast.filename, fast.hash, fast.size, fast.upload_time) == (
        slow.filename,
        slow.hash,
        slow.size,
        slow.upload_time,
    )


def test_edges_know_the_package_that_they_mean() -> None:
    archive = '{ url = "https://x.example/twice-2.0.zip" }'
    text = HEAD + entry(
        "root",
        source='{ editable = "." }',
        deps=(
            'name = "plain"',
            f'name = "twice", version = "1.0", source = {INDEX}',
            f'name = "twice", version = "2.0", source = {archive}, marker = "os_name == \'nt\'"',
            'name = "tree", source = { directory = "tree" }',
        ),
    )
    text += entry("plain") + entry("twice") + entry("twice", "2.0", source=archive)
    text += entry("tree", None, source='{ directory = "tree" }')
    lock = read(text)
    found = [str(lock.packages[edge.package]) for edge in lock.packages[0].dependencies]
    assert found == ["plain==1.0", "twice==1.0", "twice==2.0", "tree"]
    assert lock.packages[0].dependencies[2].marker == "os_name == 'nt'"


@pytest.mark.parametrize(
    ("dep", "says"),
    [
        ('name = "gone"', "no entry in the lock"),
        ('name = "b", version = "9"', "the lock has no entry b 9"),
        ('name = "b", version = "x"', "is not a version"),
        ('name = "b", marker = "os_name = 1"', "marker: cannot be read"),
        ('name = "b", marker = 3', "marker: is not a string"),
        ('name = "b", extra = "x"', "extra: is not an array"),
        ('name = "../b"', "name: is not a valid name"),
        ('name = "c"', "the lock has several packages of that name"),
    ],
)
def test_wrong_edges_name_package_and_key(dep: str, says: str) -> None:
    error = refused(HEAD + entry("a", deps=(dep,)) + entry("b") + entry("c") + entry("c", "2.0"))
    assert says in error.message
    assert "package a 1.0: dependencies" in error.message


def test_extras_that_the_package_does_not_have_are_dropped() -> None:
    text = entry("a", deps=('name = "b", extra = ["there", "gone"]',))
    text += entry("b", more=edges("optional-dependencies", there=("c",))) + entry("c")
    assert read(HEAD + text).packages[0].dependencies[0].extras == ("there",)


def test_groups_have_two_spellings() -> None:
    for key in ("dev-dependencies", "dependency-groups"):
        lock = read(HEAD + entry("a", more=edges(key, dev=("b",))) + entry("b"))
        assert list(lock.packages[0].dependency_groups) == ["dev"]


def test_all_problems_are_told_together() -> None:
    text = HEAD + entry("a", deps=("gone",)) + entry("b", source="{ }") + entry("c", "not a version")
    error = refused(text)
    for said in ("package a 1.0", "package b 1.0", "package c not a version"):
        assert said in error.message
    assert len(error.data["problems"]) == 3  # type: ignore[arg-type]


def test_long_lists_of_problems_are_cut() -> None:
    error = refused(HEAD + "".join(entry(f"a{n}", source="{ }") for n in range(40)))
    assert "and 28 more" in error.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = 1\n", "requires-python: is missing"),
        (f'version = 1\nrequires-python = ">={"9" * 5000}"\n', "requires-python: is not a version specifier"),
        ('version = 1\nrequires-python = ">>3"\n', "requires-python: is not a version specifier"),
        (HEAD + "package = 3\n", "package: is not an array"),
        (HEAD + "package = [3]\n", "not a table"),
        (HEAD + "[[package]]\n", "name: is not a valid name"),
        (HEAD + entry("a") + entry("a"), "occurs twice"),
        (HEAD + entry("a", None), "version: is missing"),
        (HEAD + 'resolution-markers = ["os_name"]\n', "resolution-markers: ends too early"),
        (HEAD + "supported-markers = [3]\n", "not a string"),
        (HEAD + "conflicts = [3]\n", "conflicts: contains something"),
        (HEAD + 'conflicts = [[{ package = "a", extra = "x", group = "y" }]]\n', "both extra and group"),
        (HEAD + 'conflicts = [[{ extra = "x" }]]\n', "package: is not a valid name"),
        (HEAD + "manifest = 3\n", "manifest: is not a table"),
        (HEAD + '[manifest]\nmembers = ["-"]\n', "members: is not a valid name"),
        (HEAD + "[options]\nexclude-newer = 3\n", "exclude-newer: is not a time"),
    ],
)
def test_wrong_locks_name_the_key(text: str, says: str) -> None:
    assert says in refused(text).message


def test_manifest_and_options_and_conflicts() -> None:
    text = (
        HEAD
        + """
resolution-markers = ["os_name == 'nt'", "os_name != 'nt'"]
supported-markers = ["os_name != 'java'"]
required-markers = ["sys_platform == 'linux'"]
conflicts = [[{ package = "a", extra = "x" }, { package = "a", group = "g" }, { package = "b" }]]
[options]
exclude-newer = "0001-01-01T00:00:00Z"
exclude-newer-span = "P3W"
[options.exclude-newer-package]
a = "2026-01-01T00:00:00Z"
b = false
c = { timestamp = "0001-01-01T00:00:00Z", span = "P1D" }
[manifest]
members = ["A_member", "b"]
requirements = [{ name = "r", extras = ["x"], specifier = ">=1", marker = "os_name == 'nt'" }]
constraints = [{ name = "c", specifier = "<2" }]
overrides = [{ name = "o", specifier = "*" }, { package = { name = "p" }, dependencies = [{ name = "q" }] }]
excludes = ["e"]
build-constraints = [{ name = "setuptools", specifier = "<80" }]
[manifest.dependency-groups]
dev = [{ name = "d", git = "https://git.example/d" }]
[[manifest.dependency-metadata]]
name = "m"
version = "1.0"
requires-dist = ["n"]
"""
    )
    lock = read(text)
    manifest, options = lock.manifest, lock.options
    assert lock.conflicts == ((ConflictItem("a", "x"), ConflictItem("a", None, "g"), ConflictItem("b")),)
    assert [str(item) for item in lock.conflicts[0]] == ["a[x]", "a:g", "b"]
    assert len(lock.resolution_markers) == 2
    assert lock.supported_markers == ("os_name != 'java'",)
    assert lock.required_markers == ("sys_platform == 'linux'",)
    assert (options.exclude_newer, options.exclude_newer_span) == (None, "P3W")
    assert dict(options.exclude_newer_package) == {"a": "2026-01-01T00:00:00Z", "b": None, "c": "P1D"}
    assert manifest.members == ("a-member", "b")
    (requirement,) = manifest.requirements
    assert (requirement.name, requirement.extras, requirement.specifier) == ("r", ("x",), ">=1")
    assert [(item.name, item.of) for item in manifest.overrides] == [("o", ""), ("q", "p")]
    assert manifest.overrides[0].specifier == ""
    assert manifest.excludes == ("e",)
    assert manifest.build_constraints[0].name == "setuptools"
    assert manifest.dependency_groups[0][1][0].source == (("git", "https://git.example/d"),)
    assert manifest.dependency_metadata == (("m", "1.0"),)
    assert lock.warnings == ()


def test_metadata_of_local_packages() -> None:
    more = """
[package.metadata]
requires-dist = [{ name = "b", extras = ["x"], marker = "extra == 'y'", specifier = ">=1" }]
provides-extras = ["y"]
[package.metadata.requires-dev]
dev = [{ name = "c" }]
empty = []
"""
    (package,) = read(HEAD + entry("a", source='{ editable = "." }', more=more)).packages
    assert package.metadata.present
    assert package.metadata.provides_extras == ("y",)
    assert [name for name, _ in package.metadata.requires_dev] == ["dev", "empty"]


def test_names_and_versions_are_normal() -> None:
    lock = read(HEAD + entry("My_Package.x", "1.00-RC1", deps=("OTHER",)) + entry("other"))
    assert (lock.packages[0].name, lock.packages[0].version) == ("my-package-x", "1.0rc1")
    assert lock.by_name["other"][0].name == "other"


def test_oldest_name_of_packages() -> None:
    assert len(read(HEAD + entry("a").replace("package", "distribution")).packages) == 1


def test_too_many_packages_are_refused() -> None:
    wire = table(HEAD)
    wire["package"] = [{"name": "a"}] * 250_001
    with pytest.raises(LockError, match="more than uvlock2nix supports"):
        parse_lock(wire, "uv.lock")
