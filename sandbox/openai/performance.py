"""Play a script: the caller's part by itself, the model's part when it is its turn or when it is asked."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.conversation import new_id
from sandbox.openai.hearing import Silence, Utterance, press
from sandbox.openai.response import Reply, Response, ToolCall
from sandbox.scripts import (
    AssistantAsks,
    AssistantEndsCall,
    AssistantSays,
    CallerHangsUp,
    CallerIsSilent,
    CallerPresses,
    CallerSays,
    Greets,
    Step,
)

_TOOL_PATIENCE = 90.0
_GOODBYE_PATIENCE = 20.0
_REACTION_SECONDS = 0.5

Words = Callable[[dict[str, Any]], Reply | None]
"""Chooses a reply to a request of the service; None when the request is not the awaited one."""


class Performance:
    """Both voices of one call."""

    def __init__(self, call: RealtimeCall) -> None:
        self._call = call
        self._awaited: Words | None = None
        self._came = asyncio.Event()
        self._last_turn: Utterance | None = None
        call.floor.reply_to = self.reply_to

    async def run(self) -> None:
        """Play every step; when the script is over the caller hangs up."""
        script = self._call.invite.script
        for step in script.steps:
            await self._play(step)
        while script.repeated:
            for step in script.repeated:
                await self._play(step)
        await self._play(CallerHangsUp())

    def reply_to(self, params: dict[str, Any]) -> Reply:
        """Choose what the model says when the service asks for a response."""
        if self._awaited and (reply := self._awaited(params)):
            self._awaited = None
            self._came.set()
            return reply
        return Reply(quoted(params) or "I'm still here.")

    async def _play(self, step: Step) -> None:
        if isinstance(step, CallerSays | CallerIsSilent | CallerHangsUp):
            self._settle_turn()
        match step:
            case Greets():
                await self._when_asked(
                    lambda params: Reply(quoted(params) or step.default),
                    self._call.world.switches.greeting_seconds,
                )
            case CallerSays():
                await self._caller_says(step)
            case AssistantSays():
                await self._answer(Reply(step.words))
            case AssistantAsks():
                await self._ask(step)
            case AssistantEndsCall():
                await self._end(step)
            case CallerIsSilent():
                await self._be_silent()
            case CallerPresses():
                await self._call.floor.quiet()
                await press(self._call, step.keys)
            case CallerHangsUp():
                await self._hang_up(step)

    async def _caller_says(self, step: CallerSays) -> None:
        turn = Utterance(self._call, step.words)
        if step.interrupts and (response := self._call.floor.newest):
            await self._opportunity(response, early=step.early)
            turn.begin()
            if self._turn_detection().get("interrupt_response", True):
                self._call.floor.interrupt("turn_detected")
        else:
            await self._call.floor.quiet()
            await self._call.world.clock.pause(_REACTION_SECONDS)
            turn.begin()
        await turn.finish()
        self._last_turn = turn

    async def _be_silent(self) -> None:
        while idle_ms := self._turn_detection().get("idle_timeout_ms"):
            await self._call.floor.quiet()
            self._last_turn = Silence(self._call, idle_ms)
            await self._last_turn.finish()
            await self._answer(Reply("Are you still there?"))
        await self._call.over.wait()

    async def _opportunity(self, response: Response, *, early: bool) -> None:
        await response.half.wait()
        if not early:
            await response.generated.wait()
            await self._call.world.clock.pause(_REACTION_SECONDS)

    def _settle_turn(self) -> None:
        """Transcribe a turn that nobody has answered."""
        turn, self._last_turn = self._last_turn, None
        if turn:
            turn.transcribe()

    async def _answer(self, reply: Reply) -> None:
        """Respond to the caller's turn, whose transcription comes in the middle of it."""
        if self._turn_detection().get("create_response", True):
            while active := self._call.floor.active:
                await active.generated.wait()
                if self._call.over.is_set():
                    return  # What was abandoned keeps the floor for ever.
            self._call.floor.respond(reply, midway=self._settle_turn)
        else:
            self._settle_turn()
            await self._when_asked(lambda _params: reply, _TOOL_PATIENCE)

    async def _ask(self, step: AssistantAsks) -> None:
        if not self._offers(step.tool):
            await self._answer(Reply(step.refusal))
            return
        tool = ToolCall(step.tool, {"request": step.request}, new_id("call"))
        await self._answer(Reply(step.preamble, tool))
        self._await(lambda params: self._report(tool, params))
        await self._patience(_TOOL_PATIENCE)

    def _report(self, tool: ToolCall, params: dict[str, Any]) -> Reply | None:
        output = self._call.conversation.tool_output(tool.call_id)
        if output is None:
            # Asked to say something else, it does without the answer.
            return Reply("Sorry, where were we?") if params.get("instructions") else None
        return Reply(answer_in(output))

    async def _end(self, step: AssistantEndsCall) -> None:
        if self._offers("end_call"):
            tool = ToolCall("end_call", {"reason": step.reason}, new_id("call"))
            await self._answer(Reply(step.words, tool))
            await self._call.floor.quiet()
            await asyncio.sleep(_GOODBYE_PATIENCE)
        else:
            await self._answer(Reply(step.words))
        await self._play(CallerHangsUp())

    async def _hang_up(self, step: CallerHangsUp) -> None:
        if step.mid_sentence and self._call.floor.newest:
            await self._call.floor.newest.half.wait()
            await self._call.world.clock.pause(_REACTION_SECONDS / 5)
        else:
            await self._call.floor.quiet()
            await self._call.world.clock.pause(_REACTION_SECONDS)
        self._call.end(EndCause.CALLER_HUNG_UP)

    async def _when_asked(self, words: Words, patience: float) -> None:
        self._await(words)
        await self._patience(patience)

    def _await(self, words: Words) -> None:
        self._awaited = words
        self._came.clear()

    async def _patience(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._came.wait(), seconds)
        except TimeoutError:
            self._awaited = None

    def _offers(self, tool: str) -> bool:
        session = self._call.session or {}
        return session["tool_choice"] != "none" and any(
            one.get("name") == tool for one in session["tools"] or ()
        )

    def _turn_detection(self) -> dict[str, Any]:
        detection: dict[str, Any] | None = (self._call.session or {})["audio"]["input"]["turn_detection"]
        manual = {"create_response": False, "interrupt_response": False}
        return manual if detection is None else detection


def quoted(params: dict[str, Any]) -> str | None:
    """Give the text in double quotes that the instructions of a request hold; None without one."""
    found = re.search(r'["“](.+)["”]', params.get("instructions") or "", re.DOTALL)
    return found[1] if found else None


def answer_in(output: str) -> str:
    """Find what to say in the output of a function: its `answer` (or the like), or all of it."""
    try:
        read = json.loads(output)
    except ValueError:
        return output
    if isinstance(read, dict):
        for name in ("answer", "result", "text", "message", "error"):
            if isinstance(read.get(name), str):
                return str(read[name])
    return read if isinstance(read, str) else output
