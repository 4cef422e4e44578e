"""Signals: what a peer, a person or the clock told us. Facts, in the past tense; nothing here decides."""

from dataclasses import dataclass

from shared.events import CallStatus, EndReason, Speaker, Usage


@dataclass(frozen=True, slots=True)
class Signal:
    """Something a call has to know."""


# Twilio


@dataclass(frozen=True, slots=True)
class LegPlaced(Signal):
    """Twilio took our request to call the person."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class LegRefused(Signal):
    """Twilio would not place the call."""


@dataclass(frozen=True, slots=True)
class LegRang(Signal):
    """The person's phone rings."""


@dataclass(frozen=True, slots=True)
class LegAnswered(Signal):
    """The person picked up."""


@dataclass(frozen=True, slots=True)
class LegEnded(Signal):
    """The person's leg is over, with Twilio's final status."""

    status: CallStatus


@dataclass(frozen=True, slots=True)
class LegFound(Signal):
    """Twilio answered what has become of the leg: its status, and when it ended, in seconds since 1970."""

    status: CallStatus
    ended_at: float | None
    asked_at: float


# OpenAI's call control, and the sideband


@dataclass(frozen=True, slots=True)
class CallOffered(Signal):
    """OpenAI has an INVITE for us and wants to know whether we take it."""

    rtc_id: str


@dataclass(frozen=True, slots=True)
class CallAccepted(Signal):
    """OpenAI took our acceptance."""


@dataclass(frozen=True, slots=True)
class JoinFailed(Signal):
    """The call could not be accepted or its sideband not be attached; `gone`: it is certainly over."""

    gone: bool


@dataclass(frozen=True, slots=True)
class SidebandAttached(Signal):
    """We are in the conversation."""


@dataclass(frozen=True, slots=True)
class SidebandClosed(Signal):
    """OpenAI ended the conversation; `expired`: at its own time limit."""

    expired: bool = False


@dataclass(frozen=True, slots=True)
class SidebandLost(Signal):
    """The sideband broke; the call may be alive."""


# Ourselves


@dataclass(frozen=True, slots=True)
class HangUpRequested(Signal):
    """Somebody, or a limit, wants the call to end."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class LegsReleased(Signal):
    """What could be hung up is: `call_sid` and `rtc_id` name the legs that are over now.

    `status` is Twilio's last word, if there was one; `ended_at` tells when the leg turned out to have ended.
    """

    call_sid: str | None = None
    rtc_id: str | None = None
    status: CallStatus | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class SessionResolved(Signal):
    """The bridge said which OpenClaw session the call belongs to."""

    session_key: str


@dataclass(frozen=True, slots=True)
class ToolAnswered(Signal):
    """A tool has come to an end; `output` is what the model gets to read."""

    tool_call_id: str
    ok: bool
    output: str


@dataclass(frozen=True, slots=True)
class TimePassed(Signal):
    """The moment the call asked to be woken at has come."""


@dataclass(frozen=True, slots=True)
class TimeNearlyUp(Signal):
    """The call has to end soon."""


@dataclass(frozen=True, slots=True)
class WentQuiet(Signal):
    """No peer has told anything for long."""


@dataclass(frozen=True, slots=True)
class ReleaseDue(Signal):
    """It is time to try again what could not be hung up."""


# The conversation


@dataclass(frozen=True, slots=True)
class ItemAdded(Signal):
    """The conversation has a new item; `speaker` is None for one that is not spoken."""

    item_id: str
    previous_item_id: str | None
    speaker: Speaker | None


@dataclass(frozen=True, slots=True)
class ItemRetrieved(Signal):
    """OpenAI told us of an item again; `text` is None while it does not know all of it."""

    item_id: str
    speaker: Speaker | None
    text: str | None


@dataclass(frozen=True, slots=True)
class ItemAssigned(Signal):
    """An item is part of a response."""

    item_id: str
    response_id: str


@dataclass(frozen=True, slots=True)
class TextGrew(Signal):
    """More of a turn's text is known."""

    item_id: str
    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class TextWritten(Signal):
    """All the assistant is going to say in this item is known; it may still be speaking."""

    item_id: str
    text: str


@dataclass(frozen=True, slots=True)
class CallerTranscribed(Signal):
    """What the caller said is known; None when it could not be made out."""

    item_id: str
    text: str | None
    usage: Usage


@dataclass(frozen=True, slots=True)
class ItemCut(Signal):
    """The caller cut the assistant short."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CallerSpoke(Signal):
    """The caller is heard: `goes_on` from the first sound on, not at the last one or at a key."""

    goes_on: bool


@dataclass(frozen=True, slots=True)
class CallerIdled(Signal):
    """OpenAI has waited in vain for the caller, and lets the assistant ask. Nobody speaks to anybody."""


@dataclass(frozen=True, slots=True)
class PlaybackStarted(Signal):
    """The caller hears the first sound of a response."""

    response_id: str


@dataclass(frozen=True, slots=True)
class PlaybackEnded(Signal):
    """The last sound of a response was played, or the rest was thrown away (`cut`)."""

    response_id: str
    cut: bool


@dataclass(frozen=True, slots=True)
class ResponseStarted(Signal):
    """The model began to answer; `request_id` names our request for it, if it was ours."""

    response_id: str
    request_id: str | None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants used; `arguments` is JSON text, as the model wrote it."""

    tool_call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ResponseEnded(Signal):
    """The model is done answering. `tool_calls` is empty unless the response was completed."""

    response_id: str
    tool_calls: tuple[ToolCall, ...]
    usage: Usage


@dataclass(frozen=True, slots=True)
class OutputTaken(Signal):
    """The model has a tool's output."""

    tool_call_id: str


@dataclass(frozen=True, slots=True)
class RequestRefused(Signal):
    """OpenAI refused something we sent on the sideband."""

    request_id: str | None
    code: str
