"""Print what a gateway has of the agent's own conversation; its arguments are the gateway's URL and token."""

import asyncio
import sys

import orjson

from tests.contract.gateway_client import connected

_KEY = "agent:main:main"


async def main(url: str, token: str) -> None:
    """Read it as a client on this machine would."""
    async with connected(url, token, "operator.read") as gateway:
        history = await gateway.call("chat.history", sessionKey=_KEY, limit=100)
    for message in history["messages"]:
        sys.stdout.write(orjson.dumps(message).decode() + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
