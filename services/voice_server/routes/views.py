"""How calls look in answers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.voice_server.domain.record import CallRecord
from services.voice_server.domain.recording import HERE, Progress, Recording
from shared.events import (
    CallEvent,
    CallStatus,
    Direction,
    EndReason,
    Timestamp,
    ToolFinished,
    ToolStarted,
    Usage,
)


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


class ToolCallShown(BaseModel):
    """A tool call. `arguments` is JSON as the model wrote it; `output` is all that the agent answered.

    `ok`, `output` and `duration_seconds` are null while it runs, which may be longer than the call.
    """

    tool_call_id: str
    name: str
    arguments: str
    started_at: Timestamp
    ok: bool | None = None
    output: str | None = None
    duration_seconds: float | None = None


class RecordingShown(BaseModel):
    """A call's recording: on its way, at `/history/{id}/recording`, or not to be had."""

    state: Literal["pending", "ready", "failed"]
    seconds: int | None
    bytes: int | None


class CallDetails(CallSummary):
    """All of a call. `transcript_state` is `pending` while the bridge lacks some of it.

    `usage` and `cost_usd` are what OpenAI told of, so far while the call runs. `usage_complete` is false if
    it may have charged for more: its connection to us was lost for a while, or ended before the last account.
    `recording` is null where none was asked for, or nothing was recorded.
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
    tool_calls: list[ToolCallShown]
    recording: RecordingShown | None


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


def details(
    call: CallRecord,
    told: Iterable[CallEvent],
    recording: Recording | None,
    at: float,
    *,
    delivered: bool,
) -> CallDetails:
    """Show all of a call, with what it has told of its tool calls."""
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
        tool_calls=_tool_calls(told),
        recording=_recording(recording),
    )


def _recording(recording: Recording | None) -> RecordingShown | None:
    if recording is None or recording.progress is Progress.ABSENT:
        return None
    state: Literal["pending", "ready", "failed"] = "ready" if recording.progress in HERE else "pending"
    return RecordingShown(
        state="failed" if recording.progress is Progress.FAILED else state,
        seconds=recording.seconds,
        bytes=recording.size_bytes,
    )


def _tool_calls(told: Iterable[CallEvent]) -> list[ToolCallShown]:
    """Show tool calls, in the order they were made; each with what became of it, whenever that was told."""
    shown: dict[str, ToolCallShown] = {}
    for event in told:
        match event:
            case ToolStarted(data=data):
                shown[data.tool_call_id] = ToolCallShown(
                    tool_call_id=data.tool_call_id,
                    name=data.name,
                    arguments=data.arguments,
                    started_at=event.timestamp,
                )
            case ToolFinished(data=data) if call := shown.get(data.tool_call_id):
                call.ok, call.output, call.duration_seconds = data.ok, data.output, data.duration_seconds
    return list(shown.values())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
