"""Telephone calls as a whole: from the person's telephone through Twilio to OpenAI."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from sandbox import sip
from sandbox.accounts import Number, Origination, new_sid
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.peer import OpenAI
from sandbox.openai.said import said
from sandbox.routing import way_in
from sandbox.sip import Invite, SipAddress
from sandbox.steps import Script
from sandbox.twilio.legs import Leg
from sandbox.twilio.rest import Twilio
from sandbox.twilio.troubles import EVENTS
from sandbox.world import World
from shared.events import CallStatus

Via = Literal["account", "trunk", "number"]
"""How a person's call gets in: as the accounts are set up, or, however they are, straight to OpenAI, or
through a number that asks for TwiML."""


class NoSuchCallError(LookupError):
    """There is no call with that id."""


@dataclass(frozen=True)
class PhoneCall:
    """One call as it stands.

    Attributes:
        leg: Twilio's leg to the person; None if it came through the trunk.
        through_trunk: OpenAI's part, if it came through the trunk.
    """

    leg: Leg | None = None
    through_trunk: RealtimeCall | None = None

    @property
    def realtime(self) -> RealtimeCall | None:
        """OpenAI's part, once it has begun."""
        if self.leg:
            return self.leg.bridges[-1].realtime if self.leg.bridges else None
        return self.through_trunk

    @property
    def id(self) -> str:
        """The id the outside knows it by: Twilio's SID, or OpenAI's id if it came through the trunk."""
        return self.leg.sid if self.leg else self.realtime.call_id if self.realtime else ""

    @property
    def ids(self) -> set[str]:
        """Every id that means this call."""
        children = {bridge.child.sid for bridge in self.leg.bridges} if self.leg else set()
        return {self.id, *children, *({self.realtime.call_id} if self.realtime else ())}

    @property
    def is_over(self) -> bool:
        """Tell whether nothing of it goes on."""
        return (not self.leg or self.leg.status.is_final) and (
            not self.realtime or self.realtime.over.is_set()
        )

    def as_json(self) -> dict[str, Any]:
        """Tell what happened."""
        legs = [self.leg, *(bridge.child for bridge in self.leg.bridges)] if self.leg else []
        return {
            "id": self.id,
            "over": self.is_over,
            "legs": [
                {"sid": leg.sid, "direction": leg.direction, "from": leg.from_, "to": leg.to}
                | {"statuses": [str(status) for status in leg.statuses]}
                for leg in legs
            ],
            "openai": _realtime_json(self.realtime) if self.realtime else None,
        }


def _realtime_json(call: RealtimeCall) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "accepted": call.session is not None,
        "sip_status": call.sip_status,
        "sidebands": len(call.sidebands),
        "frames_sent": len(call.sent),
        "frames_emitted": call.emitted,
        "client_events": len(call.client_events),
        "end_cause": call.cause,
        "spoken": sum("role" in item.body and bool(item.words) for item in call.conversation.items),
        "heard": [heard.as_json(call.answered_at) for heard in call.heard],
        "said": said((item.id for item in call.conversation.items), call.sent),
        "usage_told": call.ledger.told.model_dump(),
        "usage_untold": call.ledger.untold.model_dump(),
    }


class Exchange:
    """Know every call, let people phone in and hang up."""

    def __init__(self, world: World, twilio: Twilio, openai: OpenAI) -> None:
        self._world = world
        self._twilio = twilio
        self._openai = openai

    def calls(self) -> list[PhoneCall]:
        """List the calls: those Twilio knows, then those through the trunk, each in order of beginning."""
        parents = [leg for leg in self._twilio.legs.values() if leg.parent_sid is None]
        bridged = {
            bridge.realtime.call_id: bridge.realtime
            for leg in parents
            for bridge in leg.bridges
            if bridge.realtime
        }
        through_twilio = [PhoneCall(leg) for leg in parents]
        through_trunk = [
            PhoneCall(through_trunk=call)
            for call_id, call in self._openai.calls.items()
            if call_id not in bridged
        ]
        return through_twilio + through_trunk

    def find(self, call_id: str) -> PhoneCall:
        """Find a call by any of its ids.

        Raises:
            NoSuchCallError: there is none.
        """
        for call in self.calls():
            if call_id in call.ids:
                return call
        raise NoSuchCallError(call_id)

    async def over(self, call_id: str, *, within: float) -> PhoneCall:
        """Wait until a call is over.

        Raises:
            TimeoutError: it still goes on after that many real seconds.
        """
        call = self.find(call_id)
        await self._world.watch.until(lambda: call.is_over, within=within)
        return call

    def phone_in(
        self,
        caller: str,
        script: Script,
        via: Via = "account",
        *,
        hang_up_after: float | None = None,
    ) -> PhoneCall:
        """Let a person call the service.

        Args:
            caller: the person's number in E.164, or `anonymous`.
            script: what will be said; an armed fault brings its own, unless this one goes wrong already.
            via: the way the call takes.
            hang_up_after: seconds (at the sandbox's pace) until the person hangs up, whatever is being said.

        Raises:
            NowhereError: as the accounts are set up, it gets nowhere.
        """
        goes = self._way(via)
        if script.fault is None:
            script = self._world.armed.script(script)
        if isinstance(goes, Number):
            call = self._through_number(caller, script, goes)
        else:
            call = self._through_trunk(caller, script, goes)
        if hang_up_after is not None:
            self._world.tasks.start(self._hang_up_later(call.id, hang_up_after), name=f"hang-up of {call.id}")
        return call

    def _way(self, via: Via) -> SipAddress | Number:
        match via:
            case "account":
                return way_in(self._world)
            case "trunk":
                return sip.parse(self._world.filled(Origination().sip_url))
            case "number":
                return Number()

    def hang_up(self, call_id: str) -> None:
        """Let the person hang up."""
        call = self.find(call_id)
        if call.realtime:
            call.realtime.end(EndCause.CALLER_HUNG_UP)
        if call.leg:
            self._twilio.line.end(call.leg, CallStatus.COMPLETED)

    async def _hang_up_later(self, call_id: str, seconds: float) -> None:
        await self._world.clock.pause(seconds)
        self.hang_up(call_id)

    def _through_trunk(self, caller: str, script: Script, address: SipAddress) -> PhoneCall:
        settings = self._world.settings
        own = settings.twilio_phone_number
        if self._world.switches.trunk_to == "number":
            address = replace(address, user=own)
        headers = (
            ("Diversion", f"<sip:{own}@twilio.com>;reason=unconditional"),
            ("X-Twilio-AccountSid", settings.twilio_account_sid),
            ("X-Twilio-CallSid", new_sid("CA")),
        )
        return PhoneCall(through_trunk=self._openai.invite(Invite(script, caller, address.uri, headers)))

    def _through_number(self, caller: str, script: Script, number: Number) -> PhoneCall:
        callback = self._world.filled(number.status_callback)
        leg = Leg(
            account_sid=self._world.settings.twilio_account_sid,
            to=self._world.settings.twilio_phone_number,
            from_=self._world.switches.withheld_from if caller == "anonymous" else caller,
            direction="inbound",
            script=script,
            url=self._world.filled(number.voice_url),
            method=number.voice_method,
            status_callback=callback if self._world.is_ours(callback) else None,
            callback_method=number.status_callback_method,
            events=EVENTS if self._world.switches.inbound_callbacks == "all" else frozenset({"completed"}),
        )
        self._twilio.line.ring_in(leg)
        return PhoneCall(leg)
