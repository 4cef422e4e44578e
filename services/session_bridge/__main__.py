"""`python -m services.session_bridge`, and with the word `verify` a look at what it has written.

OpenClaw respects a lock only if its holder's command line has the word `openclaw`: the process puts it there.
"""

import asyncio
import os
import sys

OWNER_WORD = "openclaw"
_USAGE = (
    "Without arguments it serves; `verify` compares the journal with what OpenClaw holds, `verify --json` "
    "in JSON; `forget +1…` deletes what the journal has of a person. "
    "There are no other arguments; everything is a setting in the environment or .env."
)


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
    match sys.argv[1:]:
        case []:
            os.execv(sys.executable, [*sys.orig_argv, OWNER_WORD])  # noqa: S606 - this very command, one word longer
        case [word] if word == OWNER_WORD:
            asyncio.run(main())
        case ["verify"] | ["verify", "--json"]:
            from services.session_bridge.verify import run

            sys.exit(asyncio.run(run(as_json="--json" in sys.argv)))
        case ["forget", number]:
            from services.session_bridge.forget import run as forget

            sys.exit(asyncio.run(forget(number)))
        case _:
            sys.stderr.write(f"{_USAGE}\n")
            sys.exit(2)
