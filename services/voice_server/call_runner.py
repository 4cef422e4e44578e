"""Runs one call: takes in its signals one after the other and carries out what the call wants.

What the call has published is on disk before anything else is done about it. Everything that takes time runs
beside the loop and comes back as a signal.
"""

import asyncio
import time
from contextlib import suppress

import structlog

from services.voice_server.adapters.openai_calls import (
    CallGoneError,
    OpenAIError,
    OpenAIUncertainError,
    session,
)
from services.voice_server.adapters.realtime import (
    Sideband,
    SidebandError,
    SidebandNotFoundError,
    ToModel,
)
from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.agent_line import AgentLine
from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.commands import (
    Accept,
    AskOpenClaw,
    AskTwilio,
    Attach,
    CheckSideband,
    Command,
    DropQuestion,
    HangUp,
    Publish,
    PublishPartial,
    RequestResponse,
    RetrieveItem,
    SubmitOutput,
)
from services.voice_server.domain.instructions import instructions, tools
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.legs import Legs
from services.voice_server.peers import Peers
from shared.database import DatabaseError
from shared.events import KeptEvent
from shared.tasks import Tasks

log = structlog.get_logger()

LAST_WORDS_SECONDS = 2
"""How long a sideband may still deliver after its call was hung up."""

MAX_REATTACHED = 8
"""How often a sideband may break in one call until it is given up."""


class CallRunner:
    """Run a call until it is settled: ended, both legs hung up, its last tool answered.

    Attributes:
        ended: set once its end is saved, or it is not run any more.
        gone: set once it is not run any more.
    """

    def __init__(self, call: Call, peers: Peers) -> None:
        self.ended, self.gone = asyncio.Event(), asyncio.Event()
        self._call = call
        self._peers = peers
        self._saved: CallRecord | None = None
        self._counted = call.record
        self._signals: asyncio.Queue[s.Signal | asyncio.Event] = asyncio.Queue()
        self._accepting: asyncio.Task[None] | None = None
        self._sideband: Sideband | None = None
        self._sideband_gone = asyncio.Event()
        self._agent = AgentLine(peers, call.record.trust, self.tell)
        self._reattached = 0
        self._is_given_up = False

    @property
    def record(self) -> CallRecord:
        """What is known of the call now."""
        return self._call.record

    def tell(self, signal: s.Signal) -> None:
        """Hand the call a signal; it is taken in its turn."""
        self._signals.put_nowait(signal)

    async def caught_up(self) -> None:
        """Wait until what came of the signals so far is on disk, or the call is not run any more.

        Raises:
            shared.database.DatabaseError: it could not be saved, and the call has been given up.
        """
        if not self.ended.is_set():
            saved = asyncio.Event()
            self._signals.put_nowait(saved)
            await saved.wait()
        if self._is_given_up:
            raise DatabaseError("The call cannot be saved.")

    def let_go(self) -> None:
        """Free whoever waits for a call that is not run any more."""
        for event in (self.ended, self.gone, *self._taken()):
            if isinstance(event, asyncio.Event):
                event.set()

    async def give_up(self) -> None:
        """Hang up a call that cannot be run any more, so that it does not go on at somebody's cost."""
        log.error("call_given_up", call_id=self.record.call_id)
        await self._release(self.record.live_sid, self.record.live_rtc)

    async def run(self, *, resumed: bool = False) -> None:
        """Run the call to its end.

        Raises:
            shared.database.DatabaseError: what the call says cannot be saved.
        """
        async with Tasks() as tasks:
            try:
                await self._carry_out(self._call.resume(time.time()) if resumed else [], tasks)
                while not self.record.is_settled or self._agent.is_asking or not self._signals.empty():
                    signals, saved = await self._next_signals()
                    commands = [c for signal in signals for c in self._call.receive(signal, time.time())]
                    await self._carry_out(commands, tasks)
                    for event in saved:
                        event.set()
            except DatabaseError:
                self._is_given_up = True
                await self.give_up()
                self.ended.set()
                raise

    async def _next_signals(self) -> tuple[list[s.Signal], list[asyncio.Event]]:
        wake_at = self._call.wake_at
        try:
            async with asyncio.timeout(None if wake_at is None else max(0, wake_at - time.time())):
                taken = [await self._signals.get(), *self._taken()]
        except TimeoutError:
            taken = [s.TimePassed()]
        signals = [one for one in taken if isinstance(one, s.Signal)]
        return signals, [one for one in taken if isinstance(one, asyncio.Event)]

    def _taken(self) -> list[s.Signal | asyncio.Event]:
        return [self._signals.get_nowait() for _ in range(self._signals.qsize())]

    async def _carry_out(self, commands: list[Command], tasks: Tasks) -> None:
        events: list[KeptEvent] = [command.event for command in commands if isinstance(command, Publish)]
        structlog.contextvars.bind_contextvars(call_id=self.record.call_id)
        if self.record is not self._saved:
            await self._peers.store.save(self.record, events)
            self._peers.metrics.changed(self._counted, self.record, events)
            self._saved = self._counted = self.record
        if events:
            log.info("call_progressed", events=[event.event_type for event in events])
            self._peers.outbox.deliver(events[0].call_id)
        if self.record.session_key:
            self._agent.belongs_to(self.record.session_key, tasks)
        for command in commands:
            await self._do(command, tasks)
        if self.record.phase is Phase.ENDED:
            self.ended.set()

    async def _do(self, command: Command, tasks: Tasks) -> None:
        match command:
            case PublishPartial(event):
                self._peers.outbox.show(event)
            case CheckSideband() | RequestResponse() | SubmitOutput() | RetrieveItem():
                await self._tell_model(command, tasks)
            case Accept(rtc_id, repeated):
                self._accepting = tasks.start(self._accept(rtc_id, repeated=repeated), name="accept")
            case Attach(rtc_id, rejoin):
                tasks.start(self._attach(rtc_id, rejoin=rejoin), name="sideband")
            case AskTwilio(call_sid):
                tasks.start(self._ask_twilio(call_sid), name="ask_twilio")
            case HangUp(call_sid, rtc_id):
                tasks.start(self._hang_up(call_sid, rtc_id), name="hang_up")
            case AskOpenClaw():
                self._agent.ask(command, tasks)
            case DropQuestion():
                self._agent.drop(command)

    def _failed(self, peer: str, what: str, error: Exception, **more: object) -> None:
        self._peers.metrics.peer_failed(peer, error)
        log.warning(what, fault=str(error), **more)

    async def _tell_model(self, command: ToModel, tasks: Tasks) -> None:
        if isinstance(command, CheckSideband) and self._sideband:
            tasks.start(self._sideband.check(), name="check_sideband")
        elif self._sideband:
            await self._sideband.send(command)

    async def _accept(self, rtc_id: str, *, repeated: bool) -> None:
        agent, call = self._peers.agent, self.record
        background = await self._agent.background()
        body = session(agent, instructions(agent, call, background), tools(call.trust))
        try:
            await self._peers.openai.accept(rtc_id, body)
        except OpenAIError as error:
            self._failed("openai", "call_not_accepted", error, repeated=repeated)
            # What OpenAI has taken already it does not take again: only attaching tells.
            perhaps = repeated or isinstance(error, OpenAIUncertainError)
            self.tell(s.CallAccepted() if perhaps else s.JoinFailed(gone=isinstance(error, CallGoneError)))
        else:
            self.tell(s.CallAccepted())

    async def _attach(self, rtc_id: str, *, rejoin: bool) -> None:
        self._reattached += rejoin
        self._peers.metrics.reattached.inc(rejoin)
        if self._reattached > MAX_REATTACHED:
            log.warning("sideband_keeps_breaking", times=self._reattached)
            self.tell(s.JoinFailed(gone=False))
            return
        self._sideband_gone.clear()
        try:
            await asyncio.sleep(0.1 * (self._reattached - 1) * rejoin)
            async with self._peers.realtime.attach(rtc_id, rejoin=rejoin) as sideband:
                self._sideband = sideband
                log.info("sideband_attached", rejoin=rejoin)
                self.tell(s.SidebandAttached())
                try:
                    async for signal in sideband.signals():
                        self.tell(signal)
                finally:  # before the call learns of the end and attaches the next one
                    self._sideband = None
                    self._sideband_gone.set()
                    self._peers.metrics.malformed.inc(sideband.malformed)
        except SidebandError as error:
            self._peers.metrics.peer_failed("openai", error)
            log.info("sideband_not_attached", fault=str(error), rejoin=rejoin)
            # A call that has just been accepted is there, even if it cannot be joined.
            self.tell(s.JoinFailed(gone=rejoin and isinstance(error, SidebandNotFoundError)))

    async def _ask_twilio(self, call_sid: str) -> None:
        asked_at = time.time()
        try:
            leg = await self._peers.twilio.leg(call_sid)
        except TwilioError as error:
            self._failed("twilio", "leg_status_unknown", error)
        else:
            self.tell(s.LegFound(leg.status, leg.ended_at, asked_at))

    async def _hang_up(self, call_sid: str | None, rtc_id: str | None) -> None:
        released = await self._release(call_sid, rtc_id)
        if self._sideband:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await self._sideband_gone.wait()
        self.tell(released)

    async def _release(self, call_sid: str | None, rtc_id: str | None) -> s.LegsReleased:
        if rtc_id and self._accepting:
            # Hung up before it is accepted, it would be accepted afterwards, and nobody would end it.
            await asyncio.wait([self._accepting])
        return await Legs(self._peers).release(call_sid, rtc_id, was_taken=self.record.joined)
