"""The states of a call, and where each signal leads: the table that `call.py` acts on."""

from collections.abc import Mapping

from services.voice_server.domain import signals as s
from services.voice_server.domain.record import Phase
from shared.events import CallStatus

DIALLING, BRIDGING, JOINING, TALKING, CLOSING, ENDED = Phase

TRANSITIONS: Mapping[Phase, Mapping[type[s.Signal], Phase]] = {
    DIALLING: {
        s.LegAnswered: BRIDGING,
        s.CallOffered: JOINING,
        s.LegRefused: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    BRIDGING: {s.CallOffered: JOINING, s.LegEnded: CLOSING, s.HangUpRequested: CLOSING},
    JOINING: {
        s.SidebandAttached: TALKING,
        s.JoinFailed: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    TALKING: {
        s.SidebandLost: JOINING,
        s.SidebandClosed: CLOSING,
        s.LegEnded: CLOSING,
        s.HangUpRequested: CLOSING,
    },
    CLOSING: {s.LegsReleased: ENDED},
    ENDED: {},
}
"""Phase -> signal -> next phase. A signal that is not listed leaves the phase as it is."""

FOUND: Mapping[CallStatus, s.Signal] = {
    CallStatus.RINGING: s.LegRang(),
    CallStatus.IN_PROGRESS: s.LegAnswered(),
}
"""What Twilio's answer about a leg comes to that is not over."""

STILL_TAKEN = (s.ToolAnswered, s.LegsReleased, s.ReleaseDue)
"""What still concerns a call that has ended: its last tools, and legs that could not be hung up."""
