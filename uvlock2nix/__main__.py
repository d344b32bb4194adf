"""Where the program starts: ``uvlock2nix``, ``python -m uvlock2nix``, and the hooks' commands in builds.

Only the program imports this module, because it takes over signals as it loads. As long as modules load,
there is nothing to put right: a signal ends the program at once. KeyboardInterrupt would be a traceback of
whatever module loads, or be lost in a callback of the import system.
"""

# All are part of the interpreter: to load `signal`, `enum` and `re` takes long enough for a Ctrl-C. So does
# `from __future__ import annotations`.
import _signal  # type: ignore[import-not-found]
import gc
import os
import sys


def leave(number: int, frame: object) -> None:
    """End the program, whatever it does; the code is ``uvlock2nix.cli.interrupt.INTERRUPTED``."""
    os.write(2, b"interrupted\n")
    os._exit(130)


def leave_at_once() -> None:
    """Let the signals that end a program do so at once, bar those that are ignored (as by nohup)."""
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, leave)


leave_at_once()


def main() -> None:
    """Run the command line, which listens to signals itself while a command works."""
    # A lock becomes many values, and no cycles of them: to look for cycles at the usual pace costs a tenth.
    gc.set_threshold(100_000, 20, 20)
    try:
        from uvlock2nix.cli.app import run

        run()
    except KeyboardInterrupt:
        # It came while the command line gave the signals back.
        leave_at_once()
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    finally:
        # The interpreter would look through all of it for cycles once more before it ends.
        gc.freeze()


if __name__ == "__main__":
    main()
