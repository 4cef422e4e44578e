"""`python -m services.session_bridge`.

OpenClaw respects a lock only if its holder's command line has the word `openclaw`: the process puts it there.
"""

import os
import sys

OWNER_WORD = "openclaw"


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    if len(sys.argv) == 1:
        os.execv(sys.executable, [*sys.orig_argv, OWNER_WORD])  # noqa: S606 - this very command, one word longer
    if sys.argv[1:] != [OWNER_WORD]:
        sys.exit("There are no arguments; everything is a setting in the environment or .env.")
    from services.session_bridge.app import serve  # noqa: PLC0415 - not twice: that is half a second

    serve()


if __name__ == "__main__":
    main()
