"""``fetch_with_netrc.py NETRC OUT URL…``: as `curl --location --netrc-file NETRC`, which is not there.

The login that the file has for a host is sent to that host, and not along with a redirection to a different
one.
"""

import base64
import netrc
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit


class Redirects(urllib.request.HTTPRedirectHandler):
    """A redirection is asked with the login of its own host."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        """The request for where the answer leads."""
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new is not None:
            new.headers.pop("Authorization", None)
            log_in(new)
        return new


def log_in(request: urllib.request.Request) -> None:
    """Add the header for the host of a request, where the file has its login."""
    found = logins.hosts.get(urlsplit(request.full_url).hostname or "")
    if found:
        user, _, password = found
        text = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {text}")


logins = netrc.netrc(sys.argv[1])
opener = urllib.request.build_opener(Redirects)
for url in sys.argv[3:]:
    request = urllib.request.Request(url)
    log_in(request)
    try:
        with opener.open(request) as answer, open(sys.argv[2], "wb") as out:  # noqa: PTH123
            out.write(answer.read())
            sys.exit(0)
    except urllib.error.HTTPError as error:
        print(f"{url}: HTTP error {error.code}", file=sys.stderr)
    except OSError as error:
        print(f"{url}: {error}", file=sys.stderr)
sys.exit(1)
