"""`python -m services.voice_server`, and with the word `doctor` a look at all that a call needs."""

import asyncio
import sys

from services.voice_server import keys
from services.voice_server.app import create
from shared.server import serve

_USAGE = (
    "Without arguments it serves; `doctor` looks at everything that a call needs, `doctor --json` in JSON. "
    "There are no other arguments; everything is a setting in the environment or .env."
)


async def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    runner = await create()
    config = runner.app[keys.SETTINGS]
    await serve(runner, config.host, config.port)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            asyncio.run(main())
        case ["doctor"] | ["doctor", "--json"]:
            from services.voice_server.doctor.run import run as diagnose

            sys.exit(asyncio.run(diagnose(as_json="--json" in sys.argv)))
        case _:
            sys.stderr.write(f"{_USAGE}\n")
            sys.exit(2)
