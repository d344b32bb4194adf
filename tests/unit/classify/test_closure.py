from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.classify.closure import FromNixpkgs, Node, decide
from uvlock2nix.nixpkgs_index.model import ABSENT, Match, NixpkgsMatch


def node(
    name: str,
    match: Match = "same",
    needs: tuple[str, ...] = (),
    *,
    version: str = "1.0",
    there: str = "1.0",
    usable: bool = True,
    barred: str = "",
    compiled: bool = False,
    needed_by: dict[str, str | None] | None = None,
) -> Node:
    found = ABSENT if match == "absent" else NixpkgsMatch(name, there, match, usable)
    return Node(name, version, found, needs, needed_by, barred, compiled)


def graph(*nodes: Node) -> dict[str, Node]:
    return {n.name: n for n in nodes}


def test_none_takes_nothing() -> None:
    assert decide(graph(node("a", compiled=True)), "none").taken == {}


def test_native_takes_only_what_would_be_compiled() -> None:
    decision = decide(graph(node("lxml", compiled=True), node("django")), "native")
    assert set(decision.taken) == {"lxml"}
    assert "compiled" in decision.taken["lxml"]


def test_a_package_brings_its_closure() -> None:
    nodes = graph(
        node("ldap", needs=("pyasn1",), compiled=True), node("pyasn1", needs=("x",)), node("x"), node("y")
    )
    decision = decide(nodes, "native")
    assert set(decision.taken) == {"ldap", "pyasn1", "x"}
    assert decision.taken["x"] == "nixpkgs' pyasn1 depends on it"


def test_a_dependency_that_differs_stands_in_the_way_and_is_named() -> None:
    nodes = graph(
        node("ldap", needs=("pyasn1",), compiled=True),
        node("pyasn1", needs=("deep",)),
        node("deep", "differs", there="2.0"),
    )
    decision = decide(nodes, "native")
    assert decision.taken == {}
    assert decision.refused["ldap"] == (
        "it needs pyasn1, which is taken from the lock: nixpkgs has deep 2.0, the lock 1.0"
    )


def test_reasons_for_a_refusal() -> None:
    def why(blocker: Node, deny: tuple[str, ...] = ()) -> str:
        nodes = graph(node("a", needs=("b",), compiled=True), blocker)
        return decide(nodes, "native", deny=deny).refused["a"]

    assert why(node("b", "absent")).endswith("nixpkgs has no b")
    assert why(node("b", usable=False)).endswith("nixpkgs marks b as broken or unavailable")
    assert why(node("b", barred="b is from git")).endswith("b is from git")
    assert why(node("b"), ("b",)).endswith("b is denied by [tool.uvlock2nix.nixpkgs]")


def test_compatible_takes_a_newer_version_when_all_who_need_it_come_too() -> None:
    nodes = graph(
        node("a", needs=("b",)), node("b", "differs", there="1.3", needed_by={"a": None}),
    )  # fmt: skip
    assert set(decide(nodes, "compatible").taken) == {"a", "b"}
    assert decide(nodes, "same").taken == {}


def test_compatible_refuses_a_version_that_a_package_of_the_lock_may_not_accept() -> None:
    b = node("b", "differs", there="1.3", needed_by={"a": None})
    nodes = graph(node("a", "absent", needs=("b",)), b)
    decision = decide(nodes, "compatible")
    assert decision.taken == {}
    assert decision.refused["b"] == "nixpkgs has b 1.3, and a from the lock may need 1.0"


def test_compatible_believes_a_known_requirement() -> None:
    for specifier, expected in ((">=1.0", {"b"}), ("==1.0", set())):
        b = node("b", "differs", there="1.3", needed_by={"app": specifier})
        app = node("app", "absent", needs=("b",), barred="app is a project")
        assert set(decide(graph(app, b), "compatible").taken) == expected


def test_an_older_version_is_never_compatible() -> None:
    decision = decide(graph(node("a", "differs", version="2.0", there="1.9")), "compatible")
    assert decision.taken == {}


def test_allow_is_wanted_under_any_policy_and_deny_never() -> None:
    nodes = graph(node("a", "differs", there="1.4"), node("b"))
    assert set(decide(nodes, "none", allow=("a",)).taken) == {"a"}
    assert set(decide(nodes, "same", deny=("b",)).taken) == set()


def test_an_allowed_newer_version_is_refused_where_the_lock_keeps_a_dependent() -> None:
    a = node("a", "differs", there="1.4", needed_by={"b": None})
    decision = decide(graph(a, node("b", needs=("a",))), "native", allow=("a",))
    assert decision.taken == {}
    assert "b from the lock may need 1.0" in decision.refused["a"]


def test_cycles_end() -> None:
    nodes = graph(node("a", needs=("b",), compiled=True), node("b", needs=("a",)))
    assert set(decide(nodes, "native").taken) == {"a", "b"}


def test_a_variant_is_not_taken_beside_packages_that_bring_the_other_one() -> None:
    """nixpkgs' djangorestframework propagates its django, not the variant django_5_2."""
    variant = NixpkgsMatch("django_5_2", "5.2", "same", beside="django_4 4.2")
    nodes = graph(node("rest", needs=("django",)), Node("django", "5.2", variant))
    decision = decide(nodes, "same")
    assert set(decision.taken) == {"django"}
    assert decision.refused["rest"] == (
        "it needs django, and nixpkgs' packages include django_4 4.2, not django_5_2"
    )


NAMES = "abcdefgh"


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Node]:
    matches: st.SearchStrategy[Match] = st.sampled_from(("same", "differs", "absent"))
    needs = {n: draw(st.sets(st.sampled_from(NAMES), max_size=3)) for n in NAMES}
    return {
        n: node(
            n,
            draw(matches),
            tuple(sorted(needs[n])),
            there="1.2",
            compiled=draw(st.booleans()),
            barred=draw(st.sampled_from(("", "", "own"))),
            needed_by={m: draw(st.sampled_from((None, ">=1", "==1.0"))) for m in NAMES if n in needs[m]},
        )
        for n in NAMES
    }


@given(graphs(), st.sampled_from(("native", "same", "compatible")))
def test_what_is_taken_is_closed_and_never_barred(nodes: dict[str, Node], policy: FromNixpkgs) -> None:
    taken = decide(nodes, policy).taken
    for name in taken:
        assert set(nodes[name].needs) <= set(taken)
        assert not nodes[name].barred
        assert nodes[name].match.match != "absent"
        if policy != "compatible":
            assert nodes[name].match.match == "same"
        for dependent, specifier in (nodes[name].needed_by or {}).items():
            if nodes[name].match.match == "differs" and dependent not in taken:
                assert specifier == ">=1"


@given(graphs())
def test_what_is_wanted_is_taken_or_refused_with_a_reason(nodes: dict[str, Node]) -> None:
    decision = decide(nodes, "same")
    wanted = {n for n, x in nodes.items() if x.match.match == "same"}
    assert wanted <= set(decision.taken) | set(decision.refused)
    places = (decision.taken, decision.refused, decision.passed)
    assert sorted(name for place in places for name in place) == sorted(nodes)
    assert all(decision.passed.values())
    assert all(decision.refused.values())


def test_a_version_that_is_insisted_on() -> None:
    """What it needs is nixpkgs' too; what nixpkgs lacks is left out, unless others need it."""
    nodes = graph(
        node("app", "absent", needs=("pyqt6", "typing", "bundle", "pyqt6-qt6")),
        node("pyqt6", "differs", needs=("sip", "pyqt6-qt6", "typing", "bundle"), there="9.0"),
        node("sip", "differs", there="2.0"),
        node("pyqt6-qt6", "absent", needs=("only-qt6",)),
        node("only-qt6", "absent"),
        node("bundle", "absent"),
        node("typing", needed_by={"app": None}),
    )
    decision = decide(nodes, "none", any_version={"pyqt6", "pyqt6-qt6"})
    assert decision.insisted == {"pyqt6", "sip", "typing", "pyqt6-qt6", "only-qt6"}
    assert decision.taken == {
        "pyqt6": "[tool.uvlock2nix.nixpkgs] any-version takes it",
        "sip": "nixpkgs' package of pyqt6 includes its own",
        "typing": "nixpkgs' package of pyqt6 includes its own",
        "pyqt6-qt6": "left out: nixpkgs' package of pyqt6 does not need it",
        "only-qt6": "left out: nixpkgs' package of pyqt6-qt6 does not need it",
    }
    assert "bundle" in decision.passed


def test_what_nixpkgs_lacks_cannot_be_insisted_on() -> None:
    for lacking in (node("a", "absent"), node("a", "differs", usable=False), node("a", barred="from git")):
        decision = decide(graph(lacking), "none", any_version={"a"})
        assert decision.taken == {}
        assert set(decision.refused) == {"a"}
