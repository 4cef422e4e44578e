import inspect
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from shared import events
from shared.events import CallEvent, CallStatus, KeptEvent, Usage, call_event

ENVELOPE = {
    "eventId": "01KAR3E6WCJ9ZQ4M1V7T2X5B8N",
    "callId": "CA00000000000000000000000000000001",
    "phoneNumber": "+14155550123",
    "direction": "inbound",
    "timestamp": "2026-11-22T14:03:11.204Z",
}
TURN = {"speaker": "user", "content": "Hi", "itemId": "i1", "previousItemId": None, "interrupted": False}
TOOL = {"toolCallId": "t1", "name": "ask_openclaw"}
ENDED = {
    "status": "completed",
    "endReason": "caller_hung_up",
    "durationSeconds": 61,
    "usage": Usage(input_text_tokens=3).model_dump(),
    "costUsd": None,
}
DATA: dict[str, dict[str, Any]] = {
    "call_started": {"from": "+14155550123", "to": "+14155550199"},
    "call_answered": {},
    "transcript_update": TURN,
    "transcript_partial": TURN,
    "tool_started": TOOL | {"arguments": "{}"},
    "tool_finished": TOOL | {"ok": True, "output": "8 degrees", "durationSeconds": 0.5},
    "call_ended": ENDED,
}
SCHEMA = json.loads(events.SCHEMA_FILE.read_bytes())


def classes() -> list[type[BaseModel]]:
    """Find every event class by itself: a model that names its own type."""
    found = [
        model for _, model in inspect.getmembers(events, inspect.isclass) if issubclass(model, BaseModel)
    ]
    return [model for model in found if "event_type" in model.model_fields]


def wire(kind: str) -> dict[str, Any]:
    """Make an event as it is posted."""
    number = {} if kind == "transcript_partial" else {"sequence": 3}
    return ENVELOPE | number | {"eventType": kind, "data": DATA[kind]}


@pytest.mark.parametrize("model", classes())
def test_every_event_survives_the_wire_unchanged(model: type[BaseModel]) -> None:
    kind = model.model_fields["event_type"].default
    posted = wire(kind)
    event = call_event.validate_json(json.dumps(posted))
    assert type(event) is model
    assert json.loads(event.model_dump_json()) == posted
    assert call_event.validate_python(event.model_dump(mode="json")) == event
    jsonschema.Draft202012Validator(SCHEMA).validate(posted)


def test_the_unions_miss_no_event_and_only_partials_are_not_kept() -> None:
    everything = set(get_args(get_args(CallEvent)[0]))
    assert everything == set(classes())
    assert everything - set(get_args(get_args(KeptEvent)[0])) == {events.TranscriptPartial}


def test_the_committed_json_schema_equals_the_models() -> None:
    assert events.SCHEMA_FILE.read_bytes() == events.schema(), "run `python -m shared.events`"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"eventId": "01kar3e6wcj9zq4m1v7t2x5b8n"},
        {"eventId": "1"},
        {"callId": "CA/../1"},
        {"callId": ""},
        {"phoneNumber": "unknown"},
        {"phoneNumber": "+0123456789"},
        {"sequence": 0},
        {"sequence": None},
        {"direction": "out"},
        {"timestamp": "2026-11-22T14:03:11"},
        {"eventType": "call_paused"},
        {"more": 1},
        {"data": TURN | {"more": 1}},
        {"data": TURN | {"speaker": "system"}},
    ],
)
def test_what_the_contract_does_not_know_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        call_event.validate_python(wire("transcript_update") | change)


def test_a_withheld_number_is_anonymous_on_the_wire() -> None:
    event = call_event.validate_python(wire("call_answered") | {"phoneNumber": events.ANONYMOUS})
    assert event.phone_number == "anonymous"


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 11, 22, 15, 3, 11, 204999, tzinfo=timezone(timedelta(hours=1)))
    assert events.iso(moment) == "2026-11-22T14:03:11.204Z"
    assert events.iso(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


def test_usage_adds_up_field_by_field() -> None:
    one = Usage(**{name: number for number, name in enumerate(Usage.model_fields)})
    assert one + Usage() == one
    assert (one + one).model_dump() == {name: 2 * value for name, value in one.model_dump().items()}


def test_a_call_that_rings_or_runs_is_not_over() -> None:
    assert {status.value for status in CallStatus if not status.is_final} == {
        "queued",
        "ringing",
        "in-progress",
    }
