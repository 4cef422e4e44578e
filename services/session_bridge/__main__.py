"""`python -m services.session_bridge`.

OpenClaw respects a lock only if its holder's command line has the word `openclaw`: the process puts it there.
"""

import asyncio
import os
import sys

from services.session_bridge.app import build
from services.session_bridge.settings import BridgeSettings
from shared import logs, server
from shared.settings import load

OWNER_WORD = "openclaw"


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    if sys.argv[1:] != [OWNER_WORD]:
        if sys.argv[1:]:
            sys.exit("There are no arguments; everything is a setting in the environment or .env.")
        os.execv(sys.executable, [*sys.orig_argv, OWNER_WORD])  # noqa: S606 - this very command, one word longer
    settings = load(BridgeSettings)
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(server.serve(build(settings), settings.bridge_host, settings.bridge_port))


if __name__ == "__main__":
    main()
