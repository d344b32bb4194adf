"""What is shown of a URL never holds a credential, whatever the URL looks like."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uvlock2nix.net.urls import logins_in, plain_url, realm_of, shown_text, shown_url, without_login

SECRET = "S3CRET"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://joe:S3CRET@h.example/x", "https://h.example/x"),
        ("https://S3CRET@h.example/x", "https://h.example/x"),
        ("https://h.example/x?sig=S3CRET", "https://h.example/x"),
        ("https://h.example?sig=S3CRET", "https://h.example"),
        ("https://h.example/x#S3CRET", "https://h.example/x"),
        ("https://joe:S3CRET@h.example:8443", "https://h.example:8443"),
        ("https://joe:S3/CRET@h.example/x", "https://h.example/x"),
        ("https://joe:S3#CRET@h.example/x", "https://h.example/x"),
        ("https://joe:S3?CRET@h.example/x", "https://h.example/x"),
        ("https://joe:S3CR", "https://…"),
        ("git+https://joe:S3CRET@h.example/x.git@main", "git+https://h.example/x.git@main"),
        ("ssh://git@h.example/x", "ssh://git@h.example/x"),
        ("git+ssh://git@h.example/x", "git+ssh://git@h.example/x"),
        ("ssh://git:S3CRET@h.example/x", "ssh://h.example/x"),
        ("https://git@h.example/x", "https://h.example/x"),
        ("git@h.example:x/y", "git@h.example:x/y"),
        ("joe:S3CRET@h.example/x", "h.example/x"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("https://h.example:8080/@scope/x", "https://h.example:8080/@scope/x"),
        ("wheels/x-1.0.whl", "wheels/x-1.0.whl"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_credentials(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert shown_url(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fetching https://joe:S3CRET@h/x: failed", "fetching https://h/x: failed"),
        ("`https://h/x?sig=S3CRET`, twice", "`https://h/x`, twice"),
        ("see https://h/x#anchor.", "see https://h/x#anchor."),
        ("proxy http://joe:S3CRET@127.0.0.1:9", "proxy http://127.0.0.1:9"),
        ("['https://joe:S3CRET@h/x', 'b']", "['https://h/x', 'b']"),
        ("mail a@b.example, http://h:80", "mail a@b.example, http://h:80"),
    ],
)
def test_a_text_is_shown_without_credentials(text: str, shown: str) -> None:
    assert shown_text(text) == shown


ODD = st.text(alphabet=string.ascii_letters + "@:/?#[]%.-_ ~", max_size=12)


@given(user=ODD, after=ODD, query=ODD)
def test_no_login_in_front_of_a_host_is_shown(user: str, after: str, query: str) -> None:
    """A password that is quoted as URLs want it, whatever else there is."""
    name = user.translate({ord(c): None for c in "@:/?#[] "})
    url = f"https://{name}:{SECRET}@h.example/{after}?{query}{SECRET}"
    if "://" not in after:
        assert SECRET not in shown_url(url).replace("https://h.example/" + after, "")
        assert SECRET not in shown_text(f"x {url} y") or " " in after + query


def test_without_a_login_for_comparing() -> None:
    assert without_login("https://a:b@c/d:e@f?x=1") == "https://c/d:e@f?x=1"
    assert without_login("https://c/d@e") == "https://c/d@e"


def test_what_is_kept_has_its_fragment() -> None:
    assert plain_url("https://joe:x@h/y?sig=z#sha256=0") == "https://h/y#sha256=0"
    assert plain_url("https://h/y") == "https://h/y"


def test_logins_in_a_file() -> None:
    text = 'a = "https://joe:x@h/y?z"\nb = "https://h/y"\nc = "ssh://git@h/z"\nd = "https://tok@h/y?z"'
    assert logins_in(text) == ("https://h/y",)
    assert logins_in("nothing") == ()
    signed = "https://h/a?X-Amz-Signature=1 https://h/b?sig=1 https://h/c?raw=true&access_token=1#x"
    assert logins_in(signed) == ("https://h/a", "https://h/b", "https://h/c")
    assert logins_in("https://h/a?raw=true https://h/b?signed=no https://h/c#sig=1") == ()


def test_what_a_login_is_for() -> None:
    assert realm_of("https://u:p@H.example:8443/x") == ("https", "h.example:8443")
    assert realm_of("http://[") == ("", "")
