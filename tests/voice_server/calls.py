"""Records and events of calls, made up."""

from typing import Any

from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.reporter import next_event, partial
from shared.events import (
    CallStatus,
    Direction,
    KeptEvent,
    NoData,
    Speaker,
    StartedData,
    TranscriptPartial,
    TurnData,
)
from tests.voice_server.running_server import OWN_NUMBER, OWNER

STARTED_AT = 1_790_000_000.0


def record(serial: int = 1, **changes: Any) -> CallRecord:
    """Make the record of a call; the serial number makes its ids."""
    values: dict[str, Any] = {
        "ref": f"ref_{serial}",
        "direction": Direction.OUTBOUND,
        "number": OWNER,
        "own_number": OWN_NUMBER,
        "trust": Trust.OWNER,
        "agent": "Ada",
        "model": "gpt-realtime-2.1",
        "transcription_model": "gpt-realtime-whisper",
        "max_call_seconds": 1800,
        "silence_seconds": 60,
        "greeting": 'Say exactly: "Hi."',
        "call_sid": f"CA{serial:032x}",
        "phase": Phase.TALKING,
        "phase_since": STARTED_AT,
        "status": CallStatus.IN_PROGRESS,
        "started_at": STARTED_AT + serial,
    }
    return CallRecord(**values | changes)


def turn(item_id: str, previous: str | None, words: str = "Hello.") -> TurnData:
    """Make a finished turn of the caller."""
    return TurnData(speaker=Speaker.CALLER, content=words, item_id=item_id, previous_item_id=previous)


def said(call: CallRecord, *data: Any) -> tuple[CallRecord, list[KeptEvent]]:
    """Let a call publish; the record afterwards and its events."""
    events = []
    for one in data:
        events.append(next_event(call, one, STARTED_AT))
        call = call.model_copy(update={"sequence": call.sequence + 1})
    return call, events


def begun(call: CallRecord, turns: int = 0) -> tuple[CallRecord, list[KeptEvent]]:
    """Let a call start, be answered, and have some turns: so many and two events."""
    spoken = [turn(f"item_{n}", f"item_{n - 1}" if n else None) for n in range(turns)]
    return said(call, StartedData(caller=call.caller, callee=call.callee), NoData(), *spoken)


def so_far(call: CallRecord, words: str) -> TranscriptPartial:
    """Make the event of a turn that is still being said."""
    return partial(call, turn("item_9", None, words), STARTED_AT)
