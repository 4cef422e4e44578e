"""What is known of a call: all that must survive a restart, and what `/history` shows."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.voice_server.domain.policy import Trust
from shared.events import ANONYMOUS, CallStatus, Direction, EndReason, Speaker, ToolFinishedData, Usage


class Phase(StrEnum):
    """How far a call has come. See `TRANSITIONS` in `transitions.py`."""

    DIALLING = "dialling"
    BRIDGING = "bridging"
    JOINING = "joining"
    TALKING = "talking"
    CLOSING = "closing"
    ENDED = "ended"


class Draft(BaseModel):
    """A turn that is known of but not published yet. `text` is empty until all of it is known.

    `previous_item_id` names the turn or draft before it, or `shared.events.ROOT`.
    """

    model_config = ConfigDict(frozen=True)

    item_id: str
    previous_item_id: str
    speaker: Speaker
    response_id: str | None
    text: str
    finished: bool
    interrupted: bool


class OpenTool(BaseModel):
    """A tool call the model has not got the answer of, or the caller has not heard it.

    `output` is what the model reads, None until there is an answer; `taken` tells that the model has it,
    `untold` that the caller has to hear of it. `report` is what the world is told once they have.
    `response_id` names the response that wanted it; `started_at` is in seconds since 1970; `request` is what
    the agent is asked, if it is asked.
    """

    model_config = ConfigDict(frozen=True)

    tool_call_id: str
    name: str
    response_id: str
    started_at: float
    request: str = ""
    output: str | None = None
    taken: bool = False
    untold: bool = False
    report: ToolFinishedData | None = None


class CallRecord(BaseModel):
    """One call. Times are seconds since 1970.

    `ref` is our own name for it, known before Twilio or OpenAI have given it one. `sip_token` is the secret
    by which OpenAI's offer is matched to the call; it is used up by the first match. `number` is the other
    person's, None when withheld. `greeting` instructs the model's first response. `joined` tells whether the
    sideband has ever been attached, `warned` whether the caller was told that the time is nearly up.
    After `answer_seconds` the caller is told that an answer takes longer.
    `leg_gone` and `rtc_gone` tell whether Twilio's leg to the person and OpenAI's are known to be over.
    `known_at` is when this record last changed. `cost_usd` is what `usage` costs, None if nobody knows;
    without `usage_complete` OpenAI may have charged for more than it told us of.
    """

    model_config = ConfigDict(frozen=True)

    ref: str
    direction: Direction
    number: str | None
    own_number: str
    trust: Trust
    agent: str
    model: str
    transcription_model: str
    max_call_seconds: int
    silence_seconds: int
    reconcile_seconds: int = 60
    answer_seconds: float = 30
    greeting: str
    message: str | None = None
    metadata: dict[str, Any] = {}

    call_sid: str | None = None
    rtc_id: str | None = None
    sip_token: str | None = None
    session_key: str | None = None

    phase: Phase
    phase_since: float
    status: CallStatus
    started_at: float
    answered_at: float | None = None
    ended_at: float | None = None
    end_reason: EndReason | None = None
    leg_status: CallStatus | None = None
    greeted: bool = False
    joined: bool = False
    warned: bool = False
    leg_gone: bool = False
    rtc_gone: bool = False
    known_at: float = 0
    sequence: int = 0
    usage: Usage = Usage()
    usage_complete: bool = True
    cost_usd: float | None = None
    drafts: tuple[Draft, ...] = ()
    open_tools: tuple[OpenTool, ...] = ()

    @property
    def call_id(self) -> str | None:
        """The id the world knows the call by: Twilio's if Twilio told us of it first, else OpenAI's."""
        return self.call_sid or self.rtc_id

    @property
    def phone_number(self) -> str:
        """The other person's number, or `anonymous`."""
        return self.number or ANONYMOUS

    @property
    def live_sid(self) -> str | None:
        """Twilio's leg, unless it is known to be over."""
        return None if self.leg_gone else self.call_sid

    @property
    def live_rtc(self) -> str | None:
        """OpenAI's leg, unless it is known to be over."""
        return None if self.rtc_gone else self.rtc_id

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left to be done: the call has ended, its legs, and its tools too."""
        asked = any(tool.output is None for tool in self.open_tools)
        return self.phase is Phase.ENDED and not (self.live_sid or self.live_rtc or asked)

    @property
    def caller(self) -> str:
        """Who dialled."""
        return self.phone_number if self.direction is Direction.INBOUND else self.own_number

    @property
    def callee(self) -> str:
        """Who was dialled."""
        return self.own_number if self.direction is Direction.INBOUND else self.phone_number

    @property
    def final_status(self) -> CallStatus:
        """Say what a call that is over has come to, in Twilio's words."""
        leg = self.leg_status or CallStatus.CANCELED
        if self.end_reason is EndReason.CONNECTION_FAILED and not self.joined:
            return CallStatus.FAILED
        if self.joined or (self.answered_at is not None and leg is CallStatus.CANCELED):
            return CallStatus.COMPLETED
        return leg

    def left_because(self, at: float) -> EndReason:
        """Say why the other side ended the call then: Twilio, too, was told how long it may last."""
        time_is_up = self.answered_at is not None and at >= self.answered_at + self.max_call_seconds - 1
        return EndReason.MAX_DURATION if time_is_up else EndReason.CALLER_HUNG_UP

    def duration_seconds(self, at: float) -> int:
        """Count the seconds talked so far."""
        return 0 if self.answered_at is None else max(0, round((self.ended_at or at) - self.answered_at))
