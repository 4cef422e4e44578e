"""The model with questions out, as a service sees it that plays its part by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse

from sandbox.app import Sandbox
from sandbox.openai.asking import answer_in, quoted, written_last
from sandbox.openai.call import RealtimeCall
from sandbox.openai.conversation import Item
from sandbox.steps import (
    AssistantAsks,
    AssistantRecalls,
    AssistantSays,
    AssistantTells,
    CallerHangsUp,
    CallerSays,
    Script,
    Step,
)
from tests.sandbox.voice_server import SESSION, VoiceServer

QUESTION = AssistantAsks("Which gate?", preamble="", waits=False)
FILLER = "Say only this: you are looking into it, one moment."
SIGN = "Say only this, in other words than before: you are still at it."
LONGER = "Say that it takes longer. If you know a part of the answer, say that part first."
LOST = "The line was interrupted for a moment. Say so."


class Service:
    """A service on the sideband of one call that does what a test tells it to."""

    def __init__(self, call: RealtimeCall, socket: ClientWebSocketResponse) -> None:
        self.call = call
        self._socket = socket

    @property
    def said(self) -> list[str]:
        """What the model has said, response by response."""
        items = self.call.conversation.items
        return [item.words for item in items if item.is_spoken_answer and item.words]

    async def until_asked(self, count: int = 1) -> list[Item]:
        """Wait until the model has asked so much; the tool calls."""

        def asked() -> list[Item]:
            items = self.call.conversation.items
            return [item for item in items if item.body["type"] == "function_call" and item.body["arguments"]]

        await self.call.world.watch.until(lambda: len(asked()) >= count)
        return asked()

    async def until_said(self, words: str) -> None:
        """Wait until the model has said this."""
        await self.call.world.watch.until(lambda: any(words in said for said in self.said))

    async def answer(self, tool_call: Item, **output: Any) -> None:
        """Give the output of a tool."""
        item = {"type": "function_call_output", "call_id": tool_call.body["call_id"]}
        body = item | {"output": json.dumps(output)}
        await self._socket.send_json({"type": "conversation.item.create", "item": body})

    async def have(self, instructions: str | None = None) -> None:
        """Have the model speak, when it has finished what it says; wait until it has."""
        floor = self.call.floor
        await self.call.world.watch.until(lambda: not floor.active)
        before = floor.newest
        response = {"instructions": instructions, "tool_choice": "none"} if instructions else {}
        await self._socket.send_json({"type": "response.create", "response": response})
        await self.call.world.watch.until(lambda: floor.newest is not before and not floor.active)


class Lines:
    """Let people call, each a script of a test's own."""

    def __init__(self, sandbox: Sandbox, voice_server: VoiceServer) -> None:
        self._sandbox = sandbox
        self._voice_server = voice_server
        self.sockets: list[ClientWebSocketResponse] = []

    async def ring(self, *steps: Step, session: dict[str, Any] | None = None) -> Service:
        """Let somebody call, and take the call."""
        call = self._sandbox.phone_in(script=Script((*steps, CallerHangsUp()))).realtime
        assert call
        assert await self._voice_server.post(call.call_id, "accept", session or SESSION) == 200
        self.sockets.append(await self._voice_server.attach(call.call_id))
        return Service(call, self.sockets[-1])


@pytest.fixture
async def lines(sandbox: Sandbox, voice_server: VoiceServer) -> AsyncIterator[Lines]:
    voice_server.decides = "ignore"
    opened = Lines(sandbox, voice_server)
    yield opened
    for socket in opened.sockets:
        await socket.close()


async def test_a_model_that_says_nothing_before_it_asks_is_not_heard(lines: Lines) -> None:
    line = await lines.ring(CallerSays("Which gate?"), QUESTION, AssistantTells())
    await line.until_asked()
    assert line.said == []


async def test_while_a_question_runs_the_model_says_what_it_is_asked_for_each_time_in_other_words(
    lines: Lines,
) -> None:
    line = await lines.ring(QUESTION, AssistantTells())
    (tool_call,) = await line.until_asked()
    for wish in (FILLER, SIGN, SIGN, SIGN, LONGER, SIGN, SIGN, SIGN):
        await line.have(wish)
    assert len(set(line.said)) == 8
    assert "looking" in line.said[0]
    assert "longer" in line.said[4]
    await line.answer(tool_call, ok=True, answer="Gate B12.")
    await line.have()
    assert line.said[8] == "Gate B12."
    await line.call.over.wait()


async def test_questions_of_one_response_are_told_together_or_as_they_come(lines: Lines) -> None:
    ask = AssistantAsks("Which gate?", also=("Any mail?",), waits=False)
    line = await lines.ring(ask, AssistantTells())
    gate, mail = await line.until_asked(2)
    assert gate.body["call_id"] != mail.body["call_id"]
    await line.answer(mail, ok=True, answer="No mail.")
    await line.have(LONGER)
    assert line.said[1].endswith("No mail.")
    await line.answer(gate, ok=True, answer="Gate B12.")
    await line.have()
    assert line.said[2] == "Gate B12."


async def test_an_answer_that_is_there_is_told_in_the_reply_to_the_caller(lines: Lines) -> None:
    still_there = CallerSays("Still there?", after=3)
    line = await lines.ring(QUESTION, still_there, AssistantSays("Yes."), AssistantTells())
    (tool_call,) = await line.until_asked()
    await line.answer(tool_call, ok=True, answer="Gate B12.")
    await line.until_said("Yes. Gate B12.")
    await line.call.over.wait()


async def test_what_the_model_has_dropped_it_tells_no_more(lines: Lines) -> None:
    drop = AssistantAsks("never mind", preamble="All right.", waits=False)
    line = await lines.ring(QUESTION, CallerSays("Never mind."), drop, AssistantTells())
    gate, never_mind = await line.until_asked(2)
    await line.answer(gate, ok=False, error="Dropped.")
    await line.answer(never_mind, ok=True, note="Dropped.")
    await line.have()
    assert line.said == ["All right.", "All right."]


async def test_what_is_asked_again_is_told_when_the_first_answer_comes(lines: Lines) -> None:
    both = AssistantAsks("Which gate?", preamble="", also=("Any mail?",))
    line = await lines.ring(QUESTION, CallerSays("And mail."), both)
    first, again, mail = await line.until_asked(3)
    await line.answer(again, ok=True, note="This is being asked already.")
    await line.answer(mail, ok=True, answer="No mail.")
    await line.answer(first, ok=True, answer="Gate B12.")
    await line.have()
    assert line.said == ["Gate B12. No mail."]
    await line.call.over.wait()


async def test_a_model_that_has_lost_the_thread_waits_no_longer_but_tells_what_comes(lines: Lines) -> None:
    line = await lines.ring(QUESTION, AssistantTells(), CallerSays("Where?"), AssistantSays("Here."))
    (tool_call,) = await line.until_asked()
    await line.have(LOST)
    assert line.said == ["Sorry, where were we?"]
    await line.answer(tool_call, ok=True, answer="Gate B12.")
    await line.until_said("Here. Gate B12.")


async def test_a_caller_may_talk_over_words_that_are_still_to_come(lines: Lines) -> None:
    over = CallerSays("Take your time.", interrupts=True)
    line = await lines.ring(QUESTION, over, AssistantSays("Thanks."), AssistantTells())
    (tool_call,) = await line.until_asked()
    assert line.call.heard == []
    await line.have(FILLER)
    await line.until_said("Thanks.")
    filler, caller = line.call.heard[:2]
    assert (filler.speaker, caller.speaker) == ("assistant", "caller")
    assert filler.words
    assert FILLER not in filler.words
    assert filler.ended_at
    assert caller.started_at <= filler.ended_at + 0.001
    await line.answer(tool_call, ok=True, answer="Gate B12.")
    await line.have()
    await line.call.over.wait()


async def test_an_answer_that_the_caller_talks_into_is_told_again(lines: Lines) -> None:
    with_answer = CallerSays("Is it raining?", with_answer=True)
    line = await lines.ring(QUESTION, with_answer, AssistantSays("It is dry."), AssistantTells())
    (tool_call,) = await line.until_asked()
    await line.answer(tool_call, ok=True, answer="Gate B12.")
    await line.have()
    await line.until_said("It is dry. Gate B12.")
    await line.call.over.wait()


async def test_a_call_that_ends_while_a_question_runs_leaves_nobody_waiting(
    lines: Lines, sandbox: Sandbox
) -> None:
    line = await lines.ring(QUESTION, AssistantTells())
    await line.until_asked()
    name = f"script of {line.call.call_id}"
    (script,) = (task for task in asyncio.all_tasks() if task.get_name() == name)
    sandbox.exchange.hang_up(line.call.call_id)
    await asyncio.wait([script], timeout=5)
    assert script.done()


async def test_the_model_recalls_what_the_person_wrote_last(lines: Lines) -> None:
    told = (
        'Background:\n2026-11-24 14:03 UTC, user: "Buy milk."\nuser: "No, \\"oat\\" milk."\nassistant: "Yes."'
    )
    line = await lines.ring(AssistantRecalls(), session=SESSION | {"instructions": told})
    await line.until_said('You wrote: No, "oat" milk.')


async def test_a_model_that_was_told_of_no_chat_recalls_nothing(lines: Lines) -> None:
    line = await lines.ring(AssistantRecalls())
    await line.until_said("can't see what you wrote")


async def test_what_is_heard_on_the_line_is_told_with_its_moments(lines: Lines, sandbox: Sandbox) -> None:
    line = await lines.ring(CallerSays("Hello?"), AssistantSays("Hi."))
    await line.call.over.wait()
    told = sandbox.call(line.call.call_id).as_json()["openai"]["heard"]
    assert [(one["speaker"], one["words"]) for one in told] == [("caller", "Hello?"), ("assistant", "Hi.")]
    moments = [moment for one in told for moment in (one["started"], one["ended"])]
    assert moments == sorted(moments)


def test_what_the_person_wrote_last_is_found_among_the_quotations() -> None:
    assert written_last('x\nuser: "One."\nassistant: "Two."') == "One."
    assert written_last('Say "user" to a user: "No."') is None


def test_what_instructions_quote_is_said() -> None:
    assert quoted({"instructions": 'Say exactly "Hi, I\'m Ada." now'}) == "Hi, I'm Ada."
    assert quoted({"instructions": "Say “Guten Tag”."}) == "Guten Tag"
    assert quoted({"instructions": "Greet."}) is None
    assert quoted({}) is None


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ('{"ok":true,"answer":"8 degrees"}', "8 degrees"),
        ('{"error":"the agent did not answer"}', "the agent did not answer"),
        ('"plain"', "plain"),
        ("not json", "not json"),
        ('{"number":1}', '{"number":1}'),
        ('{"ok":true,"note":"This is being asked already."}', ""),
    ],
)
def test_the_answer_is_found_in_the_output_of_a_function(output: str, said: str) -> None:
    assert answer_in(output) == said
