"""The tool calls of a conversation: each made once, each answered under its own id, each answer told.

OpenAI repeats a tool call in several events, and again after a gap; answers come in any order, or when the
caller has long gone on to something else. So a tool call has an entry until the model has its answer and the
caller has heard it. Only then is the world told that it has finished: what was never heard is a late answer.
"""

from collections.abc import Iterable

from services.voice_server.domain.record import OpenTool
from services.voice_server.domain.signals import ResponseEnded, ToolCall
from shared.events import ToolFinishedData


class Questions:
    """Keep which tool calls are open, which of them still run, and which answers nobody has heard yet.

    Args:
        tools: the tool calls that were open before a restart.
    """

    def __init__(self, tools: Iterable[OpenTool] = ()) -> None:
        self._open = {tool.tool_call_id: tool for tool in tools}
        self._seen = set(self._open)
        self._aside: set[str] = set()
        self._late: set[str] = set()
        self._told_by: dict[str, str] = {}

    @property
    def open(self) -> tuple[OpenTool, ...]:
        """The tool calls the model has not got the answer of, or the caller has not heard it."""
        return tuple(self._open.values())

    @property
    def running(self) -> tuple[OpenTool, ...]:
        """The tool calls that have no answer yet, the oldest first."""
        return tuple(tool for tool in self._open.values() if tool.output is None)

    @property
    def not_taken(self) -> tuple[OpenTool, ...]:
        """The tool calls whose answer the model may not have got."""
        return tuple(tool for tool in self._open.values() if tool.output is not None and not tool.taken)

    @property
    def untold(self) -> tuple[OpenTool, ...]:
        """The answers that the model has to be asked to tell; those of one response are told together."""
        waiting = {tool.response_id for tool in self.running}
        return tuple(
            tool
            for tool in self._open.values()
            if tool.untold and tool.tool_call_id not in self._told_by and tool.response_id not in waiting
        )

    @property
    def tellers(self) -> frozenset[str]:
        """The responses that tell answers and have not been heard yet."""
        return frozenset(self._told_by.values())

    def get(self, tool_call_id: str) -> OpenTool:
        """Find a tool call that is open."""
        return self._open[tool_call_id]

    def is_running(self, tool_call_id: str) -> bool:
        """Tell whether a tool call waits for its answer."""
        tool = self._open.get(tool_call_id)
        return tool is not None and tool.output is None

    def is_aside(self, tool_call_id: str) -> bool:
        """Tell whether the conversation has gone on since the question was asked."""
        return tool_call_id in self._aside | self._late

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
        self._change(tool_call_id, request=request)
        return True

    def caller_spoke(self) -> None:
        """Note that the conversation goes on before these are answered, or their answers told."""
        self._aside.update(tool.tool_call_id for tool in (*self.running, *self.untold))

    def are_late(self, tools: Iterable[OpenTool]) -> None:
        """Note that the caller knows of these that they take longer."""
        self._late.update(tool.tool_call_id for tool in tools)

    def replaced(self, response_id: str, requests: Iterable[str]) -> list[OpenTool]:
        """List what a response that asks anew leaves behind.

        Those are the earlier questions after which the caller has spoken, unless they are asked again.
        """
        wanted = list(requests)
        return [
            tool
            for tool in self.earlier(response_id)
            if tool.tool_call_id in self._aside and not any(_same(tool.request, one) for one in wanted)
        ]

    def earlier(self, response_id: str) -> list[OpenTool]:
        """List the questions that run since before a response."""
        return [tool for tool in self.running if tool.request and tool.response_id != response_id]

    def answer(
        self, tool_call_id: str, output: str, *, tell: bool, report: ToolFinishedData | None = None
    ) -> OpenTool:
        """Note the answer to a tool call that is running.

        Args:
            tool_call_id: which.
            output: what the model gets to read.
            tell: the caller has to hear of it.
            report: what the world is told once they have; None if it has been told.
        """
        return self._change(tool_call_id, output=output, untold=tell, report=report)

    def drop(self, tool_call_id: str) -> OpenTool:
        """Close a tool call that the model gets no answer to."""
        return self._open.pop(tool_call_id)

    def taken(self, tool_call_id: str) -> None:
        """Note that the model has an answer."""
        if tool_call_id in self._open and not self.is_running(tool_call_id):
            self._change(tool_call_id, taken=True)
            self._close(tool_call_id)

    def tell(self, response_id: str, *, asked: bool) -> None:
        """Note that a response tells the answers.

        Args:
            response_id: which.
            asked: the model was asked to; else it tells what it has got, also what an earlier one has not.
        """
        for tool in self._open.values():
            if tool.untold and (asked or tool.taken):
                self._told_by[tool.tool_call_id] = response_id

    def failed(self, response_id: str) -> bool:
        """Note that a response said nothing; tell whether an answer is still to be told by that."""
        lost = [name for name, teller in self._told_by.items() if teller == response_id]
        for name in lost:
            del self._told_by[name]
        return bool(lost)

    def heard(self, response_id: str) -> list[ToolFinishedData]:
        """Note that the caller hears a response; return what the world can be told by that."""
        names = [name for name, teller in self._told_by.items() if teller == response_id]
        return [report for name in names if (report := self._reported(name))]

    def give_up(self, but: str | None = None) -> list[ToolFinishedData]:
        """Have no answer told that has come, but those of one response; return what the world is told."""
        names = [name for name, tool in self._open.items() if tool.untold and tool.response_id != but]
        return [report for name in names if (report := self._reported(name))]

    def _reported(self, name: str) -> ToolFinishedData | None:
        self._told_by.pop(name, None)
        report = self._open[name].report
        self._change(name, untold=False, report=None)
        self._close(name)
        return report

    def _change(self, name: str, **changes: object) -> OpenTool:
        self._open[name] = self._open[name].model_copy(update=changes)
        return self._open[name]

    def _close(self, name: str) -> None:
        tool = self._open[name]
        if tool.taken and not tool.untold:
            del self._open[name]


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()
