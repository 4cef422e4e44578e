"""The stand-in for Telegram: one person who writes to OpenClaw's bot, and what they get from it."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]

PERSON = 4242
POLL_SECONDS = 20


class Telegram:
    """Telegram's Bot API as far as OpenClaw needs it; `received` is what the person got, as HTML."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self._updates: list[Json] = []
        self._numbers = itertools.count(1)
        self._written = asyncio.Condition()
        self._base_url = ""

    @property
    def channels(self) -> Json:
        """What `openclaw.json` says about its channels where this is Telegram."""
        return {
            "telegram": {
                "enabled": True,
                "botToken": "777:of-the-test",
                "apiRoot": self._base_url,
                "dmPolicy": "allowlist",
                "allowFrom": [str(PERSON)],
            }
        }

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve it on a free port for the length of the block."""
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        async with TestServer(app, host="127.0.0.1") as server:
            self._base_url = str(server.make_url("")).rstrip("/")
            yield

    async def write(self, text: str) -> None:
        """Let the person write to the bot."""
        who = {"id": PERSON, "first_name": "Alice", "is_bot": False}
        message = self._message({"from": who, "text": text})
        async with self._written:
            self._updates.append({"update_id": next(self._numbers), "message": message})
            self._written.notify_all()

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await request.json() if request.can_read_body else {}
        method = request.match_info["method"]
        result: object = True
        if method == "getMe":
            result = {"id": 777, "is_bot": True, "first_name": "Bot", "username": "test_bot"}
        elif method == "getUpdates":
            result = await self._updates_from(int(asked.get("offset") or 0))
        elif method == "sendMessage":
            self.received.append(asked["text"])
            result = self._message({"text": asked["text"]})
        return web.json_response({"ok": True, "result": result})

    async def _updates_from(self, offset: int) -> list[Json]:
        def new() -> list[Json]:
            return [update for update in self._updates if update["update_id"] >= offset]

        async with self._written:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._written.wait_for(new)
            except TimeoutError:
                return []
            return new()

    def _message(self, more: Json) -> Json:
        chat = {"id": PERSON, "type": "private", "first_name": "Alice"}
        return {"message_id": next(self._numbers), "date": 1_795_000_000, "chat": chat} | more
