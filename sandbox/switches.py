"""What the peers' documentation leaves open, each a switch to be tested both ways."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from sandbox.gateway.releases import Release
from sandbox.twilio.troubles import EVENTS, Event

RecordingTrouble = Literal[
    "none", "told_twice", "untold", "elsewhere", "absent", "late", "gone", "huge", "undeletable"
]
AgentTrouble = Literal["none", "error", "breaks", "error_event", "silent", "disabled", "starting"]


def _all_events(order: tuple[Event, ...]) -> tuple[Event, ...]:
    if sorted(order) != sorted(EVENTS):
        raise ValueError(f"must name each of {', '.join(sorted(EVENTS))} once")
    return order


@dataclass
class Switches:
    """How the stand-ins behave where nobody knows; a test turns them at any time.

    Attributes:
        session_created: a sideband is greeted with `session.created`.
        second_accept: the answer to a second accept of one call.
        bad_session: whether `accept` refuses a wrong session, or takes it for a call that is never joinable.
        new_models: whether models unknown to the sandbox are taken.
        gpt_transcribe: whether `gpt-transcribe` and `gpt-live-transcribe` are taken.
        mid_call: the frame, counted from the first, at which a fault strikes that comes in mid-call.
        hang_up_close: how sidebands end when the caller hangs up: 1005 without a code, 1006 without a word.
        pending_seconds: how long a call rings at OpenAI until it is given up (real seconds).
        truncated: where `conversation.item.truncated` stands among the frames of a barge-in.
        rate_limits: whether `rate_limits.updated` follows `response.created` or `response.done`.
        trunk_to: whom the `To` header of a call through the trunk names.
        withheld_from: how Twilio writes a withheld number (`+266696687` spells ANONYMOUS).
        greeting_seconds: how long the caller waits for a greeting before speaking (real seconds).
        webhook_retries: how often `realtime.call.incoming` is repeated.
        webhook_backoff: by what factor the pause before each repetition grows.
        webhook_seconds: how long OpenAI waits for the answer to a webhook (real seconds).
        callback_order: in which order Twilio's `callbacks-reordered` tells what happened.
        answered_callback: whether the callback of the answer goes out before or after the TwiML is fetched.
        ringing_told: whether a call rings in Twilio's eyes before it is answered.
        inbound_callbacks: of what a number's status callback is told for a call that came in.
        sip_call_sid: whose SID `X-Twilio-CallSid` is: that of the leg to OpenAI, or of the person's.
        trial_code: the error with which a trial account may not dial.
        recording_trouble: what is wrong with recordings: the callback comes twice at once, or never; its
            `RecordingUrl` names another host; there is nothing in it; the media is not found three times, or
            never; it has no end; the first request to delete it fails.
        suspended_account: whether Twilio still shows an account that is suspended or closed, of which nothing
            else can be asked, or refuses its credentials there, too.
        late_answer_seconds: when an answer of Twilio's that comes too late does come (real seconds).
        gateway_release: whose WebSocket the gateway answers; with `none` there is none, before 2026.9.6 it
            has no `talk.client.*`.
        gateway_provider: which realtime provider OpenClaw has, without which no voice session opens; the
            plugin's `voice-bridge` knows neither the time limit nor the owner of a voice session.
        gateway_talk_seconds: how long a voice session of the gateway's stays open (real seconds).
        gateway_busy: whether the agent is in mid-turn everywhere.
        gateway_trouble: what is wrong with the gateway: it cuts whoever comes, it is still starting, it does
            not answer, or it cuts a socket after `gateway_rows` rows without answering the last.
        gateway_rows: how many rows `drops` lets in for each socket.
        gateway_history_seconds: how long the gateway takes to read a conversation (real seconds): a real one
            that was idle needs one.
        gateway_route: whether the owner was last heard from in a chat, where `send` may bring messages; with
            `cut` Telegram is out of reach just then, and the gateway brings them later.
        agent_seconds: how long the agent works on a question whose answer has no time of its own.
        agent_trouble: what is wrong when the agent is asked over HTTP: 500; its answer breaks off in the
            middle; an error comes in the middle; it never answers; the endpoint is off (404); the gateway is
            still starting (503).
    """

    session_created: bool = False
    second_accept: Literal["not_found", "conflict", "ok"] = "not_found"
    bad_session: Literal["refused", "dead"] = "refused"
    new_models: bool = False
    gpt_transcribe: bool = True
    mid_call: int = 70
    hang_up_close: Literal[1000, 1001, 1005, 1006] = 1006
    pending_seconds: float = 30.0
    truncated: Literal["before_done", "after_done"] = "before_done"
    rate_limits: Literal["after_created", "after_done"] = "after_done"
    trunk_to: Literal["project", "number"] = "project"
    withheld_from: Literal["anonymous", "+266696687", "+7378742833", "Restricted", ""] = "anonymous"
    greeting_seconds: float = 10.0
    webhook_retries: int = 6
    webhook_backoff: float = 2.0
    webhook_seconds: float = 5.0
    callback_order: Annotated[tuple[Event, ...], AfterValidator(_all_events)] = (
        "completed",
        "answered",
        "ringing",
        "initiated",
    )
    answered_callback: Literal["before_twiml", "after_twiml"] = "before_twiml"
    ringing_told: bool = True
    inbound_callbacks: Literal["completed", "all"] = "completed"
    sip_call_sid: Literal["child", "parent"] = "child"
    trial_code: Literal[21219, 573002] = 573002
    recording_trouble: RecordingTrouble = "none"
    suspended_account: Literal["shown", "refused"] = "shown"
    late_answer_seconds: float = 20.0
    gateway_release: Release = "none"
    gateway_provider: Literal["openai", "voice-bridge", "none"] = "openai"
    gateway_talk_seconds: float = 60.0
    gateway_busy: bool = False
    gateway_trouble: Literal["none", "down", "starting", "silent", "drops"] = "none"
    gateway_rows: int = 3
    gateway_history_seconds: float = 0.0
    gateway_route: Literal["telegram", "cut", "none"] = "telegram"
    agent_seconds: float = 0.25
    agent_trouble: AgentTrouble = "none"
