"""What variables say about the way to a host: its proxy, and whose certificates are trusted."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit


def proxies(url: str, env: Mapping[str, str]) -> dict[str, str]:
    """The proxy for a URL by the variables of ``env``, as everybody reads them."""
    import requests

    scheme = urlsplit(url).scheme
    proxy = env.get(f"{scheme}_proxy") or env.get(f"{scheme}_proxy".upper()) or env.get("all_proxy")
    spared = env.get("no_proxy") or env.get("NO_PROXY") or ""
    if not proxy or requests.utils.should_bypass_proxies(url, no_proxy=spared or None):
        return {}
    return {scheme: proxy}


def certificates(url: str, env: Mapping[str, str]) -> str | bool:
    """The file with the authorities to trust; True: requests' own; False: the host is not checked.

    What is fetched is checked by its hash in any case. See
    https://docs.astral.sh/uv/reference/environment/#uv_insecure_host.
    """
    host = urlsplit(url).hostname or ""
    places = {host, urlsplit(url).netloc.rpartition("@")[2]}
    if any(one.rpartition("://")[2] in places for one in env.get("UV_INSECURE_HOST", "").split()):
        return False
    # requests knows its own variable only; the rest of the world, uv too, means SSL_CERT_FILE.
    return env.get("REQUESTS_CA_BUNDLE") or env.get("SSL_CERT_FILE") or True
