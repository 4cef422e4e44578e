"""Calls as the voice server tells them, and as the bridge makes turns of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ulid import ULID

from shared.events import CallEvent, KeptEvent, Speaker, call_event
from shared.transcript import Turn

START = datetime(2026, 11, 22, 14, 3, 11, 204000, tzinfo=UTC)
NUMBER = "+14155550123"
CALL = "CA00000000000000000000000000000001"

Json = dict[str, Any]


def kept(call_id: str, sequence: int, kind: str, data: Json, number: str = NUMBER) -> Json:
    """Make an event as it is posted."""
    return {
        "eventId": str(ULID()),
        "callId": call_id,
        "sequence": sequence,
        "eventType": kind,
        "phoneNumber": number,
        "direction": "inbound",
        "timestamp": (START + timedelta(seconds=sequence)).isoformat(),
        "data": data,
    }


def said(text: str, item_id: str) -> Json:
    """Make the data of a turn: `user: hello` or `assistant: hello`."""
    speaker, _, content = text.partition(": ")
    return {"speaker": speaker, "content": content, "itemId": item_id}


def call(*texts: str, call_id: str = CALL, number: str = NUMBER) -> list[Json]:
    """Make the events of a whole call in which these turns were spoken."""
    turns = [("transcript_update", said(text, f"item_{place}")) for place, text in enumerate(texts, 1)]
    ended = {
        "status": "completed",
        "endReason": "caller_hung_up",
        "durationSeconds": 8,
        "usage": {},
        "costUsd": None,
    }
    kinds = [("call_started", {"from": number, "to": "+14155550199"}), *turns, ("call_ended", ended)]
    return [kept(call_id, place, kind, data, number) for place, (kind, data) in enumerate(kinds, 1)]


def partial(text: str, call_id: str = CALL) -> Json:
    """Make the event of a turn that is still being spoken."""
    event = kept(call_id, 1, "transcript_partial", said(text, "item_9"))
    del event["sequence"]
    return event


def read(event: Json) -> KeptEvent:
    """Read an event that is kept."""
    model: CallEvent = call_event.validate_python(event)
    assert model.event_type != "transcript_partial"
    return model


def turns(*texts: str) -> list[Turn]:
    """Make turns spoken a second apart; a trailing ` /` marks one that was cut."""
    made = []
    for place, text in enumerate(texts, 1):
        speaker, _, content = text.partition(": ")
        made.append(
            Turn(
                f"item_{place}",
                Speaker(speaker),
                content.removesuffix(" /"),
                START + timedelta(seconds=place),
                f"item_{place - 1}" if place > 1 else None,
                content.endswith(" /"),
            )
        )
    return made
