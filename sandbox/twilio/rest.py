"""Twilio as a peer: its REST, above all for calls, and what it did."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from sandbox.openai.peer import OpenAI
from sandbox.reception import Received, Reception
from sandbox.steps import Script
from sandbox.twilio import forms
from sandbox.twilio.account import ACCOUNT, Account
from sandbox.twilio.callbacks import Callbacks
from sandbox.twilio.errors import Alert, TwilioRefusalError
from sandbox.twilio.geo import GeoPermissions
from sandbox.twilio.identity import Identity, not_found
from sandbox.twilio.legs import Leg
from sandbox.twilio.line import Line
from sandbox.twilio.pages import page
from sandbox.twilio.recordings import Recordings
from sandbox.twilio.troubles import CLOSED, FORBIDDEN, UNVERIFIED, Refusal
from sandbox.twilio.trunking import Trunking
from sandbox.world import World
from shared import phone
from shared.events import CallStatus
from shared.problems import json_response


@dataclass
class _Attempts:
    """How often one call was to be created; its retries share its script."""

    script: Script
    count: int = 0


class Twilio:
    """Place, show and end calls.

    Attributes:
        callbacks: what was posted to the service.
        line: the telephone network with its legs.
    """

    def __init__(self, world: World, openai: OpenAI) -> None:
        self.callbacks = Callbacks(world)
        self.line = Line(world, self.callbacks, openai)
        self._world = world
        self._settings = world.settings
        self._attempts: dict[tuple[str, str | None], _Attempts] = {}
        self._reception = Reception(world.watch)
        self._identity = Identity(world)
        self._account = Account(world, self._identity)
        self._parts = (
            self._account,
            Trunking(world, self._identity, self._account),
            GeoPermissions(world, self._identity),
        )

    @property
    def received(self) -> list[Received]:
        """Every request, in order of arrival."""
        return self._reception.received

    @property
    def legs(self) -> dict[str, Leg]:
        """Every leg by its SID."""
        return self.line.legs

    @property
    def recordings(self) -> Recordings:
        """What was recorded."""
        return self.line.recordings

    @property
    def alerts(self) -> list[Alert]:
        """What the debugger shows."""
        return self.line.alerts

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the account and its calls."""
        recorded = self._reception.recorded
        for part in self._parts:
            part.add_routes(router, self._reception)
        router.add_post(f"{ACCOUNT}/Calls.json", recorded(self._create))
        router.add_get(f"{ACCOUNT}/Calls.json", recorded(self._list))
        router.add_get(f"{ACCOUNT}/Calls/{{sid}}.json", recorded(self._fetch))
        router.add_post(f"{ACCOUNT}/Calls/{{sid}}.json", recorded(self._update))
        self.line.recordings.add_routes(router, recorded, partial(self._identity.authorize, right="calls"))

    async def _create(self, request: web.Request) -> web.Response:
        form = await self._identity.form(request, "calls")
        leg = forms.outbound_leg(form, self._settings.twilio_account_sid, self._account.callers())
        if forbidden := self._forbidden(leg.to):
            raise self._refused(forbidden)
        refusal = self._attempt(leg)
        trouble = leg.trouble
        if trouble.places or (trouble.refuses and not refusal):
            self.line.dial_out(leg)
        answer = json_response(leg.as_json(), status=201)
        await self._world.clock.pause(trouble.answers_after)
        if trouble.answers == "late":
            await asyncio.sleep(self._world.switches.late_answer_seconds)
        if trouble.answers == "never" and request.transport:
            request.transport.abort()
        if refusal:
            raise self._refused(refusal)
        return answer

    def _forbidden(self, number: str) -> Refusal | None:
        """Tell what in the account keeps it from calling a number, if anything does."""
        accounts = self._world.accounts
        if not accounts.is_open:
            return CLOSED
        if phone.region(number) in accounts.countries_off:
            return FORBIDDEN
        is_stranger = accounts.account_type == "Trial" and number not in accounts.verified_numbers
        return UNVERIFIED if is_stranger else None

    def _attempt(self, leg: Leg) -> Refusal | None:
        """Note that somebody wants a call, perhaps again; give it its script. The answer if it is refused."""
        name = (leg.to, leg.url)
        if name not in self._attempts:
            self._attempts[name] = _Attempts(self._world.armed.script(leg.script))
        attempts = self._attempts[name]
        attempts.count += 1
        leg.script = attempts.script
        refuses = leg.trouble.refuses
        if refuses and attempts.count <= refuses.times:
            return refuses.refusal
        del self._attempts[name]
        return None

    def _refused(self, refusal: Refusal) -> TwilioRefusalError:
        code = refusal.code or self._world.switches.trial_code
        return TwilioRefusalError(refusal.status, code, refusal.message)

    async def _list(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "calls")
        wanted = {
            name: request.query[parameter]
            for parameter, name in (
                ("To", "to"),
                ("From", "from"),
                ("Status", "status"),
                ("ParentCallSid", "parent_call_sid"),
            )
            if parameter in request.query
        }
        shown = [self._shown(leg) for leg in reversed(self.legs.values())]
        calls = [call for call in shown if all(call[name] == value for name, value in wanted.items())]
        return json_response(page(request, "calls", calls))

    async def _fetch(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "calls")
        return json_response(self._shown(self._leg(request)))

    async def _update(self, request: web.Request) -> web.Response:
        form = await self._identity.form(request, "calls")
        leg = self._leg(request)
        status = forms.wanted_status(form)
        refuses = leg.trouble.refuses_update
        if refuses and leg.updates_refused < refuses.times:
            leg.updates_refused += 1
            raise self._refused(refuses.refusal)
        if leg.status.is_final:
            raise TwilioRefusalError(400, 21220, "Call is not in-progress. Cannot redirect.")
        if status and leg.status is not CallStatus.IN_PROGRESS:
            self.line.end(leg, CallStatus.CANCELED)
        elif status is CallStatus.COMPLETED:
            self.line.end(leg, CallStatus.COMPLETED)
        elif status is None and (form.get("Url") or form.get("Twiml")):
            self.line.redirect(leg, form.get("Url"), form.get("Twiml"))
        return json_response(leg.as_json())

    def _shown(self, leg: Leg) -> dict[str, Any]:
        return leg.as_json(leg.trouble.lags / self._world.clock.speed)

    def _leg(self, request: web.Request) -> Leg:
        if leg := self.legs.get(request.match_info["sid"]):
            return leg
        raise not_found(request)
