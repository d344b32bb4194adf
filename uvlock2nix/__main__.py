"""The entry point of the program: ``uvlock2nix``, ``python -m uvlock2nix``, and the hooks' commands in
builds.

Only the program imports this module, because it takes over signals on import. While modules load, there is
nothing to undo: a signal ends the program at once. A KeyboardInterrupt would be a traceback of whatever
module is loading, or be lost in a callback of the import system.
"""

# All are part of the interpreter: importing `signal`, `enum` and `re` takes long enough for a Ctrl-C to
# arrive. So does `from __future__ import annotations`.
import _signal  # type: ignore[import-not-found]
import gc
import os
import sys


def leave(number: int, frame: object) -> None:
    """End the program, whatever it is doing; the exit code is ``uvlock2nix.cli.interrupt.INTERRUPTED``."""
    os.write(2, b"interrupted\n")
    os._exit(130)


def leave_at_once() -> None:
    """Let signals that end a program do so at once, except for ignored ones (as by nohup)."""
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, leave)


leave_at_once()


def main() -> None:
    """Run the command line, which handles signals itself while a command runs."""
    # A lock becomes many values without cycles: looking for cycles at the usual pace costs a tenth of the
    # time.
    gc.set_threshold(100_000, 20, 20)
    try:
        from uvlock2nix.cli import PLAIN

        if sys.argv[1:] and sys.argv[1] in PLAIN:
            from uvlock2nix.cli.inside import run_plain

            run_plain(sys.argv[1:])
        else:
            from uvlock2nix.cli.app import run

            run()
    except KeyboardInterrupt:
        # It arrived while the command line restored the signals.
        leave_at_once()
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    finally:
        # The interpreter would otherwise search everything for cycles once more at exit.
        gc.freeze()


if __name__ == "__main__":
    main()
