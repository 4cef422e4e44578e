"""The tool calls of a conversation: each made once, each answered under its own id.

OpenAI repeats a tool call in several events, and again after a gap; answers come in any order, or when the
caller has long gone on to something else. So every tool call has an entry until the model has its answer.
"""

from collections.abc import Iterable

from services.voice_server.domain.record import OpenTool
from services.voice_server.domain.signals import ResponseEnded, ToolCall


class Questions:
    """Keep which tool calls are open, which of them still run, and which answers nobody has told yet.

    Args:
        tools: the tool calls the model had not got the answer of before a restart.
    """

    def __init__(self, tools: Iterable[OpenTool] = ()) -> None:
        self._open = {tool.tool_call_id: tool for tool in tools}
        self._seen = set(self._open)
        self._untold = set(self._open)
        self._aside: set[str] = set()

    @property
    def open(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of."""
        return tuple(self._open.values())

    @property
    def running(self) -> tuple[OpenTool, ...]:
        """The tool calls that have no answer yet, the oldest first."""
        return tuple(tool for tool in self._open.values() if tool.output is None)

    @property
    def answered(self) -> tuple[OpenTool, ...]:
        """The tool calls whose answer the model may not have got."""
        return tuple(tool for tool in self._open.values() if tool.output is not None)

    @property
    def untold(self) -> bool:
        """Tell whether the model has to be asked to tell the caller an answer."""
        return bool(self._untold)

    @property
    def untold_aside(self) -> bool:
        """Tell whether one of those answers is to a question that the conversation has left behind."""
        return bool(self._untold & self._aside)

    def is_running(self, tool_call_id: str) -> bool:
        """Tell whether a tool call waits for its answer."""
        tool = self._open.get(tool_call_id)
        return tool is not None and tool.output is None

    def is_aside(self, tool_call_id: str) -> bool:
        """Tell whether the conversation has gone on since the question was asked."""
        return tool_call_id in self._aside

    def enter(self, ended: ResponseEnded, at: float) -> list[ToolCall]:
        """Take in the tool calls of a response; return those that are new."""
        new = [call for call in ended.tool_calls if call.tool_call_id not in self._seen]
        for call in new:
            self._seen.add(call.tool_call_id)
            self._open[call.tool_call_id] = OpenTool(
                tool_call_id=call.tool_call_id, name=call.name, response_id=ended.response_id, started_at=at
            )
        return new

    def ask(self, tool_call_id: str, request: str) -> bool:
        """Note what a tool call asks the agent; False if that is being asked already."""
        if any(_same(tool.request, request) for tool in self.running):
            return False
        self._open[tool_call_id] = self._open[tool_call_id].model_copy(update={"request": request})
        return True

    def caller_spoke(self) -> None:
        """Note that the conversation goes on before these are answered, or their answers told."""
        self.set_aside(self.running)
        self._aside |= self._untold

    def set_aside(self, tools: Iterable[OpenTool]) -> None:
        """Note that the conversation need not wait for these."""
        self._aside.update(tool.tool_call_id for tool in tools)

    def replaced(self, response_id: str, requests: Iterable[str]) -> list[OpenTool]:
        """List what a response that asks anew leaves behind.

        Those are the earlier questions that the conversation has gone on from, unless they are asked again.
        """
        wanted = list(requests)
        return [
            tool
            for tool in self.earlier(response_id)
            if self.is_aside(tool.tool_call_id) and not any(_same(tool.request, one) for one in wanted)
        ]

    def earlier(self, response_id: str) -> list[OpenTool]:
        """List the questions that run since before a response."""
        return [tool for tool in self.running if tool.request and tool.response_id != response_id]

    def answer(self, tool_call_id: str, output: str, *, tell: bool) -> OpenTool:
        """Note the answer to a tool call that is running.

        With `tell` the caller has to hear of it, when the last call of the same response has been answered.
        """
        tool = self._open[tool_call_id].model_copy(update={"output": output})
        self._open[tool_call_id] = tool
        siblings = [other for other in self._open.values() if other.response_id == tool.response_id]
        if tell and all(other.output is not None for other in siblings):
            self._untold.add(tool_call_id)
        return tool

    def drop(self, tool_call_id: str) -> OpenTool:
        """Close a tool call that the model gets no answer to."""
        return self._open.pop(tool_call_id)

    def taken(self, tool_call_id: str) -> None:
        """Note that the model has an answer."""
        if tool_call_id in self._open and not self.is_running(tool_call_id):
            del self._open[tool_call_id]

    def told(self) -> None:
        """Note that the model was asked to tell the answers that have come."""
        self._untold.clear()

    def model_spoke(self) -> None:
        """Note that the model speaks of itself: it tells what it has got."""
        self._untold &= self._open.keys()


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()
