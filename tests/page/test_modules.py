"""The page's pure modules, run in the browser: whatever comes, in whatever order, the services agree."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selenium.webdriver import Chrome

from services.session_bridge.adapters.journal import Record
from services.session_bridge.tails import _frame
from shared.events import CallEnded, ToolFinished, ToolStarted, TranscriptPartial, TranscriptUpdate
from shared.transcript import Turn, in_order
from tests.page.stories import Story, stories, wire
from tests.system.conftest import Stack

Run = Callable[[str, Any], Any]

in_a_browser = settings(deadline=None, max_examples=30)


@pytest.fixture(scope="module")
def run(chrome: Chrome, stack: Stack) -> Run:
    """Run JavaScript on the page's origin, without the page; `told` is what it is given."""
    chrome.get(f"{stack.bridge.url}/health")
    return lambda body, told: chrome.execute_script(
        f"return (async (told) => {{{body}}})(arguments[0])", told
    )


FOLD = """
const {receive} = await import('/web/call.js');
return told.reduce((call, [type, event]) => receive(call, type, event), null);
"""


@in_a_browser
@given(story=stories())
def test_the_turns_are_those_of_the_voice_server_in_its_order(run: Run, story: Story) -> None:
    shown = [turn for turn in run(FOLD, wire(story.heard))["turns"] if not turn["growing"]]
    told = in_order(Turn.of(event) for event in story.published if isinstance(event, TranscriptUpdate))
    assert [(turn["id"], turn["speaker"], turn["text"], turn["interrupted"]) for turn in shown] == [
        (turn.item_id, turn.speaker, turn.content, turn.interrupted) for turn in told
    ]


@in_a_browser
@given(story=stories())
def test_what_is_being_said_stands_behind_all_turns_until_it_is_finished_or_the_call_is_over(
    run: Run, story: Story
) -> None:
    turns = run(FOLD, wire(story.heard))["turns"]
    growing = {turn["id"]: turn["text"] for turn in turns if turn["growing"]}
    assert [turn["growing"] for turn in turns] == sorted(turn["growing"] for turn in turns)
    finished = {event.data.item_id for event in story.published if isinstance(event, TranscriptUpdate)}
    over = any(isinstance(event, CallEnded) for event in story.published)
    partials = [event.data for event in story.heard if isinstance(event, TranscriptPartial)]
    said = {turn.item_id: turn.content for turn in partials if turn.item_id not in finished}
    assert growing == ({} if over else said)


@in_a_browser
@given(story=stories())
def test_each_tool_call_is_there_once_with_what_became_of_it(run: Run, story: Story) -> None:
    call = run(FOLD, wire(story.heard))
    begun = [event.data.tool_call_id for event in story.published if isinstance(event, ToolStarted)]
    became = {
        event.data.tool_call_id: event.data.ok for event in story.published if isinstance(event, ToolFinished)
    }
    assert [(tool["id"], tool["ok"]) for tool in call["tools"]] == [(one, became[one]) for one in begun]
    over = any(isinstance(event, CallEnded) for event in story.published)
    assert call["status"] == ("completed" if over else "in-progress")


PARSE = """
const {parse} = await import('/web/stream.js');
return told.reduce(([frames, rest], chunk) => {
  const [found, left] = parse(rest + chunk);
  return [[...frames, ...found], left];
}, [[], '']);
"""


@in_a_browser
@given(story=stories(), data=st.data())
def test_the_stream_is_read_as_the_bridge_has_sent_it_wherever_it_is_cut(
    run: Run, story: Story, data: st.DataObject
) -> None:
    expected, sent = [], ""
    for number, event in enumerate(story.heard, 1):
        json, is_partial = event.model_dump_json(), isinstance(event, TranscriptPartial)
        record = Record(number, event.call_id, None, event.event_type, json.encode())
        sent += (
            data.draw(st.sampled_from(["", ": ping\n\n"]))
            + _frame(record, is_partial=is_partial).encoded.decode()
        )
        expected.append(
            {"event": event.event_type, "data": json} | ({} if is_partial else {"id": str(number)})
        )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=9)))
    chunks = [sent[start:end] for start, end in pairwise([0, *cuts, len(sent)])]
    assert run(PARSE, chunks) == [expected, ""]


WRITTEN = """
const [{receive, entries}, {asText}] = await Promise.all([import('/web/call.js'), import('/web/words.js')]);
const call = told.reduce((known, [type, event]) => receive(known, type, event), null);
return asText(call, entries(call));
"""


@in_a_browser
@given(story=stories())
def test_a_call_taken_away_as_text_has_all_its_turns_in_order_and_all_its_tool_calls(
    run: Run, story: Story
) -> None:
    text = run(WRITTEN, wire(story.heard))
    turns = in_order(Turn.of(event) for event in story.published if isinstance(event, TranscriptUpdate))
    names = {"user": "Caller", "assistant": "Assistant"}
    place = 0
    for turn in turns:
        place = text.index(f"] {names[turn.speaker]}: {turn.content}", place) + 1
    assert text.count("] t: {} (1.5 s") == sum(isinstance(event, ToolStarted) for event in story.published)


DURATIONS = "const {duration} = await import('/web/words.js'); return told.map(duration);"


@in_a_browser
@given(seconds=st.lists(st.integers(0, 10**6), min_size=20))
def test_a_duration_reads_as_hours_minutes_and_seconds(run: Run, seconds: list[int]) -> None:
    shown = [[int(part) for part in words.split(":")] for words in run(DURATIONS, seconds)]
    assert [sum(part * 60**place for place, part in enumerate(reversed(parts))) for parts in shown] == seconds


REQUESTS = "const {request} = await import('/web/words.js'); return told.map(request);"


@in_a_browser
@given(words=st.text())
def test_what_a_tool_was_asked_is_shown_whatever_the_model_wrote(run: Run, words: str) -> None:
    alone, more, number = (
        orjson.dumps(one).decode() for one in ({"a": words}, {"a": words, "b": 1}, {"a": 1})
    )
    told = [alone, more, number, "{", "null", "[]", ""]
    assert run(REQUESTS, told) == [words, *told[1:]]
