"""What a call does without being told to: how long everything may last, and what is due then."""

from collections.abc import Mapping

from services.voice_server.domain import signals as s
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.talk import Talk
from shared.events import EndReason

PATIENCE: Mapping[Phase, tuple[float, s.Signal]] = {
    Phase.DIALLING: (90, s.HangUpRequested(EndReason.NOT_REACHED)),
    Phase.BRIDGING: (20, s.HangUpRequested(EndReason.CONNECTION_FAILED)),
    Phase.JOINING: (20, s.HangUpRequested(EndReason.CONNECTION_FAILED)),
    Phase.CLOSING: (15, s.LegsReleased()),
}
"""How many seconds a phase may last, and what the call is told then."""

WARNING_SECONDS = 30
"""How long before the end of its time the caller is told; in a short call, a quarter of it before."""

OPENAI_SECONDS = 3600
"""How long OpenAI lets a call last."""

Deadline = tuple[float, s.Signal]
"""A moment, in seconds since 1970, and the signal that is due then."""


def deadlines(call: CallRecord, talk: Talk, quiet_since: float, release_at: float) -> list[Deadline]:
    """List what is due, and when.

    Args:
        call: what is known of the call.
        talk: its conversation.
        quiet_since: when a peer was last heard of, or asked.
        release_at: when to try again to hang up what could not be.
    """
    if call.phase is Phase.ENDED:
        return [(release_at, s.ReleaseDue())] if call.live_sid or call.live_rtc else []
    due: list[Deadline] = []
    if call.phase in PATIENCE:
        seconds, signal = PATIENCE[call.phase]
        due.append((call.phase_since + seconds, signal))
    if call.phase is Phase.TALKING:
        due += _while_talking(call, talk)
    if call.phase is not Phase.CLOSING:
        due.append((quiet_since + call.reconcile_seconds, s.WentQuiet()))
    return due


def _while_talking(call: CallRecord, talk: Talk) -> list[Deadline]:
    end = (call.answered_at or call.phase_since) + call.max_call_seconds
    due: list[Deadline] = [
        (end, s.HangUpRequested(EndReason.MAX_DURATION)),
        (talk.silent_at(call.silence_seconds), s.HangUpRequested(EndReason.SILENCE)),
    ]
    if talk.goodbye_by is not None:
        due.append((talk.goodbye_by, s.HangUpRequested(EndReason.ASSISTANT_HUNG_UP)))
    elif not call.warned:
        due.append((end - min(WARNING_SECONDS, call.max_call_seconds / 4), s.TimeNearlyUp()))
    return due
