"""What a test says to a running bridge."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.request import Request, urlopen

import aiohttp
import orjson
from aiohttp.test_utils import TestClient

from tests.session_bridge.calls import Json
from tests.session_bridge.waiting import until

Frame = dict[str, str]


class Bridge:
    """A bridge, seen from outside."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def post(self, path: str, body: Any) -> tuple[int, Json]:
        """Post JSON; the status and the answer."""
        async with self.client.post(path, json=body) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str) -> tuple[int, Json]:
        """Get JSON; the status and the answer."""
        async with self.client.get(path) as response:
            return response.status, await response.json(content_type=None)

    async def tell(self, events: Iterable[Json]) -> None:
        """Post call events, each to be accepted."""
        for event in events:
            status, answer = await self.post("/call-event", event)
            assert (status, answer["status"]) == (200, "accepted"), answer

    async def sessions(self, query: str = "") -> list[Json]:
        """List the sessions."""
        _, answer = await self.get(f"/sessions{query}")
        listed: list[Json] = answer["sessions"]
        return listed

    async def until_all_are(self, state: str) -> list[Json]:
        """Wait until every session is in this state."""

        async def reached() -> bool:
            return all(session["state"] == state for session in await self.sessions())

        await until(reached)
        return await self.sessions()

    async def until_synced(self, call_id: str) -> None:
        """Wait until a call is in OpenClaw."""

        async def synced() -> bool:
            return [one["state"] for one in await self.sessions(f"?callId={call_id}")] == ["synced"]

        await until(synced)

    @asynccontextmanager
    async def events(self, path: str = "/events", **headers: str) -> AsyncIterator[AsyncIterator[Frame]]:
        """Open an event stream; yields its frames, comments left out."""
        async with self.client.get(path, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield frames(response)

    async def all_events(self, path: str, **headers: str) -> list[Frame]:
        """Read an event stream to its end."""
        async with self.events(path, **headers) as stream:
            return [frame async for frame in stream]


Start = Callable[..., Awaitable[Bridge]]
"""Starts a bridge; keywords change its settings."""


async def frames(response: aiohttp.ClientResponse) -> AsyncIterator[Frame]:
    """Read server-sent events by the standard's rules, as far as they are used here."""
    frame: Frame = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if frame:
                yield frame
            frame = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            frame[name] = value


async def take(stream: AsyncIterator[Frame], count: int) -> list[Frame]:
    """Read the next so many frames."""
    return [await anext(stream) for _ in range(count)]


def fetch(port: int, path: str, body: Json | None = None) -> Json | None:
    """Ask a bridge in another process; None while it does not answer."""
    data = None if body is None else orjson.dumps(body)
    request = Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=5) as response:
            answer: Json = orjson.loads(response.read())
    except OSError:
        return None
    return answer
