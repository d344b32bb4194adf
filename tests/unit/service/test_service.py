"""[tool.uvlock2nix.service]: what is read, and what is refused."""

from __future__ import annotations

import pytest

from uvlock2nix.errors import UsageError
from uvlock2nix.service import Service, SettingsFile, Timer, parse_service


def test_nothing_is_needed() -> None:
    assert parse_service({}) == Service()


def test_everything_is_read() -> None:
    table: dict[str, object] = {
        "description": "polls",
        "processes": {"web": ["gunicorn", "--bind", "{host}:{port}"], "beat": ["celery", "beat"]},
        "pre-start": [["polls", "migrate"], ["polls", "collect"]],
        "manage": ["polls"],
        "static": ["polls", "collectstatic"],
        "timers": {"clean": {"command": ["polls", "clean"], "calendar": "daily"}},
        "host": "::1",
        "port": 8000,
        "environment": {"A": "b"},
        "settings-file": {"format": "json", "variable": "POLLS_SETTINGS"},
        "secrets": ["SECRET_KEY"],
        "secrets-as": "variable",
        "writable-memory": True,
        "network": False,
    }
    assert parse_service(table) == Service(
        processes={"web": ("gunicorn", "--bind", "{host}:{port}"), "beat": ("celery", "beat")},
        pre_start=(("polls", "migrate"), ("polls", "collect")),
        manage=("polls",),
        static=("polls", "collectstatic"),
        timers={"clean": Timer(("polls", "clean"), "daily")},
        host="::1",
        port=8000,
        description="polls",
        environment={"A": "b"},
        settings_file=SettingsFile("json", "POLLS_SETTINGS"),
        secrets=("SECRET_KEY",),
        secrets_as="variable",
        writable_memory=True,
        network=False,
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"prot": 1}, "unknown key `prot`; did you mean `port`"),
        ({"port": 70000}, "`port` must be a port number"),
        ({"port": True}, "`port` must be a port number"),
        ({"processes": ["a"]}, "`processes` must be a table of commands"),
        ({"processes": {"web": "gunicorn"}}, "`processes.web` must be a command"),
        ({"processes": {"we b": ["a"]}}, "letters, digits"),
        ({"processes": {"web": ["a", "{port}"]}}, "`port` is not set"),
        ({"pre-start": ["polls", "migrate"]}, "`pre-start` must be a list of commands"),
        ({"manage": []}, "`manage` must be a command"),
        ({"processes": {"web": ["a", "{static}"]}}, "`static` is not set"),
        ({"environment": {"A": "{port}"}}, "a variable has {port}"),
        ({"environment": {"A;B": "b"}}, "'A;B' is not the name of a variable"),
        ({"timers": {"a": {"command": ["b"]}}}, "`timers.a` must be { command"),
        ({"timers": {"a": {"command": ["b"], "calendar": ""}}}, "`timers.a` must be { command"),
        ({"timers": {"a/b": {"command": ["b"], "calendar": "daily"}}}, "letters, digits"),
        (
            {"processes": {"a": ["b"]}, "timers": {"a": {"command": ["b"], "calendar": "daily"}}},
            "a process already has this name",
        ),
        ({"environment": {"A": 1}}, "`environment` must be a table of strings"),
        ({"settings-file": {"format": "xml", "variable": "A"}}, "`settings-file` must be"),
        ({"secrets": "SECRET_KEY"}, "`secrets` must be a list of names"),
        ({"secrets": ["A B"]}, "`secrets` must be a list of names"),
        ({"secrets-as": "env"}, '`secrets-as` must be "file" or "variable"'),
        ({"network": 1}, "`network` must be true or false"),
        ({"description": ""}, "`description` must be a string"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=r"tool\.uvlock2nix\.service") as caught:
        parse_service(table)
    assert message in caught.value.message


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(UsageError) as caught:
        parse_service({"port": 0, "manage": "polls"})
    assert "`port`" in caught.value.message
    assert "`manage`" in caught.value.message
