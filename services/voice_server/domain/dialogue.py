"""Who may speak next: one response at a time, each tool call once.

OpenAI refuses a `response.create` while a response is active, and repeats a tool call in several events. What
the call wants said is therefore queued here, and every tool call has an entry until the model has its answer.
"""

from collections.abc import Iterable

from services.voice_server.domain.commands import Command, RequestResponse, SubmitOutput
from services.voice_server.domain.record import OpenTool
from services.voice_server.domain.signals import RequestRefused, ResponseEnded, ResponseStarted, ToolCall

_BUSY = "conversation_already_has_active_response"


class Dialogue:
    """Keep the model's turns to speak and its tool calls in order.

    Args:
        tools: the tool calls the model had not got the answer of before a restart.
    """

    def __init__(self, tools: Iterable[OpenTool] = ()) -> None:
        self._requests = 0
        self._requested: RequestResponse | None = None
        self._waiting: RequestResponse | None = None
        self._active: str | None = None
        self._tools = {tool.tool_call_id: tool for tool in tools}
        self._seen = set(self._tools)
        self._playing: set[str] = set()
        self._is_cut_off = False

    @property
    def is_heard(self) -> bool:
        """Tell whether the caller hears the assistant right now."""
        return bool(self._playing)

    @property
    def is_answering(self) -> bool:
        """Tell whether the model is about to speak, or should be."""
        return bool(self._active or self._requested)

    @property
    def tools(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of."""
        return tuple(self._tools.values())

    def want_response(self, instructions: str | None = None) -> list[Command]:
        """Make the model speak: now, or as soon as it has finished. Words of our own come before its own."""
        request = self._request(instructions)
        if self._is_cut_off or self.is_answering:
            self._waiting = request if instructions else self._waiting or request
            return []
        self._requested = request
        return [request]

    def response_started(self, started: ResponseStarted) -> None:
        """Note that the model has the floor. One response is active: whatever was before has ended."""
        self._active = started.response_id
        if self._requested and started.request_id == self._requested.request_id:
            self._requested = None

    def response_ended(self, ended: ResponseEnded, at: float) -> tuple[list[ToolCall], list[Command]]:
        """Return the tool calls that are new, and what can be said now."""
        if self._active in {None, ended.response_id}:
            self._active = self._requested = None
        new = [call for call in ended.tool_calls if call.tool_call_id not in self._seen]
        for call in new:
            self._seen.add(call.tool_call_id)
            self._tools[call.tool_call_id] = OpenTool(
                tool_call_id=call.tool_call_id, name=call.name, response_id=ended.response_id, started_at=at
            )
        return new, self._next()

    def refused(self, refusal: RequestRefused) -> list[Command]:
        """Take back a request that OpenAI refused; one that came too early is repeated in time."""
        if not self._requested or refusal.request_id not in {None, self._requested.request_id}:
            return []
        if refusal.code == _BUSY:
            # The end of the response that was in the way is still to come.
            self._repeat(self._requested)
            self._requested = None
            return []
        self._requested = None
        return self._next()

    def is_running(self, tool_call_id: str) -> bool:
        """Tell whether a tool call waits for its answer."""
        tool = self._tools.get(tool_call_id)
        return tool is not None and tool.output is None

    def answer(self, tool_call_id: str, output: str) -> tuple[OpenTool, list[Command]]:
        """Answer a tool call that is running: return it, and what the model is to be told.

        The model is asked to speak when the last call of the same response has been answered.
        """
        tool = self._tools[tool_call_id]
        self._tools[tool_call_id] = tool.model_copy(update={"output": output})
        commands: list[Command] = [] if self._is_cut_off else [SubmitOutput(tool_call_id, output)]
        siblings = (other for other in self._tools.values() if other.response_id == tool.response_id)
        if all(other.output is not None for other in siblings):
            commands += self.want_response()
        return tool, commands

    def drop(self, tool_call_id: str) -> OpenTool:
        """Close a tool call that the model gets no answer to."""
        return self._tools.pop(tool_call_id)

    def taken(self, tool_call_id: str) -> None:
        """Note that the model has an answer."""
        if tool_call_id in self._tools and not self.is_running(tool_call_id):
            del self._tools[tool_call_id]

    def cut_off(self) -> None:
        """Hold back what is for the model. What was under way may end unheard of, so nothing waits for it.

        A request that may not have arrived is made again, except for words that must not be said twice.
        """
        if self._requested and self._requested.instructions is None:
            self._repeat(self._requested)
        self._is_cut_off, self._requested, self._active = True, None, None
        self._playing.clear()

    def resume(self, at: float) -> None:
        """Begin anew after a restart: cut off, and with request ids that were not used before it."""
        self._requests = int(at)
        self.cut_off()
        if self._tools:
            self.want_response()

    def go_on(self) -> list[Command]:
        """Tell the model what was held back, and again the answers it may not have got."""
        self._is_cut_off = False
        outputs = (
            SubmitOutput(t.tool_call_id, t.output) for t in self._tools.values() if t.output is not None
        )
        return [*outputs, *self._next()]

    def playback_started(self, response_id: str) -> None:
        """Note that the caller hears a response."""
        self._playing.add(response_id)

    def playback_ended(self, response_id: str, *, cut: bool) -> list[Command]:
        """Note that the caller hears it no more. What was played to its end has ended, told or not."""
        self._playing.discard(response_id)
        if cut or self._active != response_id:
            return []
        self._active = None
        return self._next()

    def _request(self, instructions: str | None) -> RequestResponse:
        self._requests += 1
        return RequestResponse(f"response_{self._requests}", instructions)

    def _repeat(self, request: RequestResponse) -> None:
        # Under an id of its own: an error that names it is not to be taken for one about the first attempt.
        self._waiting = self._waiting or self._request(request.instructions)

    def _next(self) -> list[Command]:
        if self.is_answering or self._is_cut_off or not self._waiting:
            return []
        self._requested, self._waiting = self._waiting, None
        return [self._requested]
