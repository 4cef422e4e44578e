"""Follow the live stream of the bridge from the first event on, across every break."""

import asyncio
import json
from collections import defaultdict
from contextlib import suppress

import aiohttp

from dev.soak.evidence import Heard


class Follower:
    """Keep what is heard.

    Attributes:
        heard: every frame, in order.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.heard: list[Heard] = []
        self._http = http
        self._url = f"{url}/events"
        self._synced: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):  # killed: go on behind the last frame
                await self._listen()
            await asyncio.sleep(0.05)

    async def synced(self, call_id: str) -> None:
        """Wait until a call has been written to OpenClaw."""
        await self._synced[call_id].wait()

    async def _listen(self) -> None:
        last = str(self.heard[-1].number if self.heard else 0)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
        headers = {"Last-Event-ID": last}
        async with self._http.get(self._url, headers=headers, timeout=timeout) as answer:
            fields: dict[str, str] = {}
            async for raw in answer.content:
                name, _, value = raw.decode().rstrip("\r\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    self._hear(Heard(int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}

    def _hear(self, frame: Heard) -> None:
        self.heard.append(frame)
        if frame.type == "session_synced":
            self._synced[frame.data["callId"]].set()
