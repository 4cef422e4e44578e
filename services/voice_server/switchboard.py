"""The switchboard: every call that is not over, under each of its names."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal
from weakref import WeakValueDictionary

import structlog

from services.voice_server.adapters.openai_calls import BUSY, DECLINED, UNAVAILABLE
from services.voice_server.adapters.openai_webhook import Offer
from services.voice_server.adapters.twilio_errors import (
    ImpossibleCallError,
    TwilioError,
    TwilioUncertainError,
)
from services.voice_server.adapters.twilio_webhook import TOKEN_HEADER
from services.voice_server.call_runner import CallRunner
from services.voice_server.directory import Directory
from services.voice_server.domain import signals as s
from services.voice_server.domain.call import Call
from services.voice_server.domain.opening import Limits, new_call, refused
from services.voice_server.domain.policy import Calls, DestinationRefusedError, Policy, TooManyCallsError
from services.voice_server.domain.quotas import DAY_SECONDS, Quotas
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.peers import Peers
from shared.database import DatabaseError
from shared.events import Direction, EndReason
from shared.tasks import Tasks

log = structlog.get_logger()

_HANG_UP_SECONDS = 2.5


Refusal = Literal["rejected", "busy"]
"""Why a caller is turned away: not wanted, or all lines are taken."""


class StoppingError(Exception):
    """The server is being stopped and takes no more calls."""


class CallGivenUpError(Exception):
    """The call was given up while Twilio was being asked to place it; it has been hung up."""


class Switchboard:
    """Let calls begin, find them, and end them.

    Args:
        peers: whom the calls deal with.
        policy: who may call and be called.
        quotas: how much.
        limits: how long.
        tasks: who owns the running calls.
    """

    def __init__(self, peers: Peers, policy: Policy, quotas: Quotas, limits: Limits, tasks: Tasks) -> None:
        self._peers = peers
        self._policy = policy
        self._quotas = quotas
        self._limits = limits
        self._tasks = tasks
        self._running: list[CallRunner] = []
        self._directory = Directory()
        self._stopping = False
        self._deciding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def active(self) -> list[CallRecord]:
        """What is known of the calls that are not over, oldest first."""
        return [runner.record for runner in self._running if not runner.ended.is_set()]

    def find(self, name: str) -> CallRunner | None:
        """Find a running call by its ref, or by Twilio's or OpenAI's id of it."""
        return self._directory.find(name)

    async def resume(self) -> None:
        """Take up the calls that ran when the server was stopped or killed; with CALLS=off, end them."""
        self._quotas.remember(await self._peers.store.since(time.time() - DAY_SECONDS))
        for record, published in await self._peers.store.unfinished():
            log.info("call_resumed", call_id=record.call_id, phase=record.phase)
            runner = self._run(record, published, resumed=True)
            self._directory.enter(runner, record.call_sid, record.rtc_id)
            if self._policy.calls is Calls.OFF:
                runner.tell(s.HangUpRequested(EndReason.SERVER_STOPPED))

    async def place(
        self, to: str, message: str | None, caller_id: str | None, metadata: Mapping[str, Any], *, ref: str
    ) -> str:
        """Have a person called and return the call's id, Twilio's SID. `ref` is our own name for it.

        Raises:
            PhoneOffError: the owner has closed the phone.
            DestinationRefusedError: by our rules, or by Twilio's.
            ImpossibleCallError: Twilio cannot call that number, or not from that one.
            TooManyCallsError: all lines are taken, too many calls were placed, or the day's money is spent.
            StoppingError: the server is being stopped.
            DatabaseError: the call cannot be saved; Twilio was not asked.
            CallGivenUpError: it was stopped meanwhile, or cannot be saved any more; it has been hung up.
            TwilioError: Twilio did not place it, or (`TwilioUncertainError`) perhaps did.
        """
        own = caller_id or self._policy.own_number
        self._policy.check_destination(to, own)
        self._quotas.check_dialling(to, time.time())
        self._check_load()
        known = {"ref": ref, "message": message, "metadata": dict(metadata)}
        record = self._record(Direction.OUTBOUND, to, own, **known)
        self._quotas.dialled(to, record.started_at)
        runner = self._run(record)
        await runner.caught_up()
        if runner.ended.is_set():
            raise CallGivenUpError
        try:
            call_sid = await self._peers.twilio.place_call(
                record.ref, to=to, caller_id=own, time_limit_seconds=record.max_call_seconds
            )
        except TwilioUncertainError as error:
            self._peers.metrics.peer_failed("twilio", error)
            # If it was placed after all, Twilio's next request brings the SID to the waiting call.
            raise
        except (TwilioError, ImpossibleCallError, DestinationRefusedError) as error:
            self._peers.metrics.peer_failed("twilio", error)
            runner.tell(s.LegRefused())
            raise
        self.placed(runner, call_sid)
        with suppress(DatabaseError):
            await runner.caught_up()
            if runner.record.call_sid:
                return call_sid
        await self._abandon(call_sid)
        raise CallGivenUpError

    async def _abandon(self, call_sid: str) -> None:
        try:
            await self._peers.twilio.hang_up(call_sid)
        except TwilioError as error:
            raise TwilioUncertainError(str(error)) from error

    def placed(self, runner: CallRunner, call_sid: str) -> None:
        """Learn Twilio's id of a call, from its answer or from any of its requests."""
        if not runner.ended.is_set():
            self._directory.enter(runner, call_sid)
            runner.tell(s.LegPlaced(call_sid))

    async def offered(self, offer: Offer) -> bool:
        """Decide about a call that waits at OpenAI: it is one of ours, a caller's, or turned away.

        It is one of ours only by the secret in the INVITE that we had Twilio send. Every other header is
        whatever the sender liked to write. When this returns, the decision is on disk.

        Returns:
            False if this call has been decided about before.
        """
        async with self._first(offer.rtc_id) as is_first:
            if is_first:
                await self._decide(offer)
            return is_first

    async def _decide(self, offer: Offer) -> None:
        tokens = offer.headers.getall(TOKEN_HEADER, [])
        if tokens:
            ours = self._directory.use_secret(tokens[0]) if len(tokens) == 1 else None
            if ours and ours.record.phase in {Phase.DIALLING, Phase.BRIDGING}:
                await self._join(ours, offer)
            elif ours or self._directory.was_ours(tokens[0]):
                # Our call ended while its INVITE was on its way. It is in the history as it is.
                self._reject(offer, UNAVAILABLE)
            else:
                await self._turn_away(offer, DECLINED)
            return
        caller = self._policy.caller_through_trunk(offer.caller)
        if not self._policy.admits(caller):
            await self._turn_away(offer, DECLINED)
        elif self._is_full:
            await self._turn_away(offer, BUSY)
        else:
            record = self._record(Direction.INBOUND, caller, self._policy.own_number)
            await self._join(self._run(record), offer)

    async def _join(self, runner: CallRunner, offer: Offer) -> None:
        self._directory.enter(runner, offer.rtc_id)
        runner.tell(s.CallOffered(offer.rtc_id))
        await runner.caught_up()

    async def arrived(self, call_sid: str, caller: str | None) -> CallRecord | Refusal:
        """Take a call that Twilio brings to us, or say why not. A repeat changes nothing."""
        async with self._first(call_sid) as is_first:
            if known := self.find(call_sid):
                return known.record
            refusal: Refusal | None = None if self._policy.admits(caller) else "rejected"
            if refusal is None and self._is_full:
                refusal = "busy"
            if refusal and is_first:
                await self._note_refusal(caller, call_sid=call_sid)
            if refusal or not is_first:
                return refusal or "rejected"
            record = self._record(Direction.INBOUND, caller, self._policy.own_number)
            runner = self._run(record)
            self.placed(runner, call_sid)
            await runner.caught_up()
            return runner.record

    @asynccontextmanager
    async def _first(self, name: str) -> AsyncIterator[bool]:
        """Tell whether a call has never been decided about: its own record is the proof. One at a time."""
        lock = self._deciding.setdefault(name, asyncio.Lock())
        async with lock:
            yield self.find(name) is None and await self._peers.store.call(name) is None

    async def hang_up(self, runner: CallRunner, reason: EndReason) -> None:
        """End a call in whatever state it is; return when it has ended."""
        runner.tell(s.HangUpRequested(reason))
        await runner.ended.wait()

    async def drain(self, seconds: float) -> bool:
        """Take no more calls, let the running ones end for so long, then hang up the rest.

        Questions that have outlived their call are waited for, too.

        Returns:
            False, at once, if this has been asked for before.
        """
        if self._stopping:
            return False
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for runner in list(self._running):
                    await runner.gone.wait()
        for runner in self._running:
            runner.tell(s.HangUpRequested(EndReason.SERVER_STOPPED))
        with suppress(TimeoutError):
            async with asyncio.timeout(_HANG_UP_SECONDS):
                await self._all_ended()
        return True

    async def _all_ended(self) -> None:
        for runner in list(self._running):
            await runner.ended.wait()

    @property
    def _is_full(self) -> bool:
        try:
            self._check_load()
        except (StoppingError, TooManyCallsError):
            return True
        return False

    def _check_load(self) -> None:
        if self._stopping:
            raise StoppingError
        self._policy.check_load(len(self.active))
        self._quotas.check_spending((runner.record for runner in self._running), time.time())

    def _record(self, direction: Direction, number: str | None, own_number: str, **more: Any) -> CallRecord:
        trust = self._policy.trust(number)
        ids = {"ref": secrets.token_urlsafe(16), "sip_token": secrets.token_hex(16)}
        who = {"direction": direction, "number": number, "own_number": own_number, "trust": trust}
        return new_call(self._peers.agent, self._limits, time.time(), **ids | who | more)

    def _run(self, record: CallRecord, published: Sequence[str] = (), *, resumed: bool = False) -> CallRunner:
        runner = CallRunner(Call(record, published, self._peers.prices), self._peers)
        self._running.append(runner)
        self._directory.enter(runner, record.ref, secret=record.sip_token)
        self._tasks.start(self._live(runner, resumed=resumed), name=f"call:{record.ref}")
        return runner

    async def _live(self, runner: CallRunner, *, resumed: bool) -> None:
        try:
            await runner.run(resumed=resumed)
        finally:
            self._running.remove(runner)
            self._quotas.ended(runner.record)
            self._directory.remove(runner)
            # A call that could not be ended in time when the server stops is taken up at the next start.
            if not runner.ended.is_set() and not self._stopping:
                await runner.give_up()
            runner.let_go()

    async def _turn_away(self, offer: Offer, sip_status: int) -> None:
        await self._note_refusal(offer.caller, rtc_id=offer.rtc_id)
        self._reject(offer, sip_status)

    def _reject(self, offer: Offer, sip_status: int) -> None:
        self._tasks.start(self._peers.openai.turn_away(offer.rtc_id, sip_status), name="turn away")

    async def _note_refusal(
        self, caller: str | None, *, call_sid: str | None = None, rtc_id: str | None = None
    ) -> None:
        own = self._policy.own_number
        record = refused(self._record(Direction.INBOUND, caller, own, call_sid=call_sid, rtc_id=rtc_id))
        log.info("caller_turned_away", call_id=record.call_id, caller=record.phone_number)
        await self._peers.store.save(record, [])
        self._peers.metrics.ended(record)
