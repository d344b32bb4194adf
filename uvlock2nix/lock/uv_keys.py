"""Every key of uv's settings and its effect here, as shown in docs/uv-settings.md.

A key is *honoured* (with its effect), *irrelevant* (with why it does not change what is installed) or
*refused* (with a message). A test compares the names with uv's own list, and this table with the page.
https://docs.astral.sh/uv/reference/settings/
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Treatment = Literal["honoured", "irrelevant", "refused"]


class Setting(NamedTuple):
    """The treatment of a key, and why."""

    treatment: Treatment
    why: str


_IN_THE_LOCK: Final = "`uv lock` has applied it: its result is in uv.lock"
_COMPARED: Final = (
    "`uv lock` has applied it; `check` reports where it differs from the value that uv.lock was made with"
)
_UV_ITSELF: Final = "how uv works on your machine; deps is built with settings of its own"
_PYTHON: Final = "the Python comes from nixpkgs"
_PUBLISH: Final = "for `uv publish`"

_HONOURED: Final = {
    "no-binary": "packages are built from source even if a wheel fits",
    "no-binary-package": "as `no-binary`, for the named packages",
    "no-build": "`generate` refuses packages without a wheel; as in uv, workspace members are still built",
    "no-build-package": "as `no-build`, for the named packages",
    "no-build-isolation": "the build gets the environment's own packages, at their locked versions",
    "no-build-isolation-package": "as `no-build-isolation`, for the named packages",
    "config-settings": "passed to the build backend",
    "config-settings-package": "passed to the build backend of the named packages",
    "extra-build-dependencies": "added to the build requirements, `match-runtime` included",
    "extra-build-variables": "set in the build's environment",
    "build-constraint-dependencies": "constrains the build requirements",
    "exclude-newer": "holds back build requirements; for the rest, uv.lock has its result",
    "exclude-newer-package": "as `exclude-newer`, for the named packages",
    "index": "where build requirements come from; its name decides which credentials are used",
    "index-url": "as the default index",
    "extra-index-url": "as further indexes",
    "find-links": "as flat indexes; folders are part of the source of deps",
    "no-index": "build requirements come from `find-links` only",
    "index-strategy": "how several indexes are searched for build requirements",
    "allow-insecure-host": "the certificates of these hosts are not checked; the hashes of uv.lock are",
    "http-proxy": "used by deps, unless the builder has a proxy of its own",
    "https-proxy": "used by deps, unless the builder has a proxy of its own",
    "no-proxy": "used by deps, unless the builder has a proxy of its own",
    "default-groups": "what `--default-groups` selects",
    "dependency-groups": "`requires-python` of a selected group must allow the Python version",
    "dev-dependencies": "part of the group `dev`",
    "package": "`false`: the project is not installed, only its dependencies are",
    "sources": _COMPARED,
    "workspace": "its members are the projects that can be selected",
    "conflicts": "a selection of both sides is refused, as in uv",
    "environments": "a system that they exclude is refused, as in uv",
    "required-environments": _COMPARED,
    "constraint-dependencies": _COMPARED,
    "override-dependencies": _COMPARED,
    "exclude-dependencies": _IN_THE_LOCK,
    "dependency-metadata": _IN_THE_LOCK,
    "resolution": _IN_THE_LOCK,
    "prerelease": _IN_THE_LOCK,
    "prerelease-package": _IN_THE_LOCK,
    "fork-strategy": _IN_THE_LOCK,
    "minimum-libc-version": _IN_THE_LOCK,
    "build-backend": "read by the build backend uv_build, from the project's own pyproject.toml",
}
_IRRELEVANT: Final = {
    "no-sources": "`uv lock` has applied it; the packages in uv.lock are installed",
    "no-sources-package": "`uv lock` has applied it; the packages in uv.lock are installed",
    "required-version": "deps is built with nixpkgs' uv; its content does not depend on uv's version",
    "keyring-provider": "builds cannot reach your keyring; see docs/private-indexes.md for credentials",
    "require-build-hashes": "the pins have the hash of each build requirement",
    "compile-bytecode": "env compiles bytecode in any case, because the store is read-only",
    "link-mode": "the store has no links into uv's cache",
    "offline": "only deps fetches files; with its output, no network is needed",
    "reinstall": "every build starts with an empty folder",
    "reinstall-package": "every build starts with an empty folder",
    "upgrade": "uv.lock is never changed",
    "upgrade-package": "uv.lock is never changed",
    "cache-keys": "Nix builds a project again when a file of its source changes",
    "torch-backend": "for `uv pip` only; projects use `index` and `sources`",
    "pip": "for `uv pip` only",
    "add-bounds": "for `uv add`",
    "audit": "for `uv audit`",
    "publish-url": _PUBLISH,
    "trusted-publishing": _PUBLISH,
    "check-url": _PUBLISH,
    "python-preference": _PYTHON,
    "python-downloads": _PYTHON,
    "python-install-mirror": _PYTHON,
    "pypy-install-mirror": _PYTHON,
    "graalpy-install-mirror": _PYTHON,
    "pyodide-install-mirror": _PYTHON,
    "python-downloads-json-url": _PYTHON,
    "system-certs": "the certificates are nixpkgs', or those configured for the builder",
    "native-tls": "the certificates are nixpkgs', or those configured for the builder",
    "no-cache": _UV_ITSELF,
    "cache-dir": _UV_ITSELF,
    "preview": _UV_ITSELF,
    "preview-features": _UV_ITSELF,
    "concurrent-downloads": _UV_ITSELF,
    "concurrent-builds": _UV_ITSELF,
    "concurrent-installs": _UV_ITSELF,
}
_REFUSED: Final = {"managed": "`false`: uv does not sync such a project, so there is nothing to build"}

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        **{key: Setting("honoured", why) for key, why in _HONOURED.items()},
        **{key: Setting("irrelevant", why) for key, why in _IRRELEVANT.items()},
        **{key: Setting("refused", why) for key, why in _REFUSED.items()},
    }
)
