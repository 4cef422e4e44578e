"""Twilio as a peer: its REST routes for calls, and what it did."""

import asyncio
import base64
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from sandbox.openai.peer import OpenAI
from sandbox.reception import Received, Reception
from sandbox.steps import Script
from sandbox.twilio import forms
from sandbox.twilio.callbacks import Callbacks
from sandbox.twilio.errors import Alert, TwilioRefusalError
from sandbox.twilio.legs import Leg
from sandbox.twilio.line import Line
from sandbox.twilio.recordings import Recordings
from sandbox.twilio.troubles import Refusal
from sandbox.world import World
from shared.events import CallStatus
from shared.problems import json_response

_ACCOUNT = "/2010-04-01/Accounts/{account_sid}"


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
        router.add_get(f"{_ACCOUNT}.json", recorded(self._account))
        router.add_post(f"{_ACCOUNT}/Calls.json", recorded(self._create))
        router.add_get(f"{_ACCOUNT}/Calls.json", recorded(self._list))
        router.add_get(f"{_ACCOUNT}/Calls/{{sid}}.json", recorded(self._fetch))
        router.add_post(f"{_ACCOUNT}/Calls/{{sid}}.json", recorded(self._update))
        self.line.recordings.add_routes(router, recorded, self._authorize)

    async def _account(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return json_response(
            {
                "sid": self._settings.twilio_account_sid,
                "friendly_name": "Sandbox",
                "status": "active",
                "type": "Full",
                "uri": request.path,
            }
        )

    async def _create(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        leg = forms.outbound_leg(form, self._settings.twilio_account_sid, self._settings.twilio_phone_number)
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
        self._authorize(request)
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
        page = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
        span = {"page": 0, "page_size": 50, "start": 0, "end": max(0, len(calls) - 1), "uri": request.path_qs}
        return json_response({"calls": calls, **page, **span})

    async def _fetch(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return json_response(self._shown(self._leg(request)))

    async def _update(self, request: web.Request) -> web.Response:
        form = await self._form(request)
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

    async def _form(self, request: web.Request) -> forms.Form:
        self._authorize(request)
        if request.content_type != "application/x-www-form-urlencoded":
            raise TwilioRefusalError(415, 20415, "Use application/x-www-form-urlencoded.")
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True)
        return MultiDictProxy(MultiDict(pairs))

    def _shown(self, leg: Leg) -> dict[str, Any]:
        return leg.as_json(leg.trouble.lags / self._world.clock.speed)

    def _leg(self, request: web.Request) -> Leg:
        if leg := self.legs.get(request.match_info["sid"]):
            return leg
        raise TwilioRefusalError(404, 20404, f"The requested resource {request.path} was not found")

    def _authorize(self, request: web.Request) -> None:
        accounts = [(self._settings.twilio_account_sid, self._settings.twilio_auth_token)]
        if self._settings.twilio_api_key_sid and self._settings.twilio_api_key_secret:
            accounts.append((self._settings.twilio_api_key_sid, self._settings.twilio_api_key_secret))
        given = request.headers.get("Authorization", "").encode()
        for name, secret in accounts:
            pair = base64.b64encode(f"{name}:{secret.get_secret_value()}".encode())
            if hmac.compare_digest(given, b"Basic " + pair):
                break
        else:
            raise TwilioRefusalError(401, 20003, "Authenticate")
        if request.match_info["account_sid"] != self._settings.twilio_account_sid:
            raise TwilioRefusalError(404, 20404, f"The requested resource {request.path} was not found")
