"""Environment variables for connections: the proxy of a host, and trusted certificates."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def proxies(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """The proxy for a URL from the usual variables in ``env``."""
    import requests

    scheme = urlsplit(url).scheme
    proxy = env.get(f"{scheme}_proxy") or env.get(f"{scheme}_proxy".upper()) or env.get("all_proxy")
    spared = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not proxy or requests.utils.should_bypass_proxies(url, no_proxy=spared or None):
        return {}
    return {scheme: proxy}


def certificates(url: str, env: Mapping[str, str]) -> str | bool:
    """The file with trusted authorities; True: those of requests; False: the host is not checked.

    Fetched files are checked by their hash in any case. See
    https://docs.astral.sh/uv/reference/environment/#uv_insecure_host.
    """
    host = urlsplit(url).hostname or ""
    places = {host, urlsplit(url).netloc.rpartition("@")[2]}
    if any(one.rpartition("://")[2] in places for one in env.get("UV_INSECURE_HOST", "").split()):
        return False
    # requests reads only its own variable; most programs, including uv, read SSL_CERT_FILE.
    return env.get("REQUESTS_CA_BUNDLE") or env.get("SSL_CERT_FILE") or True
