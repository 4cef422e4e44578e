"""How calls look in answers."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from services.voice_server.domain.record import CallRecord
from shared.events import CallStatus, Direction, EndReason, Timestamp, Usage

AS_NUMBER = WithJsonSchema({"type": "string", "format": "phone", "examples": ["+14155550123"]})
"""Describes a number in international form, which no pattern can."""


class CallSummary(BaseModel):
    """A call as it appears in lists. `duration_seconds` counts from when somebody picked up."""

    call_id: str
    direction: Direction
    status: CallStatus
    caller: str = Field(serialization_alias="from")
    callee: str = Field(serialization_alias="to")
    started_at: Timestamp
    duration_seconds: int
    agent: str


class CallDetails(CallSummary):
    """All of a call. `transcript_state` is `pending` while the bridge lacks some of it.

    `usage` and `cost_usd` are what OpenAI told of, so far while the call runs. `usage_complete` is false if
    it may have charged for more: its connection to us was lost for a while, or ended before the last account.
    """

    answered_at: Timestamp | None
    ended_at: Timestamp | None
    end_reason: EndReason | None
    usage: Usage
    usage_complete: bool
    cost_usd: float | None
    session_key: str | None
    transcript_state: Literal["recording", "pending", "delivered"]
    metadata: dict[str, Any]


def summary(call: CallRecord, at: float) -> CallSummary:
    """Show a call as it appears in lists."""
    return CallSummary(
        call_id=call.call_id or "",
        direction=call.direction,
        status=call.status,
        caller=call.caller,
        callee=call.callee,
        started_at=_moment(call.started_at),
        duration_seconds=call.duration_seconds(at),
        agent=call.agent,
    )


def details(call: CallRecord, at: float, *, delivered: bool) -> CallDetails:
    """Show all of a call."""
    ended = call.ended_at is not None
    return CallDetails(
        **summary(call, at).model_dump(),
        answered_at=None if call.answered_at is None else _moment(call.answered_at),
        ended_at=None if call.ended_at is None else _moment(call.ended_at),
        end_reason=call.end_reason,
        usage=call.usage,
        usage_complete=call.usage_complete,
        cost_usd=call.cost_usd,
        session_key=call.session_key,
        transcript_state=("delivered" if delivered else "pending") if ended else "recording",
        metadata=call.metadata,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
