"""A server with TLS on 127.0.0.1, whose certificate is made for the test and trusted by nobody else."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.http_server import serving


@dataclass(frozen=True, slots=True)
class Certificate:
    """The ``authority`` to trust, and what a server on 127.0.0.1 shows of itself."""

    authority: Path
    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """An authority and a server's certificate, in ``folder``."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl (the Debian package, which tests/run installs)")
    authority, certificate = folder / "authority.pem", folder / "certificate.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    keys = {one: one.with_suffix(".key") for one in (authority, certificate)}
    signed = ["-CA", str(authority), "-CAkey", str(keys[authority])]
    server = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    for name, made, more in (
        ("Authority", authority, ["-addext", "keyUsage=keyCertSign"]),
        ("Server", certificate, [*server, *signed]),
    ):
        words = [*new, "-subj", f"/CN={name}", *more, "-keyout", str(keys[made]), "-out", str(made)]
        subprocess.run(words, check=True, capture_output=True)
    return Certificate(authority, certificate, keys[certificate])


@contextmanager
def serving_tls(
    handler: type[BaseHTTPRequestHandler], certificate: Certificate
) -> Iterator[ThreadingHTTPServer]:
    """As ``serving``, with https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    with serving(handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server
