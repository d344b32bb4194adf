"""The gallery: services that people run, what their owner writes, and what each is asked on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# How a service is asked, on the machine itself.
CURL = "curl -fsS --max-time 20"


@dataclass(frozen=True, slots=True)
class Member:
    """A service of the gallery.

    ``page`` is the address that must answer with ``shows`` in it. ``write`` changes the state by the commands
    of a user, ``read`` prints it, and ``state`` is what it must print from then on. ``{manage}`` in both is
    the management command.
    """

    fixture: str
    name: str
    page: str
    shows: str
    write: str
    read: str
    state: str
    settings: Mapping[str, object] = field(default_factory=dict)
    # From the name of a secret to the secret; the files are made on the machine.
    secrets: Mapping[str, str] = field(default_factory=dict)
    # Its units; the test kills the first.
    units: tuple[str, ...] = ()
    # Options of `generate`, in addition to --module.
    options: tuple[str, ...] = ()
    # The environment of [tool.uvlock2nix.environments], where there are several.
    environment: str | None = None
    # More commands, whose output must be as given.
    asked: Mapping[str, str] = field(default_factory=dict)
    # The name under which the units are installed, if a service is run twice.
    installed: str | None = None

    @property
    def key(self) -> str:
        """Its name in tests and on the machine."""
        return self.installed or self.name


BLOG = Member(
    fixture="blog",
    name="blog",
    page="http://127.0.0.1:8000/",
    shows='"title":"100 % \\"true\\" $HOME \\\\"',
    write="{manage} post 'a first post'",
    read="{manage} count",
    state="1",
    settings={"settings": {"BLOG_TITLE": '100 % "true" $HOME \\'}},
    secrets={"SECRET_KEY": "correct-horse-battery-staple"},
    units=("blog", "blog-worker"),
    asked={
        # The worker beats, and what the secret is came through.
        f"sleep 1.5; {CURL} http://127.0.0.1:8000/ | tr , '\\n' | grep -E 'secret|worker'": (
            '"secret":28\n"worker":true}'
        ),
        # The same application, in Debian's uWSGI by pythonPath, behind nginx over a socket.
        f"{CURL} http://127.0.0.1:8080/ | tr '{{}},' '\\n' | grep -E 'posts|title'": (
            '"posts":0\n"title":"uwsgi"'
        ),
    },
)

LNBITS = Member(
    fixture="lnbits",
    name="lnbits-like",
    page="http://127.0.0.1:8232/",
    shows="<title>Sats",
    write=f"{CURL} -X POST -H 'content-type: application/json' -d '{{\"name\": \"a\"}}' "
    "http://127.0.0.1:8232/api/v1/wallets >/dev/null; {manage} add b >/dev/null",
    read=f"{CURL} http://127.0.0.1:8232/api/v1/wallets",
    state='{"wallets":2}',
    settings={"port": 8232, "stateDir": "lnbits", "settings": {"LNBITS_SITE_TITLE": "Sats"}},
    secrets={"AUTH_SECRET_KEY": "hodl-the-lightning-wallet"},
    units=("lnbits-like",),
    asked={
        f"{CURL} http://127.0.0.1:8232/api/v1/invoice/21 | tr , '\\n' | grep -E 'amount|description'": (
            '"amount":21\n"description":"a coffee"'
        ),
        f"{CURL} http://127.0.0.1:8232/qr/lightning | grep -c '<svg'": "1",
        "{manage} check-native | tr , '\\n' | grep -E 'embit|secp256k1|tlv8|grpc'": (
            '{"embit": "xprv"\n "grpc": "1.76.0"\n "secp256k1": true\n "tlv8": "010117"}'
        ),
    },
)

SSO = Member(
    fixture="sso",
    name="sso",
    page="http://127.0.0.1:9000/",
    shows='"brand": "Sign in: \\"here\\""',
    write=f"{CURL} -X POST http://127.0.0.1:9000/tasks/mail >/dev/null; sleep 2",
    read=f"{CURL} http://127.0.0.1:9000/ | tr , '\\n' | tail -n 2",
    state=' "tasks": 1\n "done": 1}',
    settings={"settings": {"brand": {"title": 'Sign in: "here"'}, "hosts": ["127.0.0.1"]}},
    secrets={"SECRET_KEY": "a-secret-of-the-sign-in-page"},
    units=("sso", "sso-worker"),
    asked={
        # A fault in a migration is seen at once: none is left to do.
        "{manage} migrate --check && echo migrated": "migrated",
        "systemctl is-active sso-clean.timer": "active",
    },
)

_POLLS = {
    f"{CURL} http://127.0.0.1:PORT/polls.ics | grep -c DTSTART:": "2",
    f"{CURL} http://127.0.0.1:PORT/native | tr , '\\n' | grep -c -E 'libldap|libsasl2|libpq'": "3",
}


def _polls(port: int, asked: Mapping[str, str]) -> dict[str, str]:
    return {command.replace("PORT", str(port)): output for command, output in {**_POLLS, **asked}.items()}


# A user of its own, whom PostgreSQL knows by its name over the socket; nginx has the static files.
BITPOLL = Member(
    fixture="bitpoll",
    name="bitpoll-like",
    page="http://127.0.0.1:8081/",
    shows="When do we meet? (2026-11-20)",
    write="{manage} add-poll 'And then?'",
    read=f"{CURL} http://127.0.0.1:8081/ | grep -o '<li>' | wc -l",
    state="2",
    settings={
        "port": 8001,
        "user": "bitpoll-like",
        "settings": {"BITPOLL_LIKE_DATABASE": "postgresql:///bitpoll-like?host=/run/postgresql"},
    },
    secrets={"BITPOLL_LIKE_SECRET_KEY": "polls-are-secret-until-they-close"},
    units=("bitpoll-like",),
    options=("--from-nixpkgs=none",),
    asked=_polls(
        8001,
        {
            f"{CURL} http://127.0.0.1:8081/static/bitpoll_like/style.css": "li { color: teal }",
            "runuser -u postgres -- psql -At bitpoll-like -c 'select count(*) from bitpoll_like_poll'": "2",
        },
    ),
)
BITPOLL_SQLITE = Member(
    fixture="bitpoll",
    name="bitpoll-like",
    installed="bitpoll-sqlite",
    page="http://127.0.0.1:8002/",
    shows="When do we meet? (2026-11-20)",
    write="{manage} add-poll 'And then?'",
    read=f"{CURL} http://127.0.0.1:8002/ | grep -o '<li>' | wc -l",
    state="2",
    settings={"port": 8002, "stateDir": "bitpoll-sqlite"},
    secrets={"BITPOLL_LIKE_SECRET_KEY": "other-polls-are-secret-too"},
    units=("bitpoll-sqlite",),
    options=("--from-nixpkgs=none",),
    asked=_polls(8002, {}),
)


def _shop(environment: str, port: int) -> Member:
    """One of the three services of a workspace; each has what it needs, and the library that they share."""
    token, page = f"token-of-the-{environment}-service", f"http://127.0.0.1:{port}/"
    return Member(
        fixture="shop",
        name=f"shop-{environment}",
        environment=environment,
        page=page,
        shows=f'"{environment}"',
        write=f"{CURL} -X POST -H 'token: {token}' {page}name >/dev/null",
        read=f"{CURL} {page} | tr -d ' ' | tr ,{{}} '\\n' | grep '^.count'",
        state='"count":1',
        secrets={"SHOP_TOKEN": token},
        units=(f"shop-{environment}",),
        asked={
            f"curl -s -o /dev/null -w '%{{http_code}}' -X POST {page}name": "403",
        },
    )


SHOP = (_shop("catalogue", 8011), _shop("orders", 8012), _shop("accounts", 8013))

MEMBERS = {member.key: member for member in (BLOG, LNBITS, SSO, BITPOLL, BITPOLL_SQLITE, *SHOP)}
