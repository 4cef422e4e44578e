"""Each fault of OpenAI's happens as it is named: what a service that listens in gets to see."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from sandbox.openai import spoiling
from sandbox.openai.spoiling import Spoiler
from sandbox.openai.troubles import TROUBLES

DONE = {"type": "response.done", "event_id": "e1", "response": {"status": "completed", "usage": {"total": 1}}}
CUT = {"type": "response.done", "event_id": "e2", "response": {"status": "cancelled", "usage": {}}}
CREATED = {"type": "response.created", "event_id": "e3"}
HEARD = {
    "type": "conversation.item.input_audio_transcription.completed",
    "event_id": "e4",
    "item_id": "item_1",
    "content_index": 0,
    "transcript": "Hello.",
}


def out(name: str, *bodies: dict[str, Any]) -> list[spoiling.Wire]:
    """Send frames through what happens to them under a fault."""
    spoil: Spoiler = TROUBLES[name].spoiler()
    return [wire for body in bodies for wire in spoil(body)]


@pytest.mark.parametrize(
    ("name", "sent", "comes"),
    [
        ("done-doubled", [CREATED, DONE], [CREATED, DONE, DONE]),
        ("done-missing", [CREATED, DONE], [CREATED]),
        ("done-late", [CUT, HEARD, CREATED], [HEARD, CREATED, CUT]),
        ("done-late", [DONE, CREATED], [DONE, CREATED]),
        ("transcript-never", [HEARD, DONE], [DONE]),
        ("transcript-empty", [HEARD], [HEARD | {"transcript": ""}]),
        ("transcript-late", [HEARD, DONE, DONE], [DONE, HEARD, DONE]),
        ("usage-bare", [CREATED, DONE], [CREATED, DONE]),
        ("names-former", [CREATED], [CREATED]),
    ],
)
def test_frames_are_lost_doubled_or_late(
    name: str, sent: list[dict[str, Any]], comes: list[dict[str, Any]]
) -> None:
    assert out(name, *sent) == comes


def test_a_transcription_that_fails_says_so_in_place_of_the_words() -> None:
    (failed,) = out("transcript-failed", HEARD)
    assert isinstance(failed, dict)
    assert failed["type"].endswith(".failed")
    assert (failed["item_id"], "transcript" in failed) == ("item_1", False)


def test_former_names_are_the_ones_before_general_availability() -> None:
    kinds = ("response.output_audio_transcript.delta", "response.output_text.done", "conversation.item.added")
    former = ("response.audio_transcript.delta", "response.text.done", "conversation.item.created")
    assert out("names-former", *({"type": kind} for kind in kinds)) == [{"type": kind} for kind in former]
    assert out("names-former", {"type": "conversation.item.done"}) == []


def is_no_event(wire: spoiling.Wire) -> bool:
    """Tell what cannot be read as an event of OpenAI's."""
    try:
        read = orjson.loads(wire if isinstance(wire, str | bytes) else orjson.dumps(wire))
    except ValueError:
        return True
    if not isinstance(read, dict) or not isinstance(read.get("type"), str):
        return True
    return not isinstance(read.get("response"), dict)


@pytest.mark.parametrize(
    ("name", "kind", "is_it"),
    [
        ("frames-malformed", str, is_no_event),
        ("frames-binary", bytes, is_no_event),
        ("events-unknown", dict, lambda wire: wire["type"] == "response.mood.updated"),
    ],
)
def test_junk_comes_after_every_beginning_of_an_answer(
    name: str, kind: type, is_it: Callable[[Any], bool]
) -> None:
    first, *junk = out(name, CREATED)
    assert first == CREATED
    assert junk
    assert all(isinstance(wire, kind) and is_it(wire) for wire in junk)
    assert out(name, DONE) == [DONE]


def test_one_frame_is_huge() -> None:
    spoil = TROUBLES["frame-huge"].spoiler()
    (_, huge), again = spoil(CREATED), spoil(CREATED)
    assert len(huge) > 20_000_000
    assert again == [CREATED]


def test_what_spoils_one_call_spoils_no_other() -> None:
    one, other = TROUBLES["done-late"].spoiler(), TROUBLES["done-late"].spoiler()
    assert one(CUT) == []
    assert other(CREATED) == [CREATED]
