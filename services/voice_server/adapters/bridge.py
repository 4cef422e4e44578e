"""The outbox: call events on their way to the session bridge, each call's in order, until they are there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import aiohttp
import structlog

from services.voice_server.adapters.store import Store
from services.voice_server.metrics import Metrics
from shared import health
from shared.database import DatabaseError
from shared.events import TranscriptPartial
from shared.tasks import Tasks

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30


_UNUSABLE = {400, 413, 415, 422}
"""Answers that are about the event itself."""


class BridgeError(Exception):
    """The bridge has not taken the event."""


class EventRefusedError(BridgeError):
    """The bridge will not take the event, however often it is sent, until one of the two is changed."""


class Outbox:
    """Deliver what the store holds undelivered; repeat until the bridge has it on disk.

    Args:
        http: the client to use.
        url: the bridge's address.
        headers: what opens the bridge's door.
        store: where the events are.
        tasks: who owns the deliveries.
        resolved: is told the OpenClaw session of a call, as the bridge answered it: `(call_id, session_key)`.
        metrics: counts what becomes of the events.
        refused_pause_seconds: how long an event rests that the bridge refuses.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        headers: dict[str, str],
        store: Store,
        tasks: Tasks,
        resolved: Callable[[str, str], None],
        metrics: Metrics,
        refused_pause_seconds: float = _LONGEST_PAUSE_SECONDS,
    ) -> None:
        self._http = http
        self._url = f"{url}/call-event"
        self._headers = {**headers, "Content-Type": "application/json"}
        self._store = store
        self._tasks = tasks
        self._resolved = resolved
        self._metrics = metrics
        self._refused_pause_seconds = refused_pause_seconds
        self._sending: dict[str, asyncio.Event] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._partials: dict[str, TranscriptPartial] = {}
        self._stuck: dict[str, str] = {}
        self._health = health.unknown("No event has been delivered yet.")

    @property
    def health(self) -> health.Check:
        """How the last delivery went; failed for as long as the bridge refuses an event of any call."""
        if not self._stuck:
            return self._health
        call_id, fault = next(iter(self._stuck.items()))
        return health.failed(f"Calls with an event that is refused: {len(self._stuck)}. {call_id}: {fault}")

    @property
    def is_failing(self) -> bool:
        """Tell whether the last delivery came to nothing."""
        return self._health.status == "failed"

    @property
    def stuck_calls(self) -> int:
        """How many calls have an event that the bridge refuses."""
        return len(self._stuck)

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
        structlog.contextvars.bind_contextvars(call_id=call_id)
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
                    if isinstance(error, EventRefusedError):
                        self._stuck[call_id], pause = str(error), self._refused_pause_seconds
                    self._health = health.failed(f"{error} It is tried again.")
                    self._metrics.undelivered.labels(type(error).__name__).inc()
                    log.warning("event_not_delivered", fault=str(error), pause_seconds=pause)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            self._stuck.pop(call_id, None)
            del self._sending[call_id]
            if not self._sending:
                self._idle.set()

    async def _send(self, call_id: str, sequence: int, body: str) -> None:
        status, answer = await self._post(body)
        if status == 409 and isinstance(expected := answer.get("expectedSequence"), int):
            log.warning("bridge_misses_events", sequence=expected)
            await self._store.rewind(call_id, expected)
            raise BridgeError(f"The bridge wants event {expected} first.")
        if status // 100 != 2:
            refused = status in _UNUSABLE | {409}
            kind = EventRefusedError if refused else BridgeError
            raise kind(f"The bridge answered {status} to event {sequence}: {answer.get('detail', '')}")
        await self._store.delivered(call_id, sequence)
        self._stuck.pop(call_id, None)
        self._metrics.delivered.inc()
        self._health = health.ok("Events are delivered.")
        if session_key := answer.get("sessionKey"):
            self._resolved(call_id, session_key)

    async def _show(self, call_id: str) -> None:
        structlog.contextvars.bind_contextvars(call_id=call_id)
        while partial := self._partials.get(call_id):
            try:
                await self._post(partial.model_dump_json())
            except BridgeError:
                log.debug("partial_not_shown")
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
