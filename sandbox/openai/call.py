"""One call at OpenAI: from the INVITE to its end, with whoever listens in on it."""

import asyncio
import secrets
import time
from collections import Counter
from enum import StrEnum
from typing import Any

from sandbox.openai import session_config
from sandbox.openai.conversation import Conversation, Item, new_id
from sandbox.openai.floor import Floor
from sandbox.openai.heard import Heard, Speaker
from sandbox.openai.ledger import Ledger
from sandbox.openai.response import Reply
from sandbox.openai.sideband import Frame, Sideband
from sandbox.openai.spoiling import Wire
from sandbox.openai.troubles import MID_CALL, NONE, TROUBLES, Trouble
from sandbox.sip import Invite
from sandbox.world import World
from shared.tasks import Tasks


class EndCause(StrEnum):
    """Who or what ended a call."""

    CALLER_HUNG_UP = "caller_hung_up"
    HUNG_UP_BY_API = "hung_up_by_api"
    LINE_ENDED = "line_ended"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NEVER_ACCEPTED = "never_accepted"


_WITHOUT_ID = frozenset({"input_audio_buffer.dtmf_event_received"})
_EXPIRED = "Your session hit the maximum duration of 60 minutes."
_ORDERLY: dict[EndCause, tuple[int, str]] = {
    EndCause.HUNG_UP_BY_API: (1000, ""),
    EndCause.EXPIRED: (1001, _EXPIRED),
}


class RealtimeCall:
    """A call that rings, is accepted and talks, or is not, and ends once.

    Attributes:
        decided: set when it has been accepted or has ended.
        over: set when it has ended; `cause` says why.
        sip_status: how the INVITE was answered in the end.
        session: the configuration in force, once accepted.
        sent: every frame that went out to at least one sideband.
        emitted: how many there would have been, had somebody been there all the time.
        missed: how often a sideband was asked for.
        refused: how many requests of each kind its trouble has refused.
        client_events: every event the sidebands brought.
        heard: what sounded on the line, in order of its beginning.
        answered_at: when it was accepted, as `time.monotonic` tells it.
        referred_to: where it was to be transferred.
    """

    def __init__(self, world: World, invite: Invite) -> None:
        self.world = world
        self.invite = invite
        self.call_id = f"rtc_u0_{secrets.token_hex(16)}"
        self.decided, self.over = asyncio.Event(), asyncio.Event()
        self.cause: EndCause | None = None
        self.sip_status: int | None = None
        self.session: dict[str, Any] | None = None
        self.referred_to: str | None = None
        self.conversation = Conversation()
        self.ledger = Ledger()
        self.sidebands: list[Sideband] = []
        self.sent: list[dict[str, Any]] = []
        self.client_events: list[dict[str, Any]] = []
        self.heard: list[Heard] = []
        self.emitted = 0
        self.missed = 0
        self.refused: Counter[str] = Counter()
        self.trouble: Trouble = TROUBLES.get(invite.script.fault or "", NONE)
        self._spoil = self.trouble.spoiler()
        self.tasks = Tasks()
        self.floor = Floor(self)
        self._accepted_at = self.answered_at = 0.0

    @property
    def is_live(self) -> bool:
        """Tell whether it has been accepted and has not ended."""
        return self.session is not None and not self.over.is_set()

    @property
    def audio_ms(self) -> int:
        """Where the audio of the call stands."""
        return round((self.world.clock.now() - self._accepted_at) * 1000)

    def accept(self, given: dict[str, Any]) -> None:
        """Answer the call."""
        self.session = session_config.in_force(given, new_id("sess"))
        self.sip_status = 200
        self._accepted_at, self.answered_at = self.world.clock.now(), time.monotonic()
        self.decided.set()
        self.world.watch.changed()

    def end(self, cause: EndCause, *, sip_status: int = 487) -> None:
        """End the call, once; by API the sockets are closed in order, otherwise as `hang_up_close` says."""
        if self.over.is_set():
            return
        self.cause = cause
        self.sip_status = self.sip_status or sip_status
        self.over.set()
        self.decided.set()
        code, reason = _ORDERLY.get(cause, (self.world.switches.hang_up_close, "going away"))
        for sideband in self.sidebands:
            sideband.end(code, reason, orderly=cause in _ORDERLY)
        if self.floor.active:
            self.floor.active.abandon()
        self.world.tasks.start(self.tasks.cancel(), name=f"end of {self.call_id}")
        self.world.watch.changed()

    def attach(self, sideband: Sideband) -> None:
        """Let one more sideband listen in; it is told nothing of what was before."""
        self.sidebands.append(sideband)
        if self.trouble.speaks_first and len(self.sidebands) == 1:
            self.floor.respond(Reply("Hm."))
        if self.world.switches.session_created:
            sideband.send(self.frame("session.created", session=self.session))
        self.world.watch.changed()

    def detach(self, sideband: Sideband) -> None:
        """Do without a sideband; the call goes on."""
        if sideband in self.sidebands:
            self.sidebands.remove(sideband)
        self.world.watch.changed()

    def frame(self, kind: str, **fields: Any) -> Frame:
        """Build a frame, with an id of its own if its type has one."""
        self.emitted += 1
        name = {} if kind in _WITHOUT_ID else {"event_id": f"event_{secrets.token_hex(10)}"}
        return Frame({"type": kind, **name, **fields})

    def emit(self, kind: str, **fields: Any) -> str:
        """Send a frame to every sideband, unless the call is over, and return its id."""
        frame = self.frame(kind, **fields)
        for wire in self._spoil(frame.body):
            self._send(frame if wire is frame.body else _spoiled(wire))
        self._stumble()
        self.world.watch.changed()
        return frame.event_id

    def _send(self, frame: Frame) -> None:
        if not self.over.is_set():
            for sideband in self.sidebands:
                sideband.send(frame)

    def _stumble(self) -> None:
        """Let happen what the call's trouble has for this frame."""
        moments = {self.emitted, MID_CALL} if self.emitted == self.world.switches.mid_call else {self.emitted}
        if moments & self.trouble.breaks_at:
            for sideband in list(self.sidebands):
                sideband.end(self.trouble.breaks_with)
                self.detach(sideband)
        if self.trouble.falls_silent_at in moments:
            for sideband in self.sidebands:
                sideband.fall_silent()
        if self.trouble.expires_at in moments:
            error = {"type": "invalid_request_error", "code": "session_expired", "message": _EXPIRED}
            self.emit("error", error={**error, "param": None, "event_id": None})
            self.end(EndCause.EXPIRED)

    def told(self, frame: Frame) -> None:
        """Note that a frame has gone out."""
        if not frame.told:
            frame.told = True
            self.sent.append(frame.body)
            self.ledger.mark_told(frame.event_id)
            self.world.watch.changed()

    def hear(self, speaker: Speaker) -> Heard:
        """Note that somebody begins to be heard."""
        self.heard.append(Heard(speaker))
        return self.heard[-1]

    def add_item(self, item: Item, after: str | None = None) -> None:
        """Put an item into the conversation and say so."""
        self.conversation.add(item, after)
        self.emit("conversation.item.added", previous_item_id=item.previous_id, item=dict(item.body))

    def finish_item(self, item: Item) -> None:
        """Say that an item is complete."""
        previous = None if item.told_null else item.previous_id
        self.emit("conversation.item.done", previous_item_id=previous, item=dict(item.body))


def _spoiled(wire: Wire) -> Frame:
    return Frame(wire) if isinstance(wire, dict) else Frame({}, junk=wire)
