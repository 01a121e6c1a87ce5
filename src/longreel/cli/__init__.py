"""The command line. Nothing is imported here, so that Ctrl-C is answered from the first moment on."""

import signal
import sys


def run() -> None:
    """The console script: `longreel.cli.main.main`, with one line for Ctrl-C before and after it, too."""
    try:
        from longreel.cli.main import main

        main()
    except KeyboardInterrupt:
        print("longreel: interrupted", file=sys.stderr)
        sys.exit(130)
    finally:
        # What follows is the interpreter's own end, which answers Ctrl-C with a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
