"""The session bridge as the voice server sees it: it keeps events, refuses gaps, and fails on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import orjson
from aiohttp import web

from sandbox.watch import Watch
from shared.events import call_event
from tests.voice_server.serving import served

Json = dict[str, Any]
Fault = int | Literal["drop", "forget"]
"""A status to refuse with; `drop`: no answer, nothing kept; `forget`: kept, but the answer is lost."""


class RecordingBridge:
    """Take call events by the rules of the contract.

    Attributes:
        events: what was kept, in order of arrival.
        posted: the id of every event posted, repeats too.
        partials: what was only shown.
        faults: what happens to the next posts; afterwards all goes well.
        session_key: the OpenClaw session every call belongs to; None keeps it to itself.
        remembered: the turns that stand in it already.
        remembering: is set when they may be told.
        asked_for: of which sessions they were asked for.
    """

    def __init__(self) -> None:
        self.url = ""
        self.watch = Watch()
        self.events: list[Json] = []
        self.posted: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.partials: list[Json] = []
        self.faults: list[Fault] = []
        self.session_key: str | None = "agent:main:main"
        self.remembered: list[Json] = []
        self.remembering = asyncio.Event()
        self.remembering.set()
        self.asked_for: list[str] = []
        self.app = web.Application()
        self.app.router.add_post("/call-event", self._post)
        self.app.router.add_get("/sessions/{session_key}/context", self._context)

    def of(self, call_id: str) -> list[Json]:
        """List the events of one call."""
        return [event for event in self.events if event["callId"] == call_id]

    def types(self, call_id: str) -> list[str]:
        """List the types of a call's events."""
        return [event["eventType"] for event in self.of(call_id)]

    def turns(self, call_id: str) -> list[tuple[str, str, bool]]:
        """List speaker, words and interruption of a call's turns."""
        data = [event["data"] for event in self.of(call_id) if event["eventType"] == "transcript_update"]
        return [(turn["speaker"], turn["content"], turn["interrupted"]) for turn in data]

    async def until(self, kind: str, call_id: str | None = None, *, within: float = 8) -> Json:
        """Wait for an event of that type, and return it."""

        def found() -> list[Json]:
            events = self.of(call_id) if call_id else self.events
            return [event for event in events if event["eventType"] == kind]

        await self.watch.until(lambda: bool(found()), within=within)
        return found()[-1]

    async def _context(self, request: web.Request) -> web.Response:
        self.asked_for.append(request.match_info["session_key"])
        self.watch.changed()
        await self.remembering.wait()
        return web.json_response({"turns": self.remembered})

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.read()
        event = orjson.loads(body)
        call_event.validate_json(body)
        if event["eventType"] == "transcript_partial":
            self.partials.append(event)
            self.watch.changed()
            return web.json_response({"status": "accepted"})
        self.posted.append(event["eventId"])
        self.headers.append(dict(request.headers))
        fault = self.faults.pop(0) if self.faults else None
        answer = (
            self._take(event) if fault in {None, "forget"} else web.Response(status=int(fault or 0) or 500)
        )
        self.watch.changed()
        if isinstance(fault, str) and request.transport:
            request.transport.abort()
        return answer

    def _take(self, event: Json) -> web.Response:
        answer = {"sessionKey": self.session_key} if self.session_key else {}
        if event["eventId"] in {kept["eventId"] for kept in self.events}:
            return web.json_response({**answer, "status": "duplicate"})
        expected = len(self.of(event["callId"])) + 1
        if event["sequence"] != expected:
            problem = {"title": "Gap", "status": 409, "detail": "", "expectedSequence": expected}
            return web.json_response(problem, status=409)
        self.events.append(event)
        return web.json_response({**answer, "status": "accepted"})


@asynccontextmanager
async def recording_bridge() -> AsyncIterator[RecordingBridge]:
    """Serve a bridge on a free port."""
    bridge = RecordingBridge()
    async with served(bridge.app) as bridge.url:
        yield bridge
