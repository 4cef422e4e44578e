"""Calls as a browser may hear of them: turns come in any order, in part before, and some of it all again."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from services.voice_server.domain.reporter import EventData, ended_data, partial
from shared.events import (
    ROOT,
    CallEvent,
    CallStatus,
    KeptEvent,
    NoData,
    Speaker,
    StartedData,
    ToolFinishedData,
    ToolStartedData,
    TurnData,
)
from tests.voice_server.calls import STARTED_AT, record, said

ITEMS = [f"item_{number}" for number in range(6)]
TOOLS = [f"call_{number}" for number in range(3)]
ANY_ITEM = st.sampled_from(ITEMS)
WORDS = st.text(max_size=12)


@dataclass(frozen=True)
class Story:
    """A call: the events that were published, and all that was heard of them, in order."""

    published: list[KeptEvent]
    heard: list[CallEvent]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Make up a call, and how it is heard of: after each event partials may come, or it begins once more."""
    published = draw(_published())
    heard: list[CallEvent] = []
    for number, event in enumerate(published, 1):
        heard.append(event)
        heard += [partial(record(), turn, STARTED_AT) for turn in draw(st.lists(_turns(), max_size=2))]
        if draw(st.integers(0, 9)) == 0:
            heard += published[:number]
    return Story(published, heard)


@st.composite
def _published(draw: st.DrawFn) -> list[KeptEvent]:
    call = record()
    turns: list[EventData] = [draw(_turns(st.just(item))) for item in draw(st.lists(ANY_ITEM, unique=True))]
    tools = draw(st.lists(st.sampled_from(TOOLS), unique=True))
    begun: list[EventData] = [ToolStartedData(tool_call_id=tool, name="t", arguments="{}") for tool in tools]
    talk = draw(st.permutations([*turns, *begun]))
    ended = [ended_data(call.model_copy(update={"status": CallStatus.COMPLETED}))] * draw(st.integers(0, 1))
    answers: list[EventData] = [_answer(tool, ok=draw(st.booleans())) for tool in tools]
    late = draw(st.integers(0, len(answers)))
    start = StartedData(caller=call.caller, callee=call.callee)
    return said(call, start, NoData(), *talk, *answers[late:], *ended, *answers[:late])[1]


def _turns(items: st.SearchStrategy[str] = ANY_ITEM) -> st.SearchStrategy[TurnData]:
    parts = {
        "speaker": st.sampled_from(Speaker),
        "content": WORDS,
        "item_id": items,
        "previous_item_id": st.sampled_from([None, ROOT, "unknown", *ITEMS]),
        "interrupted": st.booleans(),
    }
    return st.fixed_dictionaries(parts).map(lambda said: TurnData(**said))


def _answer(tool: str, *, ok: bool) -> ToolFinishedData:
    return ToolFinishedData(tool_call_id=tool, name="t", ok=ok, output="done", duration_seconds=1.5)


def wire(events: list[CallEvent]) -> list[Any]:
    """Put events as the page reads them: type and data."""
    return [[event.event_type, event.model_dump(mode="json")] for event in events]
