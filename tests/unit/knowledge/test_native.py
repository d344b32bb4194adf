import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.classify.knowledge import Knowledge
from uvlock2nix.errors import InputError
from uvlock2nix.knowledge.build_requires import build_requirements
from uvlock2nix.knowledge.names import soname_attribute
from uvlock2nix.knowledge.native import STRENGTH, BuildInputs, NativeInputs, Origin, Provenance, merge
from uvlock2nix.knowledge.native_table import fits, lookup, native_table, read_rows
from uvlock2nix.knowledge.platforms import on_darwin
from uvlock2nix.knowledge.tables import load_table
from uvlock2nix.knowledge.templates import (
    Literal,
    Output,
    is_attribute,
    is_variable,
    parse_template,
    template_text,
)

ATTRS = st.from_regex(r"\A[a-z][a-zA-Z0-9_-]{0,8}(\.[a-z][a-z0-9_]{0,5})?\Z").filter(
    lambda a: a.rpartition(".")[2] not in ("out", "dev", "lib", "bin")
)


def test_lookup_gives_what_the_authentik_derivation_lists_by_hand() -> None:
    found = {name: lookup(name, "9.9") for name in ("lxml", "xmlsec", "psycopg-c", "gssapi")}
    assert all(found.values())
    inputs = {
        n: (e.build.build_inputs, e.build.native_build_inputs, e.build.cflags)
        for n, e in found.items()
        if e is not None
    }
    assert inputs["lxml"] == (("libxml2", "libxslt", "zlib"), ("pkg-config",), ())
    assert inputs["xmlsec"] == (("xmlsec", "libxml2", "libxslt", "libtool", "openssl"), ("pkg-config",), ())
    assert inputs["psycopg-c"] == (("libpq",), ("libpq.pg_config",), ())
    assert inputs["gssapi"][0] == ("krb5",)
    assert inputs["gssapi"][2] == ("-include gssapi/gssapi_ext.h",)


def test_lookup_knows_nothing_about_strangers_and_normalises_names() -> None:
    assert lookup("no-such-package", "1") is None
    assert lookup("Psycopg_C", "3.3") == lookup("psycopg-c", "3.3")


@pytest.mark.parametrize(
    ("name", "version", "kind"),
    [
        ("reportlab", "3.6", "link"),
        ("reportlab", "4.2", "pure"),
        ("bcrypt", "3.2", "bundled"),
        ("bcrypt", "4.0", "rust"),
    ],
)
def test_rows_are_chosen_by_version(name: str, version: str, kind: str) -> None:
    found = lookup(name, version)
    assert found is not None
    assert found.kind == kind


def test_a_version_outside_of_every_range_is_unknown() -> None:
    assert lookup("llvmlite", "0.44") is None


def test_every_entry_of_the_table_is_well_formed() -> None:
    kinds = {"link", "rust", "bundled", "tool", "dlopen", "wheel-runtime", "pure", "unknown"}
    for name, rows in native_table().entries.items():
        for versions, entry in rows:
            attrs = (
                *entry.build.build_inputs,
                *entry.build.native_build_inputs,
                *entry.run.dlopen,
                *entry.run.wheel_runtime_libs,
            )
            assert all(map(is_attribute, attrs)), name
            assert all(is_variable(variable) for variable, _ in entry.build.env), name
            assert all(flag.startswith("config-setting:") for flag in entry.build.flags), name
            assert entry.kind in kinds, name
            assert entry.origin.sources, name
            assert entry.kind != "link" or entry.build.build_inputs, name
            assert entry.kind != "unknown" or entry.origin.doubtful, name
            assert not set(entry.origin.doubtful) & {
                *entry.build.build_inputs,
                *entry.build.native_build_inputs,
            }, name
            holes = {p.attr for _, template in entry.build.env for p in template if isinstance(p, Output)}
            # What the environment names must also be an input, or it would not be in the build at all.
            known = {*attrs, *entry.origin.doubtful}
            assert holes <= known, (name, holes - known)
            assert fits("1.0", versions) in (True, False)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"kind": "lnk"}, "`kind` is not one of link, rust"),
        ({"build_inputs": "zlib"}, "`build_inputs` is not a list of strings"),
        ({"build_inputs": ["zlib", 1]}, "`build_inputs` is not a list of strings"),
        ({"dlopen": ["a b"]}, "`dlopen` has 'a b', which is not a nixpkgs attribute"),
        ({"env": {"A B": "x"}}, "`env` has 'A B'"),
        ({"env": {"A": "${a b}"}}, "`env` A: `${a b}` does not name"),
        ({"env": ["A=b"]}, "`env` is not an object"),
        ({"flags": ["x=y"]}, "`flags` has 'x=y', which is not config-setting:KEY=VALUE"),
        ({"notes": ["x"]}, "`notes` is not a one-line string"),
        ({"built_inputs": []}, "`built_inputs` is not a known key"),
        ("zlib", "is 'zlib', not an object"),
    ],
)
def test_a_row_of_the_wrong_shape_is_refused_with_package_and_key(row: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rows("knowledge/data/native.json: foo", [row])
    assert caught.value.message.startswith("knowledge/data/native.json: foo: ")
    assert said in caught.value.message


def test_all_problems_of_a_row_are_reported_together() -> None:
    with pytest.raises(InputError, match=r"foo\[1\]: .*`cflags`.*`kind`.*`nonsense`"):
        read_rows("foo", [{}, {"nonsense": 1, "kind": 7, "cflags": "-O2"}])


def test_a_missing_version_takes_the_first_row_and_a_broken_one_none() -> None:
    assert fits(None, ">=2")
    assert not fits("not a version", ">=2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", (Literal("plain"),)),
        ("", ()),
        ("${hdf5.dev}/include", (Output("hdf5", "dev"), Literal("/include"))),
        ("${postgresql.pg_config}", (Output("postgresql.pg_config"),)),
        ("-L${a.lib}/lib:${b}", (Literal("-L"), Output("a", "lib"), Literal("/lib:"), Output("b"))),
        ("$${HOME}", (Literal("${HOME}"),)),
        ("$HOME", (Literal("$HOME"),)),
    ],
)
def test_parse_template(text: str, expected: tuple[Literal | Output, ...]) -> None:
    assert parse_template(text) == expected
    assert parse_template(template_text(expected)) == expected


@pytest.mark.parametrize(
    "text", ["${a b}", "${}", "${builtins.readFile /etc/passwd}", '${a"b}', "a\nb", "a\0b"]
)
def test_parse_template_refuses_what_could_be_code(text: str) -> None:
    with pytest.raises(ValueError, match=r"attribute|one line"):
        parse_template(text)


@given(
    st.lists(
        st.one_of(st.text(alphabet="abc/-$ {}", max_size=6), ATTRS.map(lambda a: ("attr", a))), max_size=5
    )
)
def test_templates_survive_being_written(parts: list[str | tuple[str, str]]) -> None:
    template: list[Literal | Output] = []
    for part in parts:
        if isinstance(part, tuple):
            template.append(Output(part[1], "dev"))
        elif "${" not in part and "$" not in part and part:
            if template and isinstance(template[-1], Literal):
                template[-1] = Literal(template[-1].text + part)
            else:
                template.append(Literal(part))
    assert parse_template(template_text(tuple(template))) == tuple(template)


def test_merge_prefers_the_stronger_source_field_by_field() -> None:
    user = NativeInputs(
        build=BuildInputs(build_inputs=("mine",)),
        origin=Origin(provenance="user", sources=("u",), given=frozenset({"build_inputs"})),
        kind="unknown",
    )
    table = NativeInputs(
        build=BuildInputs(build_inputs=("theirs",), native_build_inputs=("pkg-config",)),
        origin=Origin(sources=("t",)),
    )
    merged = merge([table, user])
    assert merged is not None
    assert merged.build.build_inputs == ("mine",)
    assert merged.build.native_build_inputs == ("pkg-config",)
    assert (merged.origin.provenance, merged.kind, merged.origin.sources) == ("user", "link", ("u", "t"))


def test_merge_lets_a_stronger_source_say_none() -> None:
    user = NativeInputs(origin=Origin(provenance="user", given=frozenset({"build_inputs"})), kind="unknown")
    merged = merge([user, NativeInputs(build=BuildInputs(build_inputs=("libfoo",)))])
    assert merged is not None
    assert merged.build.build_inputs == ()
    assert merge([]) is None


@given(st.permutations(STRENGTH))
def test_merge_does_not_depend_on_the_order_given(order: list[Provenance]) -> None:
    entries = [
        NativeInputs(build=BuildInputs(build_inputs=(f"from-{p}",)), origin=Origin(provenance=p))
        for p in order
    ]
    merged = merge(entries)
    assert merged is not None
    assert merged.build.build_inputs == ("from-user",)


def test_darwin_has_no_linux_libraries() -> None:
    row = native_table().lookup("borgbackup", "1.4")
    assert row is not None
    entry = on_darwin("borgbackup", row).inputs
    assert "acl" not in entry.build.build_inputs
    assert "openssl" in entry.build.build_inputs


def test_knowledge_merges_in_order_of_strength() -> None:
    external = NativeInputs(build=BuildInputs(build_inputs=("declared",)), origin=Origin(provenance="pep725"))
    inspected = NativeInputs(
        build=BuildInputs(build_inputs=("found",), native_build_inputs=("swig",)),
        origin=Origin(provenance="inspected"),
    )
    knowledge = Knowledge(external={"lxml": external}, inspected={"lxml": inspected, "stranger": inspected})
    lxml, stranger = knowledge.native("LXML", "6.0"), knowledge.native("stranger", "1")
    assert lxml is not None
    assert stranger is not None
    assert lxml.build.build_inputs == ("declared",)
    assert lxml.build.native_build_inputs == ("pkg-config",)
    assert stranger.origin.provenance == "inspected"
    assert knowledge.native("nobody", "1") is None


def test_build_requirements_and_pins_to_relax() -> None:
    assert "lxml" in build_requirements("xmlsec")[0]
    assert build_requirements("xmlsec")[1] == ("lxml", "setuptools")
    assert build_requirements("nobody") == ((), ())
    missing = load_table("build-requires.json")["missing"]
    assert isinstance(missing, dict)
    assert not any("pytest-runner" in requires for requires in missing.values())


def test_sonames() -> None:
    assert soname_attribute("libGL.so.1") == "libGL"
    assert soname_attribute("libnothing.so.9") is None


def test_an_entry_about_wheels_leaves_the_build_to_inspection() -> None:
    knowledge = Knowledge(
        inspected={"numba": NativeInputs(origin=Origin(provenance="inspected"), kind="bundled")}
    )
    found = knowledge.native("numba", "0.62")
    assert found is not None
    assert found.kind == "bundled"
    assert found.run.wheel_runtime_libs == ("onetbb",)
