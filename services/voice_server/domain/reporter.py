"""Words a call's events: numbered, stamped, and named for ever.

An event's id follows from the call, the event's number and its moment, so that the same event never has two.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from ulid import ULID

from services.voice_server.domain.record import CallRecord
from shared.events import (
    CallAnswered,
    CallEnded,
    CallStarted,
    EndedData,
    EndReason,
    KeptEvent,
    NoData,
    StartedData,
    ToolFinished,
    ToolFinishedData,
    ToolStarted,
    ToolStartedData,
    TranscriptPartial,
    TranscriptUpdate,
    TurnData,
)

EventData = StartedData | NoData | TurnData | ToolStartedData | ToolFinishedData | EndedData

_EVENT_OF: dict[type[EventData], Any] = {
    StartedData: CallStarted,
    NoData: CallAnswered,
    TurnData: TranscriptUpdate,
    ToolStartedData: ToolStarted,
    ToolFinishedData: ToolFinished,
    EndedData: CallEnded,
}


def next_event(call: CallRecord, data: EventData, at: float) -> KeptEvent:
    """Build the call's next event around its data, with the number after `call.sequence`."""
    sequence = call.sequence + 1
    event_id = _event_id(f"{call.ref}/{sequence}", at)
    event: KeptEvent = _EVENT_OF[type(data)](
        event_id=event_id, sequence=sequence, data=data, **_envelope(call, at)
    )
    return event


def ended_data(call: CallRecord) -> EndedData:
    """Sum up a call that has ended."""
    return EndedData(
        status=call.status,
        end_reason=call.end_reason or EndReason.CALLER_HUNG_UP,
        duration_seconds=call.duration_seconds(call.ended_at or call.started_at),
        usage=call.usage,
        cost_usd=call.cost_usd,
    )


def partial(call: CallRecord, turn: TurnData, at: float) -> TranscriptPartial:
    """Build the event that tells what has been said of a turn so far."""
    event_id = _event_id(f"{call.ref}/{turn.item_id}/{len(turn.content)}", at)
    return TranscriptPartial(event_id=event_id, data=turn, **_envelope(call, at))


def _envelope(call: CallRecord, at: float) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "phone_number": call.phone_number,
        "direction": call.direction,
        "timestamp": datetime.fromtimestamp(at, UTC),
    }


def _event_id(name: str, at: float) -> str:
    milliseconds = round(at * 1000).to_bytes(6, "big")
    return str(ULID.from_bytes(milliseconds + hashlib.sha256(name.encode()).digest()[:10]))
