"""How calls look in answers."""

from datetime import UTC, datetime
from typing import Any

from services.voice_server.domain.cost import cost_usd
from services.voice_server.domain.record import CallRecord
from shared.events import iso


def moment(seconds: float | None) -> str | None:
    """Format seconds since 1970 as `2026-11-22T14:03:11.204Z`."""
    return None if seconds is None else iso(datetime.fromtimestamp(seconds, UTC))


def summary(call: CallRecord, at: float) -> dict[str, Any]:
    """Show a call as it appears in lists."""
    return {
        "call_id": call.call_id,
        "direction": call.direction,
        "status": call.status,
        "from": call.caller,
        "to": call.callee,
        "started_at": moment(call.started_at),
        "duration_seconds": call.duration_seconds(at),
        "agent": call.agent,
    }


def details(call: CallRecord, at: float, *, delivered: bool) -> dict[str, Any]:
    """Show all of a call. `transcript_state`: `recording`, `pending` (the bridge lacks some), `delivered`."""
    state = "recording" if call.ended_at is None else "delivered" if delivered else "pending"
    return {
        **summary(call, at),
        "answered_at": moment(call.answered_at),
        "ended_at": moment(call.ended_at),
        "end_reason": call.end_reason,
        "usage": call.usage.model_dump(),
        "cost_usd": cost_usd(call.model, call.transcription_model, call.usage),
        "session_key": call.session_key,
        "transcript_state": state,
        "metadata": call.metadata,
    }
