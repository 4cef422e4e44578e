"""`python -m services.session_bridge`.

OpenClaw respects a lock only if its holder's command line has the word `openclaw`: the process puts it there.
"""

import asyncio
import os
import sys

OWNER_WORD = "openclaw"


async def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    # Not at the top: a process that is about to begin anew need not load all this.
    from services.session_bridge.app import create  # noqa: PLC0415 - see above
    from services.session_bridge.keys import SETTINGS  # noqa: PLC0415 - see above
    from shared.server import serve  # noqa: PLC0415 - see above

    runner = await create()
    settings = runner.app[SETTINGS]
    await serve(runner, settings.bridge_host, settings.bridge_port)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        os.execv(sys.executable, [*sys.orig_argv, OWNER_WORD])  # noqa: S606 - this very command, one word longer
    if sys.argv[1:] != [OWNER_WORD]:
        sys.exit("There are no arguments; everything is a setting in the environment or .env.")
    asyncio.run(main())
