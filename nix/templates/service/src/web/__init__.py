"""A web application: https://peps.python.org/pep-3333/."""

import os
from collections.abc import Callable, Iterable


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Greet by the setting GREETING."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{os.environ.get('GREETING', 'Hello')}!\n".encode()]
