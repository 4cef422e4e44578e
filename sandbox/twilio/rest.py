"""Twilio as a peer: its REST routes for calls, and what it did."""

import base64
import hmac
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from sandbox.openai.peer import OpenAI
from sandbox.reception import Received, Reception
from sandbox.twilio import forms
from sandbox.twilio.callbacks import Callbacks
from sandbox.twilio.errors import Alert, TwilioRefusalError
from sandbox.twilio.legs import Leg
from sandbox.twilio.line import Line
from sandbox.world import World
from shared.events import CallStatus
from shared.problems import json_response

_ACCOUNT = "/2010-04-01/Accounts/{account_sid}"


class Twilio:
    """Place, show and end calls.

    Attributes:
        callbacks: what was posted to the service.
        line: the telephone network with its legs.
    """

    def __init__(self, world: World, openai: OpenAI) -> None:
        self.callbacks = Callbacks(world)
        self.line = Line(world, self.callbacks, openai)
        self._settings = world.settings
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
        self.line.dial_out(leg)
        return json_response(leg.as_json(), status=201)

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
        shown = [leg.as_json() for leg in reversed(self.legs.values())]
        calls = [call for call in shown if all(call[name] == value for name, value in wanted.items())]
        page = {"first_page_uri": request.path_qs, "next_page_uri": None, "previous_page_uri": None}
        span = {"page": 0, "page_size": 50, "start": 0, "end": max(0, len(calls) - 1), "uri": request.path_qs}
        return json_response({"calls": calls, **page, **span})

    async def _fetch(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return json_response(self._leg(request).as_json())

    async def _update(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        leg = self._leg(request)
        status = forms.wanted_status(form)
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
