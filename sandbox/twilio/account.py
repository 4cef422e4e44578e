"""Twilio's account over REST: what it is, what is left on it, and its numbers."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox.accounts import Number
from sandbox.reception import Reception
from sandbox.twilio.errors import TwilioRefusalError
from sandbox.twilio.identity import Identity, not_found
from sandbox.twilio.legs import rfc2822
from sandbox.twilio.pages import page
from sandbox.world import World
from shared.problems import json_response

ACCOUNT = "/2010-04-01/Accounts/{account_sid}"

OPENED = datetime(2026, 2, 2, tzinfo=UTC)
"""When everything in the account was made."""

_FIELDS = {
    "FriendlyName": "friendly_name",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "TrunkSid": "trunk_sid",
}
_RIVALS = {"voice_application_sid": "trunk_sid", "trunk_sid": "voice_application_sid"}
"""Whoever sets one of them deletes the other."""


class Account:
    """Show the account, and show and change its numbers."""

    def __init__(self, world: World, identity: Identity) -> None:
        self._world = world
        self._identity = identity

    def add_routes(self, router: web.UrlDispatcher, reception: Reception) -> None:
        """Serve the account, its balance and its numbers."""
        recorded = reception.recorded
        numbers = f"{ACCOUNT}/IncomingPhoneNumbers"
        router.add_get(f"{ACCOUNT}.json", recorded(self._account))
        router.add_get(f"{ACCOUNT}/Balance.json", recorded(self._balance))
        router.add_get(f"{numbers}.json", recorded(self._numbers))
        router.add_get(f"{numbers}/{{sid}}.json", recorded(self._number))
        router.add_post(f"{numbers}/{{sid}}.json", recorded(self._change))

    async def _account(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "account")
        accounts, sid = self._world.accounts, self._world.settings.twilio_account_sid
        parts = ("Balance", "Calls", "IncomingPhoneNumbers")
        return json_response(
            {
                "sid": sid,
                "owner_account_sid": sid,
                "auth_token": self._world.filled(accounts.auth_token),
                "friendly_name": "Sandbox",
                "status": accounts.account_status,
                "type": accounts.account_type,
                "date_created": rfc2822(OPENED),
                "date_updated": rfc2822(OPENED),
                "uri": request.path,
                "subresource_uris": {
                    part.lower(): f"{request.path.removesuffix('.json')}/{part}.json" for part in parts
                },
            }
        )

    async def _balance(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "setup")
        accounts = self._world.accounts
        told = {"balance": f"{accounts.balance:g}", "currency": accounts.currency}
        return json_response({"account_sid": self._world.settings.twilio_account_sid, **told})

    async def _numbers(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "setup")
        wanted = request.query.get("PhoneNumber", "")
        listed = [self.as_json(number) for number in self._world.accounts.numbers]
        shown = [number for number in listed if wanted in number["phone_number"]]
        return json_response(page(request, "incoming_phone_numbers", shown))

    async def _number(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "setup")
        return json_response(self.as_json(self._found(request)))

    async def _change(self, request: web.Request) -> web.Response:
        form = await self._identity.form(request, "setup")
        number = self._found(request)
        for name in ("VoiceMethod", "StatusCallbackMethod"):
            if form.get(name, "POST") not in {"GET", "POST"}:
                raise TwilioRefusalError(400, 20001, f"{name} must be GET or POST.")
        if (trunk_sid := form.get("TrunkSid")) and not self._world.accounts.trunk(trunk_sid):
            raise TwilioRefusalError(400, 20001, f"There is no trunk {trunk_sid}.")
        for name, attribute in _FIELDS.items():
            if name in form:
                is_sid = attribute in _RIVALS
                setattr(number, attribute, (form[name] or None) if is_sid else form[name])
                if is_sid and form[name]:
                    setattr(number, _RIVALS[attribute], None)
        return json_response(self.as_json(number))

    def _found(self, request: web.Request) -> Number:
        if number := self.number(request.match_info["sid"]):
            return number
        raise not_found(request)

    def callers(self) -> list[str]:
        """List the numbers that calls may come from."""
        return [self._world.filled(one.phone_number) for one in self._world.accounts.numbers if one.voice]

    def number(self, sid: str) -> Number | None:
        """Find a number; None if the account has no such."""
        return next((one for one in self._world.accounts.numbers if one.sid == sid), None)

    def as_json(self, number: Number) -> dict[str, Any]:
        """Show a number as `IncomingPhoneNumbers` does."""
        account_sid, filled = self._world.settings.twilio_account_sid, self._world.filled
        empty = dict.fromkeys(("sms_url", "sms_fallback_url", "voice_fallback_url"), "")
        posts = dict.fromkeys(("sms_method", "sms_fallback_method", "voice_fallback_method"), "POST")
        absent = dict.fromkeys(
            (
                "address_sid",
                "bundle_sid",
                "emergency_address_sid",
                "identity_sid",
                "sms_application_sid",
            )
        )
        return {
            **empty,
            **posts,
            **absent,
            "account_sid": account_sid,
            "sid": number.sid,
            "phone_number": filled(number.phone_number),
            "friendly_name": number.friendly_name,
            "capabilities": {"voice": number.voice, "sms": True, "mms": True, "fax": False},
            "trunk_sid": number.trunk_sid,
            "voice_application_sid": number.voice_application_sid,
            "voice_url": filled(number.voice_url),
            "voice_method": number.voice_method,
            "voice_caller_id_lookup": False,
            "voice_receive_mode": "voice",
            "status_callback": filled(number.status_callback),
            "status_callback_method": number.status_callback_method,
            "address_requirements": "none",
            "api_version": "2010-04-01",
            "beta": False,
            "origin": "twilio",
            "status": "in-use",
            "emergency_status": "Inactive",
            "emergency_address_status": "unregistered",
            "date_created": rfc2822(OPENED),
            "date_updated": rfc2822(OPENED),
            "uri": f"/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers/{number.sid}.json",
        }
