"""A past: calls that nobody has made, as both services would have kept them.

They come about through the services' own code, so that what is found is what would have been written. The
bridge has them as calls that it fetched, which is a fifth of the work of taking each of their events.
"""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from random import Random

from dev.past_calls import Calls, made
from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.domain.session import Session, State
from services.voice_server.adapters.store import Store
from services.voice_server.domain.record import CallRecord
from shared.events import KeptEvent, TranscriptUpdate, iso
from shared.transcript import Turn

_HOUR_SECONDS = 3600
_AT_ONCE = 200
_REASON = "No OpenClaw gateway answers: start it, or set OPENCLAW_GATEWAY_URL."


async def lay_out(
    folder: Path, calls: int, *, days: float = 180, longest_turns: int = 0, unwritten: int = 0
) -> list[CallRecord]:
    """Write calls of the last days into a data folder, as if they had been made; every time the same ones.

    They are with half a dozen people, in either direction and of every outcome, with turns, tool calls and
    costs. A thousand take a second. No service may run on the folder: both find them when they start.

    Args:
        folder: the `DATA_DIR` of both services.
        calls: how many.
        days: over how many days up to now they are spread.
        longest_turns: the newest call has at least so many turns; 0 makes it like the others.
        unwritten: so many of the newest wait to be written into OpenClaw; a bridge that can will do so.

    Returns:
        The calls, the oldest first.
    """
    past = _imagined(calls, days, longest_turns)
    told = [call.ref for call, events in past if events]
    waiting = set(told[len(told) - unwritten :])
    store, journal = Store(folder), Journal(folder / "bridge.sqlite")
    try:
        for start in range(0, len(past), _AT_ONCE):
            some = past[start : start + _AT_ONCE]
            await asyncio.gather(_in_voice_server(store, some), _in_bridge(journal, some, waiting))
    finally:
        await asyncio.gather(store.close(), journal.close())
    return [call for call, _ in past]


def _imagined(count: int, days: float, longest_turns: int) -> Calls:
    random, now = Random(count), time.time()  # noqa: S311 - nothing here is secret
    # The newest is over for a while, also if it took an hour.
    seconds = (random.uniform(2 * _HOUR_SECONDS, days * 24 * _HOUR_SECONDS) for _ in range(count))
    began = sorted(now - ago for ago in seconds)
    return [made(random, at, longest_turns if at is began[-1] else 0) for at in began]


async def _in_voice_server(store: Store, calls: Calls) -> None:
    # What is asked for first is done first, so the history has them in their order.
    await asyncio.gather(*(store.save(call, events) for call, events in calls))
    await asyncio.gather(*(store.delivered(call.call_id or "", call.sequence) for call, _ in calls))


async def _in_bridge(journal: Journal, calls: Calls, waiting: Collection[str]) -> None:
    deliveries = Deliveries(journal)
    sessions = [(call.ref, *_session(call, events)) for call, events in calls if events]
    await asyncio.gather(*(journal.import_call(session, turns) for _, session, turns in sessions))
    await asyncio.gather(
        *(
            deliveries.failed(session.call_id, _REASON)
            if ref in waiting
            else journal.synced(session.call_id, session.session_key or "", session.turns)
            for ref, session, _ in sessions
        )
    )


def _session(call: CallRecord, events: list[KeptEvent]) -> tuple[Session, list[Turn]]:
    turns = [Turn.of(event) for event in events if isinstance(event, TranscriptUpdate)]
    session = Session(
        events[0].call_id,
        call.phone_number,
        call.direction,
        iso(events[0].timestamp),
        call.session_key,
        State.SYNCING,
        turns=len(turns),
        ended_at=call.ended_at,
    )
    return session, turns
