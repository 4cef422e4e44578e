"""How a call begins: what is known of it before anything has happened."""

from dataclasses import dataclass
from typing import Any

from services.voice_server.domain.agent import Agent
from services.voice_server.domain.instructions import greeting
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import CallStatus, Direction, EndReason

MAX_SECONDS = 3540
"""OpenAI ends every call after an hour; ours comes first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may last, be silent, be quiet until its peers are asked, and wait for an answer."""

    max_call_seconds: int
    silence_seconds: int
    reconcile_seconds: int
    answer_seconds: float


def new_call(agent: Agent, limits: Limits, at: float, **known: Any) -> CallRecord:
    """Begin the record of a call.

    Args:
        agent: who speaks.
        limits: how long; the agent may want less.
        at: the moment it begins, in seconds since 1970.
        known: further fields of the record, `direction` among them.
    """
    dialling = known["direction"] is Direction.OUTBOUND
    call = CallRecord(
        agent=agent.name,
        model=agent.model,
        transcription_model=agent.transcription_model,
        max_call_seconds=min(limits.max_call_seconds, agent.max_call_seconds or MAX_SECONDS),
        silence_seconds=limits.silence_seconds,
        reconcile_seconds=limits.reconcile_seconds,
        answer_seconds=limits.answer_seconds,
        greeting="",
        phase=Phase.DIALLING if dialling else Phase.BRIDGING,
        phase_since=at,
        status=CallStatus.QUEUED if dialling else CallStatus.RINGING,
        started_at=at,
        known_at=at,
        **known,
    )
    return call.model_copy(update={"greeting": greeting(agent, call)})


def refused(call: CallRecord) -> CallRecord:
    """End a call before it has begun: its caller is turned away, and neither network has a leg of ours."""
    over = {"phase": Phase.ENDED, "leg_gone": True, "rtc_gone": True, "sip_token": None}
    how = {"status": CallStatus.REJECTED, "end_reason": EndReason.REJECTED, "ended_at": call.started_at}
    return call.model_copy(update={**over, **how, "cost_usd": 0.0})
