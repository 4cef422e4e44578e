"""Commands: what a call wants done. Imperative; carried out in the order given."""

from dataclasses import dataclass

from shared.events import KeptEvent, TranscriptPartial


@dataclass(frozen=True, slots=True)
class Command:
    """Something a call wants."""


@dataclass(frozen=True, slots=True)
class Publish(Command):
    """Tell the world: durably, in order, once."""

    event: KeptEvent


@dataclass(frozen=True, slots=True)
class PublishPartial(Command):
    """Tell who listens right now."""

    event: TranscriptPartial


@dataclass(frozen=True, slots=True)
class Accept(Command):
    """Take the call that OpenAI offers. `repeated`: it may have been taken before a restart."""

    rtc_id: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Attach(Command):
    """Attach the sideband. `rejoin`: the call was joined before, so if it is not found it is over."""

    rtc_id: str
    rejoin: bool


@dataclass(frozen=True, slots=True)
class HangUp(Command):
    """Hang up the legs named here; answered by `LegsReleased`."""

    call_sid: str | None
    rtc_id: str | None


@dataclass(frozen=True, slots=True)
class AskTwilio(Command):
    """Find out what has become of the person's leg; answered by `LegFound`."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class CheckSideband(Command):
    """Make OpenAI give a sign of life; without one the sideband counts as lost."""


@dataclass(frozen=True, slots=True)
class RequestResponse(Command):
    """Make the model speak; `instructions` for this one response only.

    A remark is worth saying only now: refused, it is forgotten. Words of ours never use a tool, and where
    `only_talk` is set the model's own do not, either.
    """

    request_id: str
    instructions: str | None
    is_remark: bool = False
    only_talk: bool = False


@dataclass(frozen=True, slots=True)
class SubmitOutput(Command):
    """Give the model a tool's output."""

    tool_call_id: str
    output: str


@dataclass(frozen=True, slots=True)
class RetrieveItem(Command):
    """Have OpenAI tell us of an item again, since events may have been missed."""

    item_id: str


@dataclass(frozen=True, slots=True)
class AskOpenClaw(Command):
    """Ask the user's agent; answered by `ToolAnswered`."""

    tool_call_id: str
    request: str


@dataclass(frozen=True, slots=True)
class DropQuestion(Command):
    """Stop asking the agent: the answer is not wanted any more, and does not come."""

    tool_call_id: str
