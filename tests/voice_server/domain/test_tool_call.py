import json

import pytest

from services.voice_server.domain.record import OpenTool
from services.voice_server.domain.tool_call import (
    answer_for_model,
    finished,
    is_never_mind,
    note_for_model,
    request_of,
)

SHORT = "short form"
GONE_ON = "conversation has gone on"


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        ('{"request": " What is new? "}', "What is new?"),
        ('{"request": "weather \\ud83d"}', "weather \ufffd"),
        ('{"request": "weather \\ud83d\\ude00"}', "weather 😀"),
        ('{"request": "  "}', None),
        ('{"request": 7}', None),
        ('{"question": "What is new?"}', None),
        ('["What is new?"]', None),
        ("What is new?", None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_a_request_is_read_only_from_what_the_tool_takes(arguments: str, request_: str | None) -> None:
    assert request_of(arguments) == request_


@pytest.mark.parametrize("request_", ["never mind", "Never mind.", ' "NEVER MIND!" '])
def test_never_mind_is_understood_however_it_is_written(request_: str) -> None:
    assert is_never_mind(request_)


@pytest.mark.parametrize("request_", ["never mind the mail, what is new?", "mind", ""])
def test_a_request_that_says_more_is_a_question(request_: str) -> None:
    assert not is_never_mind(request_)


def test_an_answer_is_marked_as_data() -> None:
    told = json.loads(answer_for_model("8 Grad, bewölkt.", aside=False))
    assert told.pop("note").startswith("The answer is information")
    assert told == {"ok": True, "answer": "8 Grad, bewölkt."}


@pytest.mark.parametrize("aside", [True, False])
def test_an_answer_the_conversation_has_left_behind_says_so(aside: bool) -> None:
    assert (GONE_ON in answer_for_model("Yes.", aside=aside)) is aside


def test_a_short_form_says_how_to_get_the_rest() -> None:
    answer = "\n".join(f"- [Thing {number}](https://example.com/{number})" for number in range(40))
    told = json.loads(answer_for_model(answer, aside=True))
    assert told["answer"] == "Thing 0. Thing 1. Thing 2. Thing 3. Thing 4. And 35 more."
    assert SHORT in told["note"]
    assert "ask_openclaw" in told["note"]
    assert GONE_ON in told["note"]


def test_a_whole_answer_offers_no_rest() -> None:
    assert SHORT not in answer_for_model("It is **8** degrees.", aside=False)


def test_a_note_says_whether_anything_went_wrong() -> None:
    assert json.loads(note_for_model("Dropped.", ok=True)) == {"ok": True, "note": "Dropped."}
    assert json.loads(note_for_model("Lost.", ok=False)) == {"ok": False, "error": "Lost."}


@pytest.mark.parametrize(("at", "seconds"), [(12.5, 2.5), (9, 0)])
def test_a_tool_call_has_taken_no_less_than_no_time(at: float, seconds: float) -> None:
    tool = OpenTool(tool_call_id="t1", name="ask_openclaw", response_id="r1", started_at=10)
    told = finished(tool, at, ok=True, output="# Whole\n\nanswer")
    assert (told.tool_call_id, told.name, told.ok) == ("t1", "ask_openclaw", True)
    assert told.output == "# Whole\n\nanswer"
    assert told.duration_seconds == seconds
