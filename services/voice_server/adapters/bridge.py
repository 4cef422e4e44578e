"""The outbox: call events on their way to the session bridge, each call's in order, until they are there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import structlog

from services.voice_server.adapters.store import Store
from shared import health
from shared.database import DatabaseError
from shared.events import TranscriptPartial
from shared.tasks import Tasks

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30


class BridgeError(Exception):
    """The bridge has not taken the event."""


class Outbox:
    """Deliver what the store holds undelivered; repeat until the bridge has it on disk.

    Args:
        http: the client to use.
        url: the bridge's address.
        headers: what opens the bridge's door.
        store: where the events are.
        tasks: who owns the deliveries.
        resolved: is told the OpenClaw session of a call, as the bridge answered it: `(call_id, session_key)`.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        headers: dict[str, str],
        store: Store,
        tasks: Tasks,
        resolved: Callable[[str, str], None],
    ) -> None:
        self._http = http
        self._url = f"{url}/call-event"
        self._headers = {**headers, "Content-Type": "application/json"}
        self._store = store
        self._tasks = tasks
        self._resolved = resolved
        self._sending: dict[str, asyncio.Event] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._partials: dict[str, TranscriptPartial] = {}
        self.health = health.unknown("No event has been delivered yet.")

    async def start(self) -> None:
        """Take up what an earlier run left undelivered."""
        for call_id in await self._store.undelivered_calls():
            self.deliver(call_id)

    def deliver(self, call_id: str) -> None:
        """See to it that a call's saved events reach the bridge. Returns at once."""
        self._partials.pop(call_id, None)
        if call_id in self._sending:
            self._sending[call_id].set()
        else:
            self._idle.clear()
            self._sending[call_id] = asyncio.Event()
            self._tasks.start(self._deliver(call_id), name=f"outbox:{call_id}")

    def show(self, partial: TranscriptPartial) -> None:
        """Let listeners see a turn so far. One is on its way per call; older ones give way to newer."""
        waiting = partial.call_id in self._partials
        self._partials[partial.call_id] = partial
        if not waiting:
            self._tasks.start(self._show(partial.call_id), name=f"partial:{partial.call_id}")

    async def settle(self, seconds: float) -> None:
        """Wait until nothing is undelivered, but not for longer than this: it is kept for the next start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def _deliver(self, call_id: str) -> None:
        pause, more = _FIRST_PAUSE_SECONDS, self._sending[call_id]
        try:
            while True:
                more.clear()
                try:
                    events = await self._store.undelivered(call_id)
                    if not events and not more.is_set():
                        return
                    for sequence, body in events:
                        await self._send(call_id, sequence, body)
                    pause = _FIRST_PAUSE_SECONDS
                except (BridgeError, DatabaseError) as error:
                    self.health = health.failed(f"{error} It is tried again.")
                    log.warning("event_not_delivered", call_id=call_id, fault=str(error), pause_seconds=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            del self._sending[call_id]
            if not self._sending:
                self._idle.set()

    async def _send(self, call_id: str, sequence: int, body: str) -> None:
        status, answer = await self._post(body)
        if status == 409 and isinstance(expected := answer.get("expectedSequence"), int):
            log.warning("bridge_misses_events", call_id=call_id, sequence=expected)
            await self._store.rewind(call_id, expected)
            raise BridgeError(f"The bridge wants event {expected} first.")
        if status // 100 != 2:
            raise BridgeError(f"The bridge answered {status}: {answer.get('detail', '')}")
        await self._store.delivered(call_id, sequence)
        self.health = health.ok("Events are delivered.")
        if session_key := answer.get("sessionKey"):
            self._resolved(call_id, session_key)

    async def _show(self, call_id: str) -> None:
        while partial := self._partials.get(call_id):
            try:
                await self._post(partial.model_dump_json())
            except BridgeError:
                log.debug("partial_not_shown", call_id=call_id)
            if self._partials.get(call_id) is partial:
                del self._partials[call_id]

    async def _post(self, body: str) -> tuple[int, dict[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with self._http.post(
                self._url, data=body, headers=self._headers, timeout=timeout
            ) as answer:
                document = await answer.json(content_type=None)
                return answer.status, document if isinstance(document, dict) else {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise BridgeError(f"{self._url} cannot be reached ({type(error).__name__}).") from error
