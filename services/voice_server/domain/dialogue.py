"""Who may speak next: one response at a time, each tool call once.

OpenAI refuses a `response.create` while a response is active, and repeats a tool call in several events. What
the call wants said is therefore queued here, and every tool call has an entry for as long as the call lives.
"""

from dataclasses import dataclass

from services.voice_server.domain.commands import Command, RequestResponse, SubmitOutput
from services.voice_server.domain.signals import RequestRefused, ResponseEnded, ResponseStarted, ToolCall

_BUSY = "conversation_already_has_active_response"


@dataclass(slots=True)
class _Running:
    call: ToolCall
    response_id: str
    started_at: float


class Dialogue:
    """Keep the model's turns to speak and its tool calls in order."""

    def __init__(self) -> None:
        self._requests = 0
        self._requested: RequestResponse | None = None
        self._waiting: RequestResponse | None = None
        self._active: set[str] = set()
        self._seen: set[str] = set()
        self._running: dict[str, _Running] = {}
        self._playing: set[str] = set()
        self._is_cut_off = False
        self._unsaid: list[Command] = []

    @property
    def is_heard(self) -> bool:
        """Tell whether the caller hears the assistant right now."""
        return bool(self._playing)

    def want_response(self, instructions: str | None = None) -> list[Command]:
        """Make the model speak: now, or as soon as it has finished."""
        self._requests += 1
        request = RequestResponse(f"response_{self._requests}", instructions)
        if self._is_cut_off or self._active or self._requested:
            self._waiting = self._waiting or request
            return []
        self._requested = request
        return [request]

    def response_started(self, started: ResponseStarted) -> None:
        """Note that the model has the floor."""
        self._active.add(started.response_id)
        if self._requested and started.request_id == self._requested.request_id:
            self._requested = None

    def response_ended(self, ended: ResponseEnded, at: float) -> tuple[list[ToolCall], list[Command]]:
        """Return the tool calls that are new, and what can be said now."""
        self._active.discard(ended.response_id)
        if not self._active:
            self._requested = None
        new = [call for call in ended.tool_calls if call.tool_call_id not in self._seen]
        for call in new:
            self._seen.add(call.tool_call_id)
            self._running[call.tool_call_id] = _Running(call, ended.response_id, at)
        return new, self._next()

    def refused(self, refusal: RequestRefused) -> list[Command]:
        """Take back a request that OpenAI refused; one that came too early is repeated in time."""
        if not self._requested or refusal.request_id not in {None, self._requested.request_id}:
            return []
        if refusal.code == _BUSY:
            # The end of the response that was in the way is still to come.
            self._waiting, self._requested = self._waiting or self._requested, None
            return []
        self._requested = None
        return self._next()

    def is_running(self, tool_call_id: str) -> bool:
        """Tell whether a tool call waits for its answer."""
        return tool_call_id in self._running

    def tool_answered(
        self, tool_call_id: str, output: str, at: float
    ) -> tuple[ToolCall, float, list[Command]]:
        """Close a tool call: return it, its seconds, and what the model is to be told.

        The model is asked to speak when the last call of the same response has been answered.
        """
        running = self._running.pop(tool_call_id)
        commands: list[Command] = []
        (self._unsaid if self._is_cut_off else commands).append(SubmitOutput(tool_call_id, output))
        if not any(other.response_id == running.response_id for other in self._running.values()):
            commands += self.want_response()
        return running.call, at - running.started_at, commands

    def cut_off(self) -> None:
        """Hold back what is for the model. What was under way may end unheard of, so nothing waits for it.

        A request that may not have arrived is made again, except for words that must not be said twice.
        """
        if self._requested and self._requested.instructions is None:
            self._waiting = self._waiting or self._requested
        self._is_cut_off, self._requested = True, None
        self._active.clear()
        self._playing.clear()

    def go_on(self) -> list[Command]:
        """Tell the model what was held back."""
        unsaid, self._unsaid, self._is_cut_off = self._unsaid, [], False
        return [*unsaid, *self._next()]

    def playback_started(self, response_id: str) -> None:
        """Note that the caller hears a response."""
        self._playing.add(response_id)

    def playback_ended(self, response_id: str) -> None:
        """Note that the caller hears it no more."""
        self._playing.discard(response_id)

    def _next(self) -> list[Command]:
        if self._active or not self._waiting:
            return []
        self._requested, self._waiting = self._waiting, None
        return [self._requested]
