"""Calls in any phase."""

from typing import Any

from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import CallStatus, Direction

START = 1_795_000_000.0
GREETING = 'Say exactly: "Hello."'


def record(phase: Phase = Phase.BRIDGING, **changes: Any) -> CallRecord:
    """Make the record of an inbound call of the owner's."""
    values: dict[str, Any] = {
        "ref": "ref",
        "direction": Direction.INBOUND,
        "number": "+14155550123",
        "own_number": "+14155550199",
        "trust": Trust.OWNER,
        "agent": "Ada",
        "model": "gpt-realtime-2.1",
        "transcription_model": "gpt-realtime-whisper",
        "max_call_seconds": 1800,
        "silence_seconds": 60,
        "reconcile_seconds": 60,
        "greeting": GREETING,
        "phase": phase,
        "phase_since": START,
        "status": CallStatus.RINGING,
        "started_at": START,
    }
    return CallRecord(**values | changes)


def outbound(phase: Phase = Phase.DIALLING, **changes: Any) -> CallRecord:
    """Make the record of a call we dial."""
    return record(phase, **{"direction": Direction.OUTBOUND, "status": CallStatus.QUEUED} | changes)
