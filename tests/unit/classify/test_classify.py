from pathlib import Path

import pytest

from uvlock2nix.artifacts import BuildPolicy
from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.classify.packages import (
    CLASSES,
    ClassifiedPackage,
    ClassifyPolicy,
    classify,
)
from uvlock2nix.errors import NoArtifactError
from uvlock2nix.knowledge.native import EMPTY, BuildInputs, NativeInputs, Origin
from uvlock2nix.knowledge.native_table import native_table
from uvlock2nix.knowledge.platforms import is_linux_only, on_darwin
from uvlock2nix.lock import Selection, load_project, resolve
from uvlock2nix.net.urls import shown_url
from uvlock2nix.nixpkgs_index.model import SCHEMA, NixpkgsIndex, parse_index
from uvlock2nix.target import Target

LINUX = Target.parse(system="x86_64-linux", python="3.13")
FIXTURES = Path(__file__).parents[3] / "fixtures"


def index(**versions: str) -> NixpkgsIndex:
    return parse_index(
        {"schema": SCHEMA, "sets": {"313": {k.replace("_", "-"): v for k, v in versions.items()}}}, "x"
    )


def locked(
    name: str, version: str, *, needs: tuple[str, ...] = (), files: tuple[str, ...] = (), source: str = ""
) -> str:
    source = source or '{ registry = "https://index.invalid/simple" }'
    wheels = [f for f in files if f.endswith(".whl")]
    sdists = [f for f in files if not f.endswith(".whl")]

    def entry(file: str) -> str:
        return f'{{ url = "https://files.invalid/{file}", hash = "sha256:{"0" * 64}", size = 10 }}'

    lines = [f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {source}']
    if needs:
        lines.append("dependencies = [" + ", ".join(f'{{ name = "{n}" }}' for n in needs) + "]")
    lines += [f"sdist = {entry(f)}" for f in sdists]
    if wheels:
        lines.append("wheels = [" + ", ".join(map(entry, wheels)) + "]")
    return "\n".join(lines) + "\n"


def run(
    tmp_path: Path,
    *packages: str,
    roots: tuple[str, ...],
    knowledge: Knowledge | None = None,
    policy: ClassifyPolicy | None = None,
    target: Target = LINUX,
    uv: str = "",
) -> dict[str, ClassifiedPackage]:
    listed = ", ".join(f'"{r}"' for r in roots)
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{listed}]\n{uv}'
    )
    app = locked("app", "1", needs=roots, source='{ virtual = "." }')
    (tmp_path / "uv.lock").write_text('version = 1\nrequires-python = ">=3.11"\n' + app + "".join(packages))
    project = load_project(tmp_path)
    environment = resolve(project, Selection(), target)
    found = classify(
        project, environment, target, knowledge or Knowledge(own_index=index()), policy or ClassifyPolicy()
    )
    assert all(item.reasons and item.class_ in CLASSES for item in found)
    return {item.name: item for item in found}


def sdist(name: str, version: str, *, needs: tuple[str, ...] = ()) -> str:
    return locked(name, version, needs=needs, files=(f"{name}-{version}.tar.gz",))


def wheel(name: str, version: str, *, needs: tuple[str, ...] = ()) -> str:
    return locked(name, version, needs=needs, files=(f"{name}-{version}-py3-none-any.whl",))


def test_the_authentik_fixture_needs_exactly_this() -> None:
    project = load_project(FIXTURES / "authentik")
    environment = resolve(project, Selection(), LINUX)
    found = {p.name: p for p in classify(project, environment, LINUX, Knowledge.default(), ClassifyPolicy())}
    assert {n for n, p in found.items() if p.class_ == "sdist-native"} == {
        "lxml",
        "xmlsec",
        "gssapi",
        "psycopg-c",
    }
    assert found["lxml"].native.build.build_inputs == ("libxml2", "libxslt", "zlib")
    assert found["lxml"].native.build.native_build_inputs == ("pkg-config",)
    assert found["xmlsec"].native.build.build_inputs == ("xmlsec", "libxml2", "libxslt", "libtool", "openssl")
    assert found["psycopg-c"].native.build.native_build_inputs == ("libpq.pg_config",)
    assert found["gssapi"].native.build.cflags == ("-include gssapi/gssapi_ext.h",)
    assert found["authentik-like"].class_ == "workspace"
    assert found["akl-flags"].class_ == "vcs"
    assert found["django"].class_ == "wheel"


def test_a_wheel_an_sdist_and_what_is_unknown(tmp_path: Path) -> None:
    found = run(tmp_path, wheel("a", "1"), sdist("b", "1"), roots=("a", "b"))
    assert (found["a"].class_, found["a"].known) == ("wheel", "")
    assert (found["b"].class_, found["b"].known) == ("sdist", "unknown")
    assert "unknown" in found["b"].reasons[-1]


def test_an_any_wheel_beside_a_forbidden_one_proves_purity(tmp_path: Path) -> None:
    a = locked("a", "1", files=("a-1-py3-none-any.whl", "a-1.tar.gz"))
    found = run(tmp_path, a, roots=("a",), uv='[tool.uv]\nno-binary-package = ["a"]')
    assert (found["a"].class_, found["a"].known) == ("sdist", "pure")


def test_the_user_beats_the_table_and_inspection_is_called_so(tmp_path: Path) -> None:
    mine = NativeInputs(
        build=BuildInputs(build_inputs=("mine",)),
        origin=Origin(provenance="user", given=frozenset({"build_inputs"})),
    )
    seen = NativeInputs(build=BuildInputs(build_inputs=("seen",)), origin=Origin(provenance="inspected"))
    knowledge = Knowledge(user={"lxml": mine}, inspected={"b": seen}, own_index=index())
    found = run(tmp_path, sdist("lxml", "6.0"), sdist("b", "1"), roots=("lxml", "b"), knowledge=knowledge)
    assert found["lxml"].native.build.build_inputs == ("mine",)
    assert "[tool.uvlock2nix.native]" in found["lxml"].reasons[-1]
    assert (found["b"].class_, found["b"].known) == ("sdist-native", "inspected")
    assert "inspected" in found["b"].reasons[-1]


def test_a_pure_inspection(tmp_path: Path) -> None:
    knowledge = Knowledge(
        inspected={"b": NativeInputs(origin=Origin(provenance="inspected"), kind="pure")}, own_index=index()
    )
    found = run(tmp_path, sdist("b", "1"), roots=("b",), knowledge=knowledge)
    assert (found["b"].class_, found["b"].known) == ("sdist", "pure")


def test_why_an_sdist_was_not_inspected_is_told(tmp_path: Path) -> None:
    knowledge = Knowledge(uninspected={"b": "wrong hash"}, own_index=index())
    found = run(tmp_path, sdist("b", "1"), roots=("b",), knowledge=knowledge)
    assert found["b"].reasons[-1].endswith("wrong hash")


def test_native_takes_a_compiled_package_of_the_same_version_from_nixpkgs(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        sdist("python-ldap", "3.4.4", needs=("pyasn1",)), wheel("pyasn1", "0.6"), wheel("django", "5.2"),
        roots=("python-ldap", "django"),
        knowledge=Knowledge(own_index=index(python_ldap="3.4.4", pyasn1="0.6", django="5.2")),
    )  # fmt: skip
    assert {n for n, p in found.items() if p.from_nixpkgs} == {"python-ldap", "pyasn1"}
    assert found["python-ldap"].class_ == "nixpkgs"
    assert found["python-ldap"].native.build.build_inputs == ()
    assert "nixpkgs' python-ldap depends on it" in found["pyasn1"].reasons[0]


def test_a_refusal_names_the_dependency(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        sdist("python-ldap", "3.4.4", needs=("pyasn1",)), wheel("pyasn1", "0.6.1"),
        roots=("python-ldap",),
        knowledge=Knowledge(own_index=index(python_ldap="3.4.4", pyasn1="0.6")),
    )  # fmt: skip
    assert found["python-ldap"].class_ == "sdist-native"
    assert found["python-ldap"].native.build.build_inputs == ("openldap", "cyrus_sasl")
    assert found["python-ldap"].reasons[-1] == (
        "not from nixpkgs: it needs pyasn1, which is taken from the lock: nixpkgs has pyasn1"
        " 0.6, the lock 0.6.1"
    )


def test_what_is_pinned_to_an_index_of_its_own_may_be_another_package(tmp_path: Path) -> None:
    own = locked("corp", "1", files=("corp-1.tar.gz",), source='{ registry = "https://corp.invalid/simple" }')
    uv = '[[tool.uv.index]]\nname = "corp"\nurl = "https://me:secret@corp.invalid/simple/"\nexplicit = true\n'
    packages = (own, wheel("b", "1"))
    knowledge = Knowledge(own_index=index(corp="1", b="1"))
    same = ClassifyPolicy(from_nixpkgs="same")
    found = run(tmp_path, *packages, roots=("corp", "b"), knowledge=knowledge, policy=same, uv=uv)
    assert found["b"].from_nixpkgs
    assert not found["corp"].from_nixpkgs
    assert "taken from the index corp explicitly" in found["corp"].reasons[-1]
    allowed = same._replace(allow=frozenset({"corp"}))
    found = run(tmp_path, *packages, roots=("corp", "b"), knowledge=knowledge, policy=allowed, uv=uv)
    assert found["corp"].from_nixpkgs


def test_none_takes_nothing_but_still_compares(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        sdist("lxml", "6.0.0"),
        roots=("lxml",),
        knowledge=Knowledge(own_index=index(lxml="6.0.0")),
        policy=ClassifyPolicy(from_nixpkgs="none"),
    )
    assert found["lxml"].class_ == "sdist-native"
    assert found["lxml"].nixpkgs is not None
    assert found["lxml"].nixpkgs.match == "same"


def test_the_projects_own_requirement_vouches_for_a_newer_version(tmp_path: Path) -> None:
    metadata = '\n[package.metadata]\nrequires-dist = [{ name = "a", specifier = "SPEC" }]\n'
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["a"]\n'
    )
    for specifier, expected in ((">=1", True), ("<1.1", False)):
        app = locked("app", "1", needs=("a",), source='{ virtual = "." }') + metadata.replace(
            "SPEC", specifier
        )
        (tmp_path / "uv.lock").write_text(
            'version = 1\nrequires-python = ">=3.11"\n' + app + wheel("a", "1.0")
        )
        project = load_project(tmp_path)
        environment = resolve(project, Selection(), LINUX)
        policy = ClassifyPolicy(from_nixpkgs="compatible")
        found = classify(project, environment, LINUX, Knowledge(own_index=index(a="1.2")), policy)
        assert found[0].from_nixpkgs is expected


LXML = locked(
    "lxml", "6.0.2", files=("lxml-6.0.2-cp313-cp313-manylinux_2_28_x86_64.whl", "lxml-6.0.2.tar.gz")
)


def test_lxml_is_compiled_when_xmlsec_is(tmp_path: Path) -> None:
    found = run(tmp_path, LXML, sdist("xmlsec", "1.3.17", needs=("lxml",)), roots=("xmlsec",))
    assert found["lxml"].class_ == "sdist-native"
    assert found["lxml"].choice.artifact is not None
    assert found["lxml"].choice.artifact.kind == "sdist"
    assert "both must share the same libxml2" in found["lxml"].reasons[0]
    assert "libxml2" in found["lxml"].native.build.build_inputs


def test_lxml_stays_a_wheel_beside_a_wheel_of_xmlsec(tmp_path: Path) -> None:
    xmlsec = locked("xmlsec", "1.3.17", files=("xmlsec-1.3.17-cp313-cp313-manylinux_2_28_x86_64.whl",))
    found = run(tmp_path, LXML, xmlsec, roots=("lxml", "xmlsec"))
    assert {p.class_ for p in found.values()} == {"wheel"}


def test_lxml_that_cannot_be_compiled_beside_a_compiled_xmlsec_is_told(tmp_path: Path) -> None:
    only_wheel = locked("lxml", "6.0.2", files=("lxml-6.0.2-cp313-cp313-manylinux_2_28_x86_64.whl",))
    found = run(tmp_path, only_wheel, sdist("xmlsec", "1.3.17"), roots=("lxml", "xmlsec"))
    assert found["lxml"].class_ == "wheel"
    assert "library version mismatch" in found["lxml"].reasons[-1]


def test_xmlsec_is_compiled_when_lxml_comes_from_nixpkgs(tmp_path: Path) -> None:
    xmlsec = locked(
        "xmlsec",
        "1.3.17",
        files=("xmlsec-1.3.17-cp313-cp313-manylinux_2_28_x86_64.whl", "xmlsec-1.3.17.tar.gz"),
    )
    found = run(
        tmp_path, LXML, xmlsec, roots=("lxml", "xmlsec"),
        knowledge=Knowledge(own_index=index(lxml="6.0.2", xmlsec="1.3.16")),
        policy=ClassifyPolicy(from_nixpkgs="same"),
    )  # fmt: skip
    assert found["lxml"].class_ == "nixpkgs"
    assert found["xmlsec"].class_ == "sdist-native"


def test_nothing_fits(tmp_path: Path) -> None:
    windows = locked("w", "1", files=("w-1-cp313-cp313-win_amd64.whl",))
    with pytest.raises(NoArtifactError, match="nothing in the lock fits"):
        run(tmp_path, windows, roots=("w",))
    found = run(tmp_path, windows, roots=("w",), policy=ClassifyPolicy(strict=False))
    assert found["w"].choice.artifact is None
    assert "for Windows" in found["w"].reasons[0]
    assert found["w"].choice.rejected


def test_nixpkgs_may_provide_what_the_lock_cannot(tmp_path: Path) -> None:
    windows = locked("w", "1", files=("w-1-cp313-cp313-win_amd64.whl",))
    knowledge = Knowledge(own_index=index(w="1"))
    found = run(
        tmp_path, windows, roots=("w",), knowledge=knowledge, policy=ClassifyPolicy(from_nixpkgs="same")
    )
    assert found["w"].from_nixpkgs


def test_libraries_for_wheels(tmp_path: Path) -> None:
    knowledge = Knowledge(wheel_needs={"a": ("libGL",)}, own_index=index())
    found = run(
        tmp_path, wheel("a", "1"), wheel("soundfile", "0.13"), roots=("a", "soundfile"), knowledge=knowledge
    )
    assert found["a"].native.run.wheel_runtime_libs == ("libGL",)
    assert found["soundfile"].native.run.dlopen == ("libsndfile",)
    assert found["soundfile"].class_ == "wheel"


MAC = Target.parse(system="aarch64-darwin", python="3.13")


def test_what_there_is_on_linux_only_is_left_out_on_macos_and_said(tmp_path: Path) -> None:
    packages = (sdist("systemd-python", "235"), sdist("pyalsaaudio", "0.11"), sdist("cryptography", "46.0.0"))
    roots = ("systemd-python", "pyalsaaudio", "cryptography")
    linux = run(tmp_path, *packages, roots=roots)
    assert linux["systemd-python"].native.build.build_inputs == ("systemdLibs",)
    assert "libiconv" not in linux["cryptography"].native.build.build_inputs
    mac = run(tmp_path, *packages, roots=roots, target=MAC)
    assert mac["systemd-python"].native.build.build_inputs == ()
    assert "left out, Linux only: systemdLibs" in mac["systemd-python"].reasons
    assert "left out, Linux only: alsa-lib" in mac["pyalsaaudio"].reasons
    assert "libiconv" in mac["cryptography"].native.build.build_inputs
    assert not any("left out" in reason for reason in mac["cryptography"].reasons)


def test_what_the_user_says_is_taken_on_macos_too(tmp_path: Path) -> None:
    mine = NativeInputs(
        build=BuildInputs(build_inputs=("systemdLibs",)),
        origin=Origin(provenance="user", given=frozenset({"build_inputs"})),
        kind="link",
    )
    knowledge = Knowledge(user={"systemd-python": mine}, own_index=index())
    found = run(
        tmp_path, sdist("systemd-python", "235"), roots=("systemd-python",), knowledge=knowledge, target=MAC
    )
    assert found["systemd-python"].native.build.build_inputs == ("systemdLibs",)


def test_a_wheel_for_macos_needs_no_library_of_linux(tmp_path: Path) -> None:
    tags = ("cp313-cp313-manylinux_2_28_x86_64", "cp313-none-macosx_11_0_arm64")
    torch = locked("torch", "2.7.0", files=tuple(f"torch-2.7.0-{tag}.whl" for tag in tags))
    assert run(tmp_path, torch, roots=("torch",))["torch"].native.run.wheel_runtime_libs
    assert run(tmp_path, torch, roots=("torch",), target=MAC)["torch"].native == EMPTY


def test_linux_only_names() -> None:
    assert is_linux_only("systemdLibs")
    assert is_linux_only("cudaPackages.libcublas")
    assert is_linux_only("libcap.dev")
    assert not is_linux_only("libxml2")
    table = native_table()
    for name in ("pillow", "lxml", "psycopg2", "pygobject", "h5py", "python-ldap"):
        row = table.lookup(name, None)
        assert row is not None
        assert on_darwin(name, row).left_out == ()


def test_git_and_url_keep_their_class_and_get_native_inputs(tmp_path: Path) -> None:
    git = locked("lxml", "6.0", source='{ git = "https://git.invalid/lxml#' + "a" * 40 + '" }')
    found = run(tmp_path, git, roots=("lxml",), knowledge=Knowledge(own_index=index(lxml="6.0")))
    assert found["lxml"].class_ == "vcs"
    assert found["lxml"].known == "known"
    assert "libxml2" in found["lxml"].native.build.build_inputs
    assert not found["lxml"].from_nixpkgs


def test_a_policy_of_ones_own(tmp_path: Path) -> None:
    policy = ClassifyPolicy()._replace(artifacts=BuildPolicy(no_binary="all"))
    found = run(tmp_path, LXML, roots=("lxml",), policy=policy)
    assert found["lxml"].class_ == "sdist-native"


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    git = locked("x", "1", source='{ git = "https://me:secret@git.invalid/x#' + "a" * 40 + '" }')
    found = run(tmp_path, git, roots=("x",))
    assert "secret" not in " ".join(found["x"].reasons)
    assert shown_url("ssh://git@git.invalid/x") == "ssh://git@git.invalid/x"
    assert shown_url("https://a:b@c/d:e@f") == "https://c/d:e@f"
