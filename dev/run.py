"""`make run`: both services in the foreground, with the sandbox where there are no accounts."""

import asyncio
import signal
import sys

from dev.programs import OWNER, Ports, beside_the_sandbox, sandbox, services
from dev.stack import DidNotStartError, Program, running
from shared.settings import load

WITH_SANDBOX = """
There is no OPENAI_API_KEY, so the sandbox plays Twilio, OpenAI and OpenClaw: no account, no cost.
What is said ends up in {folder}/openclaw.
"""

READY = """
  the page        http://localhost:{ports.bridge_port}/
  voice server    http://{ports.host}:{ports.port}
  session bridge  http://{ports.bridge_host}:{ports.bridge_port}

Follow every call live:
  curl -N localhost:{ports.bridge_port}/events{bridge_key}
Place one:
  curl -X POST localhost:{ports.port}/call{voice_key} -H 'Content-Type: application/json' \\
    -d '{{"to": "{owner}", "message": "Hello! This is your AI assistant calling."}}'

Ctrl-C stops everything.
"""


async def main() -> None:
    """Run until SIGINT or SIGTERM, or until the terminal is closed."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = load(Ports)
    programs = services(ports, {})
    if ports.openai_api_key is None:
        programs = _with_sandbox(ports)
    async with running(programs):
        print(_welcome(ports), flush=True)
        await _until(stop, programs)


def _welcome(ports: Ports) -> str:
    return READY.format(
        ports=ports,
        owner=OWNER if ports.openai_api_key is None else "+1…",
        voice_key=' -H "Authorization: Bearer $VOICE_API_KEY"' if ports.voice_api_key else "",
        bridge_key=' -H "Authorization: Bearer $BRIDGE_API_KEY"' if ports.bridge_api_key else "",
    )


def _with_sandbox(ports: Ports) -> list[Program]:
    settings, environment, folder = beside_the_sandbox(ports)
    print(WITH_SANDBOX.format(folder=folder), flush=True)
    return [sandbox(settings, folder), *services(ports, environment, folder)]


async def _until(stop: asyncio.Event, programs: list[Program]) -> None:
    async with asyncio.TaskGroup() as group:
        keepers = [group.create_task(program.keep_alive()) for program in programs]
        await stop.wait()
        for keeper in keepers:
            keeper.cancel()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* DidNotStartError as failed:
        sys.exit(str(failed.exceptions[0]))
