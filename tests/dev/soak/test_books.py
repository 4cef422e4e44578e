"""A run that went well is right in every book, and whatever is spoilt in it is found by one of them."""

from collections.abc import Callable
from typing import Any

import pytest

from dev.soak.evidence import Heard, LogLine
from dev.soak.report import check, tell
from tests.dev.soak.evidence import CALL, RTC, a_run


def wrong(spoil: Callable[[Any], object] | None = None, **plan: Any) -> dict[str, list[str]]:
    found = check(a_run(spoil, **plan))
    return {book: [one.what for one in faults] for book, faults in found.items() if faults}


def the_call(run: Any) -> Any:
    return run["history"][CALL]


def said(run: Any) -> Any:
    return the_call(run)["transcript"]


def another_session(run: Any) -> None:
    run["sessions"].append({**run["sessions"][0], "callId": "CA9"})


def at_openai(run: Any) -> Any:
    return run["sandbox"][0]["openai"]


def log(text: str, **fields: Any) -> Callable[[Any], object]:
    return lambda run: run["logs"].append(LogLine("voice server", text, fields))


def tool(run: Any, kind: str) -> Heard:
    return Heard(9, kind, run["heard"][2].data | {"eventType": kind, "data": {"toolCallId": "call_1"}})


def test_a_run_that_went_well_is_right_in_every_book() -> None:
    assert wrong() == {}


SPOILT: list[tuple[str, str, Callable[[Any], object]]] = [
    ("calls", "is not in the history", lambda run: run["history"].clear()),
    ("calls", "answered 502", lambda run: setattr(run["played"][0], "status", 502)),
    ("calls", "never heard of it", lambda run: run["sandbox"].clear()),
    ("tools", "finished call_1 0 times", lambda run: run["heard"].insert(2, tool(run, "tool_started"))),
    ("tools", "finished call_1 2 times", lambda run: run["heard"].insert(2, tool(run, "tool_finished"))),
    ("ends", "has not ended", lambda run: the_call(run).update(status="in-progress")),
    ("ends", "said call_ended 0 times", lambda run: run["heard"].pop(5)),
    ("ends", "said call_ended 2 times", lambda run: run["heard"].insert(6, run["heard"][5])),
    ("ends", "sequence", lambda run: run["heard"].pop(1)),
    ("ends", "said session_synced 0 times", lambda run: run["heard"].pop()),
    ("ends", "call_ended said", lambda run: the_call(run).update(cost_usd=7)),
    ("ends", "instead of completed, caller_hung_up", lambda run: the_call(run).update(end_reason="silence")),
    ("ends", "has 2 sessions", lambda run: run["sessions"].append(run["sessions"][0])),
    ("ends", "in the time a call may take", lambda run: setattr(run["played"][0], "gave_up", True)),
    ("ends", "DELETE answered canceled", lambda run: setattr(run["played"][0], "deleted", "canceled")),
    ("ends", "not in the history", another_session),
    (
        "ends",
        "said transcript_update after call_ended",
        lambda run: run["heard"].insert(6, Heard(9, "transcript_update", run["heard"][4].data)),
    ),
    ("turns", "2 times in the history", lambda run: said(run).append(said(run)[0])),
    ("turns", "2 times in the live stream", lambda run: run["heard"].insert(3, run["heard"][2])),
    ("turns", "lacks item_2", lambda run: said(run).pop(1)),
    ("turns", "was heard as", lambda run: run["heard"].pop(3)),
    ("turns", "spoken as", lambda run: said(run).reverse()),
    ("turns", "never told", lambda run: at_openai(run)["said"].pop()),
    ("turns", "where the sandbox said", lambda run: at_openai(run)["said"][0].update(words="Hi.")),
    ("turns", "but user said it", lambda run: at_openai(run)["said"][0].update(speaker="user")),
    ("turns", "has 2 turns at the bridge", lambda run: run["sessions"][0].update(turns=2)),
    ("turns", "is not in OpenClaw's files", lambda run: run["written"].clear()),
    ("turns", "is not one block", lambda run: run["written"]["s.jsonl"].pop(2)),
    ("turns", "is not one block", lambda run: run["written"].update(other=run["written"]["s.jsonl"])),
    ("turns", "is not one block", lambda run: run["written"]["s.jsonl"].reverse()),
    ("quiet", "is active", lambda run: run["active"].update(calls=[{"call_id": CALL, "status": "ringing"}])),
    ("quiet", "goes on at the sandbox", lambda run: run["sandbox"][0].update(over=False)),
    ("quiet", "['CA2']", lambda run: run["sandbox"][0]["legs"][1].update(statuses=["ringing"])),
    ("quiet", "sidebands open", lambda run: at_openai(run).update(sidebands=1)),
    ("quiet", "is failed at the bridge", lambda run: run["sessions"][0].update(state="failed")),
    (
        "gauges",
        "openclaw_phone_outbox_events is 2",
        lambda run: run["gauges"].update(openclaw_phone_outbox_events=2),
    ),
    ("quiet", "pending", lambda run: the_call(run).update(transcript_state="pending")),
    ("sockets", "1 more", lambda run: run["sockets"]["voice server"][1].update({"to the sandbox": 1})),
    ("usage", "the sandbox told", lambda run: at_openai(run)["usage_told"].update(input_text_tokens=11)),
    ("logs", "Traceback", log("Traceback (most recent call last):")),
    ("logs", "task_failed", log("task_failed", event="task_failed", level="error")),
    ("logs", "boom", log("boom", event="strange", level="info", exception="ValueError: boom")),
    ("logs", "nothing explains", log("odd", event="never_seen_before", level="warning")),
    ("logs", "nothing explains", log("refused", event="twilio_refused", level="warning")),
]


@pytest.mark.parametrize(
    ("book", "words", "spoil"), SPOILT, ids=[f"{book}: {words}" for book, words, _ in SPOILT]
)
def test_what_is_spoilt_is_found(book: str, words: str, spoil: Callable[[Any], object]) -> None:
    found = wrong(spoil)
    assert [what for what in found.get(book, []) if words in what], found


def test_a_warning_is_planned_where_the_fault_of_the_call_explains_it() -> None:
    warned = log("x", event="leg_not_hung_up", level="warning", call_id=CALL)
    assert wrong(warned, fault="hang-up-failed") == {}
    assert "logs" in wrong(warned, fault="callbacks-lost")


def test_words_that_went_out_but_were_cut_need_only_begin_the_same() -> None:
    def cut(run: Any) -> None:
        at_openai(run)["said"][0].update(cut=True, words="Hello! How are you?")

    assert wrong(cut) == {}


def test_a_turn_that_was_only_half_told_may_be_missing() -> None:
    def half(run: Any) -> None:
        at_openai(run)["said"].append(
            {"item_id": "item_4", "speaker": "user", "words": "And", "whole": False, "cut": False}
        )

    assert wrong(half) == {}


def test_the_report_names_the_call_its_plan_and_its_log() -> None:
    def spoil(run: Any) -> None:
        run["sandbox"][0]["over"] = False
        run["logs"].append(LogLine("voice server", f"what happened to {CALL}", {"level": "info"}))

    evidence = a_run(spoil, fault="callbacks-lost")
    text = "\n".join(tell(evidence, check(evidence)))
    for words in ("1 wrong", CALL, "fault callbacks-lost", f"what happened to {CALL}"):
        assert words in text


def test_a_call_of_our_own_that_was_turned_away_too_is_wrong() -> None:
    def twice(run: Any) -> None:
        run["history"][RTC] = the_call(run) | {"status": "rejected", "transcript": []}

    assert "twice" in str(wrong(twice))
