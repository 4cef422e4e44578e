"""Calls told of what happens."""

from collections.abc import Iterable
from typing import Any

from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.commands import Command, Publish
from shared.events import KeptEvent, Usage
from tests.voice_server.domain.records import START, record
from tests.voice_server.domain.signals import JOINED


def events(commands: Iterable[Command]) -> list[KeptEvent]:
    """Pick what is told to the world."""
    return [command.event for command in commands if isinstance(command, Publish)]


def told(call: Call, *signals: s.Signal, at: float = START) -> list[Command]:
    """Tell a call several things at once."""
    return [command for signal in signals for command in call.receive(signal, at)]


def talking(**changes: Any) -> Call:
    """Make a call in which the greeting is about to be said."""
    call = Call(record(**changes))
    told(call, *JOINED)
    return call


def response(response_id: str, *calls: s.ToolCall, usage: Usage = Usage()) -> list[s.Signal]:  # noqa: B008 - frozen
    """Make the signals of one response."""
    return [s.ResponseStarted(response_id, None), s.ResponseEnded(response_id, calls, usage)]


ASK = s.ToolCall("t1", "ask_openclaw", '{"request": "weather?"}')
BYE = s.ToolCall("t2", "end_call", "{}")
