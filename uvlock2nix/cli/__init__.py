"""The command line: options, output, progress, and the only error boundary. What commands do is in ``app``.

``app`` (the group and the boundary) imports a command's module when it is called: ``generate``,
``update_hash``, ``classify`` (with ``classify_text``, ``classify_html`` and ``classify_json``), ``check``,
``verify``, ``index``, ``refs``, and ``sync`` and ``venv``, which hooks call inside builds. ``options`` has
the options that several commands share, ``inputs`` the names of store paths, ``reporter`` and ``progress``
what is shown while work goes on, ``interrupt`` the signals, ``terminal`` what is safe to print.
"""

from __future__ import annotations

# What `signal` is made of, and loaded already: to load that takes long enough for a Ctrl-C.
import _signal  # type: ignore[import-not-found]
import sys

_USUAL = _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
if _USUAL:
    # As long as modules load nobody could catch a KeyboardInterrupt: the program just ends.
    try:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    except ValueError:
        _USUAL = False  # not in the main thread: somebody uses us as a library

from uvlock2nix.cli.interrupt import INTERRUPTED, ending_on_signals  # noqa: E402 - see above

if _USUAL:
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def main() -> None:
    """Run the command line; SIGTERM and SIGHUP end it as Ctrl-C does, also while modules still load."""
    try:
        with ending_on_signals():
            from uvlock2nix.cli.app import run

            run()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)


__all__ = ["main"]
