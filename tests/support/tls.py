"""A server with TLS on 127.0.0.1, whose certificate is made for the test and trusted by nobody else."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.http_server import serving


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1; it signs itself, so that it is also the authority to trust."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl (the Debian package, which tests/run installs)")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*made, *names, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    return certificate, key


@contextmanager
def serving_tls(
    handler: type[BaseHTTPRequestHandler], certificate: Path, key: Path
) -> Iterator[ThreadingHTTPServer]:
    """As ``serving``, with https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    with serving(handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        yield server
