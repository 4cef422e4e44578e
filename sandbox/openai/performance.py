"""Play a script: the caller's part by itself, the model's part when it is its turn or when it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.openai.asking import Asking, quoted, written_last
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.conversation import new_id
from sandbox.openai.hearing import Silence, Utterance, press
from sandbox.openai.response import Reply, Response, ToolCall
from sandbox.steps import (
    AssistantAsks,
    AssistantEndsCall,
    AssistantRecalls,
    AssistantSays,
    AssistantStep,
    AssistantTells,
    CallerHangsUp,
    CallerIsSilent,
    CallerPresses,
    CallerSays,
    CallerStep,
    Greets,
    Step,
)

_PATIENCE = 90.0
_GOODBYE_PATIENCE = 20.0
_REACTION_SECONDS = 0.5

Words = Callable[[dict[str, Any]], Reply | None]
"""Chooses a reply to a request of the service; None when the request is not the awaited one."""


class Performance:
    """Both voices of one call."""

    def __init__(self, call: RealtimeCall) -> None:
        self._call = call
        self._awaited: Words | None = None
        self._asking = Asking(call)
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
            return reply
        return self._asking.reply_to(params)

    async def _play(self, step: Step) -> None:
        if isinstance(step, CallerStep):
            self._settle_turn()
            await self._let_caller(step)
        else:
            await self._let_assistant(step)

    async def _let_caller(self, step: CallerStep) -> None:
        match step:
            case CallerSays():
                await self._caller_says(step)
            case CallerIsSilent():
                await self._be_silent()
            case CallerPresses():
                await self._call.floor.quiet()
                await press(self._call, step.keys)
            case CallerHangsUp():
                await self._hang_up(step)

    async def _let_assistant(self, step: AssistantStep) -> None:
        match step:
            case Greets():
                await self._when_asked(
                    lambda params: Reply(quoted(params) or step.default),
                    self._call.world.switches.greeting_seconds,
                )
            case AssistantSays():
                await self._answer(Reply(step.words))
            case AssistantAsks():
                await self._ask(step)
            case AssistantTells():
                await self._until(lambda: not self._asking.is_waiting)
            case AssistantRecalls():
                written = written_last((self._call.session or {})["instructions"])
                await self._answer(Reply(f"You wrote: {written}" if written else step.unknown))
            case AssistantEndsCall():
                await self._end(step)

    async def _caller_says(self, step: CallerSays) -> None:
        turn = Utterance(self._call, step.words)
        if await self._may_talk_over(step):
            turn.begin()
            if self._turn_detection().get("interrupt_response", True):
                self._asking.cut_off()
                self._call.floor.interrupt("turn_detected")
        else:
            await self._quiet(step.after)
            turn.begin()
        await turn.finish()
        self._last_turn = turn

    async def _may_talk_over(self, step: CallerSays) -> bool:
        """Wait for the moment to talk over the assistant; False for a caller who lets it finish."""
        floor, asking = self._call.floor, self._asking
        if step.with_answer:
            return await self._until(lambda: asking.has_news or not asking.is_waiting)
        if not step.interrupts or not await self._until(lambda: floor.speaking is not None):
            return False
        if floor.speaking:
            await self._opportunity(floor.speaking, early=step.early)
        return True

    async def _quiet(self, seconds: float) -> None:
        """Wait until the model has not been heard for so long."""
        floor = self._call.floor
        while True:
            await floor.quiet()
            heard = floor.newest
            await self._call.world.clock.pause(seconds)
            if floor.newest is heard:
                return

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
            self._call.floor.respond(self._asking.with_news(reply), midway=self._settle_turn)
        else:
            self._settle_turn()
            await self._when_asked(lambda _params: self._asking.with_news(reply), _PATIENCE)

    async def _ask(self, step: AssistantAsks) -> None:
        if not self._offers(step.tool):
            await self._answer(Reply(step.refusal))
            return
        tools = tuple(
            ToolCall(step.tool, {"request": request}, new_id("call"))
            for request in (step.request, *step.also)
        )
        await self._answer(Reply(step.preamble, tools))
        self._asking.put(tools)
        if step.waits:
            await self._play(AssistantTells())

    async def _end(self, step: AssistantEndsCall) -> None:
        if self._offers("end_call"):
            tool = ToolCall("end_call", {"reason": step.reason}, new_id("call"))
            await self._answer(Reply(step.words, (tool,)))
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
        self._awaited = words
        await self._until(lambda: self._awaited is None, patience)
        self._awaited = None

    async def _until(self, fact: Callable[[], bool], patience: float = _PATIENCE) -> bool:
        """Wait for a fact, so many real seconds; tell whether it holds."""
        try:
            await self._call.world.watch.until(fact, within=patience)
        except TimeoutError:
            return False
        return True

    def _offers(self, tool: str) -> bool:
        session = self._call.session or {}
        return session["tool_choice"] != "none" and any(
            one.get("name") == tool for one in session["tools"] or ()
        )

    def _turn_detection(self) -> dict[str, Any]:
        detection: dict[str, Any] | None = (self._call.session or {})["audio"]["input"]["turn_detection"]
        manual = {"create_response": False, "interrupt_response": False}
        return manual if detection is None else detection
