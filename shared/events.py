"""The call events: what the voice server tells the session bridge, and the bridge tells everybody.

The JSON Schema beside this file is generated from these models (`python -m shared.events`).
"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PlainSerializer,
    PositiveInt,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

ANONYMOUS = "anonymous"
"""The other person's number when it was withheld."""

ROOT = "root"
"""What a turn names as the one before when it is the first, in OpenAI's own word."""

SCHEMA_FILE = Path(__file__).with_name("call_event.schema.json")


class CallStatus(StrEnum):
    """Where a call stands, in Twilio's words; `rejected` is ours."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can follow."""
        return self not in {CallStatus.QUEUED, CallStatus.RINGING, CallStatus.IN_PROGRESS}


class EndReason(StrEnum):
    """Why a call ended."""

    CALLER_HUNG_UP = "caller_hung_up"
    ASSISTANT_HUNG_UP = "assistant_hung_up"
    HUNG_UP_BY_REQUEST = "hung_up_by_request"
    NOT_REACHED = "not_reached"
    MAX_DURATION = "max_duration"
    SILENCE = "silence"
    CONNECTION_FAILED = "connection_failed"
    SERVER_STOPPED = "server_stopped"
    REJECTED = "rejected"


class Direction(StrEnum):
    """Who dialled: `inbound` the other person, `outbound` we."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Speaker(StrEnum):
    """Who spoke: the caller is `user` on every wire, whoever dialled."""

    CALLER = "user"
    ASSISTANT = "assistant"


def iso(moment: datetime) -> str:
    """Format a moment as UTC with milliseconds: `2026-11-22T14:03:11.204Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _whole(value: object) -> object:
    # To JSON Schema 3.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[NonNegativeInt, BeforeValidator(_whole)]


class Usage(BaseModel):
    """What a call consumed at OpenAI, by modality."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_text_tokens: Count = 0
    input_audio_tokens: Count = 0
    cached_text_tokens: Count = 0
    cached_audio_tokens: Count = 0
    output_text_tokens: Count = 0
    output_audio_tokens: Count = 0
    transcription_seconds: NonNegativeFloat = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """Add two usages, field by field."""
        mine, theirs = self.model_dump(), other.model_dump()
        return Usage(**{name: mine[name] + theirs[name] for name in mine})


class _Wire(BaseModel):
    """A shape on the wire: camelCase, nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True, extra="forbid", frozen=True
    )


class NoData(_Wire):
    """An event that says all by its type."""


class StartedData(_Wire):
    """The two numbers of a call; `anonymous` when withheld."""

    caller: str = Field(alias="from")
    callee: str = Field(alias="to")


class TurnData(_Wire):
    """What one speaker said until the other took over.

    `previous_item_id` names the turn published before this one in the conversation, or `root`: by it a reader
    places a turn that came late. Without it the turn goes to the end.
    """

    speaker: Speaker
    content: str
    item_id: str
    previous_item_id: str | None = None
    interrupted: bool = False


class ToolStartedData(_Wire):
    """A tool call as the model made it; `arguments` is its JSON text."""

    tool_call_id: str
    name: str
    arguments: str


class ToolFinishedData(_Wire):
    """What became of a tool call."""

    tool_call_id: str
    name: str
    ok: bool
    output: str
    duration_seconds: NonNegativeFloat


class EndedData(_Wire):
    """How a call ended, how long it was talked, and what it cost (null: unknown)."""

    status: CallStatus
    end_reason: EndReason
    duration_seconds: Count
    usage: Usage
    cost_usd: float | None


def _require_type(schema: dict[str, Any]) -> None:
    # Its default is for our own convenience: on the wire nobody could tell the event without it.
    schema["required"].append("eventType")
    del schema["properties"]["eventType"]["default"]


class _Envelope(_Wire):
    model_config = ConfigDict(json_schema_extra=_require_type)

    event_id: str = Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$", description="ULID; names the event for ever")
    call_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$", description="Twilio's CA… or OpenAI's rtc_…")
    phone_number: str = Field(pattern=r"^(\+[1-9][0-9]{6,14}|anonymous)$", description="the other person's")
    direction: Direction
    timestamp: Timestamp


class _Kept(_Envelope):
    """An event that is stored: numbered from 1 within its call, without gaps."""

    sequence: Annotated[PositiveInt, BeforeValidator(_whole)]


class CallStarted(_Kept):
    """A call exists: it was dialled, or it came in and was let in."""

    event_type: Literal["call_started"] = "call_started"
    data: StartedData


class CallAnswered(_Kept):
    """Somebody has picked up: the person who was called, or we."""

    event_type: Literal["call_answered"] = "call_answered"
    data: NoData = NoData()


class TranscriptUpdate(_Kept):
    """A turn is finished."""

    event_type: Literal["transcript_update"] = "transcript_update"
    data: TurnData


class TranscriptPartial(_Envelope):
    """The text of a turn so far. Live only, never stored."""

    event_type: Literal["transcript_partial"] = "transcript_partial"
    data: TurnData


class ToolStarted(_Kept):
    """The model called a tool."""

    event_type: Literal["tool_started"] = "tool_started"
    data: ToolStartedData


class ToolFinished(_Kept):
    """A tool answered, or failed."""

    event_type: Literal["tool_finished"] = "tool_finished"
    data: ToolFinishedData


class CallEnded(_Kept):
    """The call is over. Only a `tool_finished` may follow."""

    event_type: Literal["call_ended"] = "call_ended"
    data: EndedData


KeptEvent = Annotated[
    CallStarted | CallAnswered | TranscriptUpdate | ToolStarted | ToolFinished | CallEnded,
    Field(discriminator="event_type"),
]
CallEvent = Annotated[
    CallStarted
    | CallAnswered
    | TranscriptUpdate
    | TranscriptPartial
    | ToolStarted
    | ToolFinished
    | CallEnded,
    Field(discriminator="event_type"),
]

call_event: TypeAdapter[CallEvent] = TypeAdapter(CallEvent)
"""Reads any call event; raises `pydantic.ValidationError`."""


def schema() -> bytes:
    """Render the JSON Schema (2020-12) of the call events as it is committed."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CallEvent",
        **call_event.json_schema(by_alias=True, mode="serialization"),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    SCHEMA_FILE.write_bytes(schema())
