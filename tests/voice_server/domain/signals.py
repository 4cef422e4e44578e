"""Signals of every kind: one of each, or any that hypothesis likes."""

from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from services.voice_server.domain import signals as s
from shared.events import CallStatus, EndReason, Speaker, Usage

SID, RTC = "CA0001", "rtc_1"
SIGNALS: list[type[s.Signal]] = s.Signal.__subclasses__()
FINAL = [status for status in CallStatus if status.is_final]
JOINED = [s.CallOffered(RTC), s.CallAccepted(), s.SidebandAttached()]
DIALLED = [s.LegPlaced(SID), s.LegRang(), s.LegAnswered(), *JOINED]
SAMPLES: dict[str, Any] = {
    "call_sid": SID,
    "rtc_id": RTC,
    "status": CallStatus.COMPLETED,
    "ended_at": None,
    "asked_at": 0.0,
    "gone": False,
    "expired": False,
    "reason": EndReason.HUNG_UP_BY_REQUEST,
    "session_key": "agent:main:main",
    "tool_call_id": "t1",
    "ok": True,
    "output": "8 degrees",
    "item_id": "i1",
    "previous_item_id": None,
    "speaker": Speaker.CALLER,
    "response_id": "r1",
    "text": "Hello",
    "usage": Usage(input_text_tokens=7, transcription_seconds=1),
    "goes_on": True,
    "cut": False,
    "request_id": None,
    "tool_calls": (),
    "code": "server_error",
}
"""One value for every field that a signal has."""


def sample(kind: type[s.Signal]) -> s.Signal:
    """Make a signal of a kind."""
    return kind(**{field.name: SAMPLES[field.name] for field in fields(kind)})


ITEMS, RESPONSES, TOOLS = (st.sampled_from([f"{kind}{n}" for n in range(4)]) for kind in "irt")
TEXTS = st.sampled_from(["", " ", "Hello", "It is raining."])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "call_sid": st.sampled_from([SID, "CA0002"]),
    "rtc_id": st.sampled_from([RTC, "rtc_2"]),
    "status": st.sampled_from(FINAL),
    "ended_at": st.sampled_from([None, 0.0, 1_795_000_001.0, 2e9]),
    "asked_at": st.sampled_from([0.0, 1_795_000_001.0, 2e9]),
    "reason": st.sampled_from(EndReason),
    "session_key": st.just("agent:main:main"),
    "tool_call_id": TOOLS,
    "output": TEXTS,
    "item_id": ITEMS,
    "previous_item_id": st.none() | ITEMS,
    "speaker": st.sampled_from(Speaker),
    "response_id": RESPONSES,
    "text": TEXTS,
    "usage": st.builds(Usage, input_text_tokens=st.integers(0, 9), transcription_seconds=st.floats(0, 9)),
    "request_id": st.sampled_from([None, "response_1", "response_2", "event_7"]),
    "tool_calls": st.lists(
        st.builds(
            s.ToolCall,
            TOOLS,
            st.sampled_from(["ask_openclaw", "ask_openclaw", "end_call", "open_door"]),
            st.sampled_from(
                [
                    '{"request": "weather?"}',
                    '{"request": "mail?"}',
                    '{"request": "never mind"}',
                    '{"request": " "}',
                    '{"request": 5}',
                    "[]",
                    "[" * 9999,
                ]
            ),
        ),
        max_size=3,
        unique_by=lambda call: call.tool_call_id,
    ).map(tuple),
    "code": st.sampled_from(["conversation_already_has_active_response", "server_error"]),
}
MAYBE_NONE: set[tuple[type[s.Signal], str]]
MAYBE_NONE = {(s.LegsReleased, name) for name in ("status", "call_sid", "rtc_id")}
MAYBE_NONE |= {(s.ItemAdded, "speaker"), (s.ItemRetrieved, "speaker")}
MAYBE_NONE |= {(s.ItemRetrieved, "text"), (s.CallerTranscribed, "text")}


def any_of(kind: type[s.Signal]) -> st.SearchStrategy[s.Signal]:
    """Draw a signal of a kind."""
    drawn = {field.name: FIELDS.get(field.name, st.booleans()) for field in fields(kind)}
    return st.builds(
        kind, **{name: st.none() | d if (kind, name) in MAYBE_NONE else d for name, d in drawn.items()}
    )


ENDING = {
    s.LegFound,
    s.HangUpRequested,
    s.LegEnded,
    s.LegRefused,
    s.SidebandClosed,
    s.JoinFailed,
    s.LegsReleased,
}
LIVELY = [any_of(kind) for kind in SIGNALS if kind not in ENDING]
SECONDS = st.sampled_from([0.0, 0.0, 0.0, 0.02, 1.0, 2.0, 4.0, 25.0, 100.0, 4000.0])
WAKE, RESTART, REATTACH = "wake", "restart", "reattach"
STEPS = st.lists(
    st.tuples(
        st.one_of(*LIVELY, *LIVELY, *(any_of(kind) for kind in SIGNALS))
        | st.sampled_from([WAKE, RESTART, REATTACH]),
        SECONDS,
    ),
    max_size=40,
)
