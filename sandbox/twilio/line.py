"""The telephone network: rings, answers, does what the TwiML says, and ends each leg once."""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urljoin

from sandbox import sip
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.peer import OpenAI
from sandbox.sip import InvalidSipAddressError, Invite, SipAddress
from sandbox.twilio import twiml
from sandbox.twilio.callbacks import Callbacks
from sandbox.twilio.errors import Alert, CallFaultError
from sandbox.twilio.legs import Bridge, Leg
from sandbox.twilio.recordings import Recordings
from sandbox.world import World
from shared.events import CallStatus

_BY_SIP_STATUS = {
    408: CallStatus.NO_ANSWER,
    480: CallStatus.NO_ANSWER,
    486: CallStatus.BUSY,
    487: CallStatus.NO_ANSWER,
    600: CallStatus.BUSY,
}


class _HungUpError(Exception):
    """The person has hung up; no further TwiML is done."""


class Line:
    """Run legs.

    Attributes:
        legs: every leg by its SID, children too.
        alerts: what Twilio's debugger shows.
        recordings: what was recorded.
    """

    def __init__(self, world: World, callbacks: Callbacks, openai: OpenAI) -> None:
        self.legs: dict[str, Leg] = {}
        self.alerts: list[Alert] = []
        self.recordings = Recordings(world, callbacks)
        self._world = world
        self._callbacks = callbacks
        self._openai = openai

    def dial_out(self, leg: Leg) -> None:
        """Ring at the person, as the leg's script wants it."""
        self._run(leg, self._dial_out(leg))

    def ring_in(self, leg: Leg) -> None:
        """Let a person ring at the number."""
        self._run(leg, self._ring_in(leg))

    def redirect(self, leg: Leg, url: str | None, document: str | None) -> None:
        """Drop what a leg is doing and follow other TwiML."""
        if leg.task:
            leg.task.cancel()
        leg.url, leg.twiml = url, document
        self._run(leg, self._follow(leg))

    def end(self, leg: Leg, status: CallStatus, *, sip_code: int | None = None) -> None:
        """End a leg and whatever hangs on it, once. Canceled while queued, nobody is told."""
        if leg.status.is_final:
            return
        silent = leg.status is CallStatus.QUEUED and status is CallStatus.CANCELED
        leg.becomes(status)
        if leg.task and leg.task is not asyncio.current_task():
            leg.task.cancel()
        for bridge in leg.bridges:
            self._unbridge(bridge, CallStatus.COMPLETED)
        if not silent:
            self._callbacks.report(leg, "completed", sip_code=sip_code)
        self._world.watch.changed()

    def _run(self, leg: Leg, work: Coroutine[Any, Any, None]) -> None:
        self.legs[leg.sid] = leg
        leg.task = self._world.tasks.start(work, name=f"leg {leg.sid}")
        self._world.watch.changed()

    async def _dial_out(self, leg: Leg) -> None:
        clock = self._world.clock
        await clock.pause(leg.trouble.queues + 0.3)
        self._callbacks.report(leg, "initiated")
        await clock.pause(0.4)
        if self._world.switches.ringing_told:
            leg.becomes(CallStatus.RINGING)
            self._callbacks.report(leg, "ringing")
            self._world.watch.changed()
        if leg.script.outcome == "no-answer":
            await clock.pause(math.inf if leg.trouble.rings_for_ever else leg.timeout)
            self.end(leg, CallStatus.NO_ANSWER, sip_code=487)
            return
        await clock.pause(min(leg.script.rings_seconds, leg.timeout))
        if leg.script.outcome == "busy":
            self.end(leg, CallStatus.BUSY, sip_code=486)
            return
        told_late = self._world.switches.answered_callback == "after_twiml"
        self._answer(leg, tell=not told_late)
        await self._follow(leg, told_late=told_late)

    async def _ring_in(self, leg: Leg) -> None:
        leg.becomes(CallStatus.RINGING)
        await self._follow(leg)

    def _answer(self, leg: Leg, *, tell: bool = True) -> None:
        leg.becomes(CallStatus.IN_PROGRESS)
        if tell:
            self._callbacks.report(leg, "answered")
        if leg.trouble.vanishes_after < math.inf:
            self._world.tasks.start(self._vanish(leg), name=f"vanishing of {leg.sid}")
        self._world.watch.changed()

    async def _vanish(self, leg: Leg) -> None:
        """End a leg so that nobody learns of it: neither the service nor OpenAI."""
        await self._world.clock.pause(leg.trouble.vanishes_after)
        if not leg.status.is_final:
            leg.becomes(CallStatus.COMPLETED)
            self._world.watch.changed()

    def _time_limit(self, leg: Leg) -> float | None:
        seconds = min(leg.time_limit or math.inf, leg.trouble.ends_after / self._world.clock.speed)
        return None if seconds == math.inf else seconds

    async def _follow(self, leg: Leg, *, told_late: bool = False) -> None:
        try:
            async with asyncio.timeout(self._time_limit(leg)):
                try:
                    document = leg.twiml or await self._callbacks.fetch_twiml(leg.url or "", leg)
                finally:
                    if told_late:
                        self._callbacks.report(leg, "answered")
                await self._perform(leg, document, leg.url or "")
        except (TimeoutError, _HungUpError):
            self.end(leg, CallStatus.COMPLETED)
        except CallFaultError as fault:
            self.alerts.append(Alert(leg.sid, fault.code, str(fault)))
            self.end(leg, CallStatus.FAILED)
        else:
            self.end(leg, CallStatus.COMPLETED)

    async def _perform(self, leg: Leg, document: str, base: str) -> None:
        for verb in twiml.parse(document):
            if isinstance(verb, twiml.Reject) and leg.status is CallStatus.RINGING:
                self.end(leg, CallStatus.BUSY if verb.reason == "busy" else CallStatus.NO_ANSWER)
                return
            if leg.status is CallStatus.RINGING:
                self._answer(leg)
            match verb:
                case twiml.Hangup() | twiml.Reject():
                    return
                case twiml.Say():
                    await self._world.clock.pause(len(verb.words) / 15)
                case twiml.Pause():
                    await self._world.clock.pause(verb.seconds)
                case twiml.Dial():
                    outcome = await self._dial(leg, verb)
                    if verb.action:
                        url = urljoin(base, verb.action)
                        await self._perform(leg, await self._callbacks.fetch_twiml(url, leg, outcome), url)
                        return

    async def _dial(self, leg: Leg, dial: twiml.Dial) -> dict[str, str]:
        """Bridge the leg; answer with what `<Dial action>` is told."""
        bridge = self._bridge(leg, dial)
        leg.bridges.append(bridge)
        self.legs[bridge.child.sid] = bridge.child
        self._world.watch.changed()
        try:
            if bridge.realtime:
                await self._talk(bridge, bridge.realtime, dial)
        finally:
            self._unbridge(bridge, CallStatus.COMPLETED)
            self.recordings.made(leg, bridge.child, dial)
        hung_up = bridge.realtime and bridge.realtime.cause is EndCause.CALLER_HUNG_UP
        if hung_up or leg.status.is_final:
            raise _HungUpError
        return {
            "DialCallSid": bridge.child.sid,
            "DialCallStatus": str(bridge.child.status),
            "DialCallDuration": str(bridge.child.seconds),
            "DialBridged": "true" if bridge.child.answered else "false",
            "DialSipResponseCode": str(bridge.realtime.sip_status if bridge.realtime else 404),
        }

    def _bridge(self, leg: Leg, dial: twiml.Dial) -> Bridge:
        caller_id = dial.caller_id or leg.from_
        try:
            address = sip.parse(dial.sip)
        except InvalidSipAddressError as error:
            raise CallFaultError(error.code, str(error)) from error
        child = Leg(
            account_sid=leg.account_sid,
            to=address.uri,
            from_=caller_id,
            direction="outbound-dial",
            script=leg.script,
            parent_sid=leg.sid,
        )
        child.becomes(CallStatus.RINGING)
        if not leg.trouble.invite_arrives or not self._reaches_openai(address, caller_id):
            self.alerts.append(Alert(leg.sid, 13224, f"{address.uri} answered SIP 4xx."))
            return Bridge(child, None)
        headers = (
            ("X-Twilio-AccountSid", leg.account_sid),
            ("X-Twilio-CallSid", {"child": child.sid, "parent": leg.sid}[self._world.switches.sip_call_sid]),
            *address.headers,
        )
        return Bridge(child, self._openai.invite(Invite(leg.script, caller_id, address.uri, headers)))

    def _reaches_openai(self, address: SipAddress, caller_id: str) -> bool:
        """OpenAI wants a caller in E.164, or none at all."""
        is_caller = caller_id.startswith("+") or caller_id == "anonymous"
        return is_caller and address.is_openais(self._world.settings.openai_project_id)

    async def _talk(self, bridge: Bridge, realtime: RealtimeCall, dial: twiml.Dial) -> None:
        try:
            async with asyncio.timeout(dial.timeout):
                await realtime.decided.wait()
            if realtime.is_live:
                bridge.child.becomes(CallStatus.IN_PROGRESS)
                self._world.watch.changed()
            async with asyncio.timeout(dial.time_limit):
                await realtime.over.wait()
        except TimeoutError:
            return

    def _unbridge(self, bridge: Bridge, answered: CallStatus) -> None:
        if bridge.realtime:
            bridge.realtime.end(EndCause.LINE_ENDED)
        if bridge.child.status.is_final:
            return
        sip_status = bridge.realtime.sip_status if bridge.realtime else 404
        if bridge.child.answered:
            bridge.child.becomes(answered)
        else:
            bridge.child.becomes(_BY_SIP_STATUS.get(sip_status or 0, CallStatus.FAILED))
        self._world.watch.changed()
