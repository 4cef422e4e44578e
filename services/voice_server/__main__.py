"""`python -m services.voice_server`, and with a word what there is to do beside the calls."""

import asyncio
import sys
from pathlib import Path

from services.voice_server import keys
from services.voice_server.app import create
from shared.server import serve

_USAGE = """Without arguments it serves. Everything is a setting in the environment or .env.

  doctor [--json]   look at everything that a call needs
  connect           have the calls to our number come here; --trunk through a SIP trunk, --undo, --yes unasked
  smoke             call the owner once, and see the call into OpenClaw
  forget +1…        delete all that both services keep of a person; --yes unasked
  backup FOLDER     copy the data of both services and the configuration into a new folder
"""


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
        case ["connect", *how]:
            from services.voice_server.connect import run as connect

            sys.exit(asyncio.run(connect(how)))
        case ["smoke"]:
            from services.voice_server.smoke import run as smoke

            sys.exit(asyncio.run(smoke()))
        case ["backup", folder] if not folder.startswith("-"):
            from services.voice_server.backup import run as back_up

            sys.exit(back_up(Path(folder)))
        case ["forget", number] | ["forget", number, "--yes"]:
            from services.voice_server.forget import run as forget

            sys.exit(asyncio.run(forget(number, is_sure="--yes" in sys.argv)))
        case _:
            sys.stderr.write(_USAGE)
            sys.exit(2)
