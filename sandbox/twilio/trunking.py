"""Twilio's SIP trunks over REST (`trunking.twilio.com/v1`): where they lead, and the numbers on them."""

from typing import Any, Literal

from aiohttp import web

from sandbox.accounts import Number, Origination, Trunk, new_sid
from sandbox.reception import Reception
from sandbox.twilio import forms
from sandbox.twilio.account import OPENED, Account
from sandbox.twilio.errors import TwilioRefusalError
from sandbox.twilio.identity import Identity, not_found
from sandbox.twilio.pages import page_with_meta
from sandbox.world import World
from shared.problems import json_response

_TRUNKS = "/v1/Trunks"
_TRUNK = f"{_TRUNKS}/{{trunk_sid}}"
_URLS = f"{_TRUNK}/OriginationUrls"
_NUMBERS = f"{_TRUNK}/PhoneNumbers"
_DATES = dict.fromkeys(("date_created", "date_updated"), f"{OPENED:%Y-%m-%dT%H:%M:%SZ}")
_NOT_ON_TRUNKS = frozenset(
    {"uri", "address_sid", "bundle_sid", "identity_sid", "origin", "status", "voice_receive_mode"}
    | {"emergency_status", "emergency_address_sid", "emergency_address_status"}
)
"""What only `IncomingPhoneNumbers` tells of a number."""


class Trunking:
    """Show and change trunks."""

    def __init__(self, world: World, identity: Identity, account: Account) -> None:
        self._world = world
        self._identity = identity
        self._account = account

    def add_routes(self, router: web.UrlDispatcher, reception: Reception) -> None:
        """Serve the trunks, their origination URLs and their numbers."""
        for method, path, handler in (
            ("GET", _TRUNKS, self._trunks),
            ("POST", _TRUNKS, self._create_trunk),
            ("GET", _TRUNK, self._trunk),
            ("POST", _TRUNK, self._change_trunk),
            ("DELETE", _TRUNK, self._delete_trunk),
            ("GET", _URLS, self._urls),
            ("POST", _URLS, self._create_url),
            ("GET", f"{_URLS}/{{sid}}", self._url),
            ("POST", f"{_URLS}/{{sid}}", self._change_url),
            ("DELETE", f"{_URLS}/{{sid}}", self._delete_url),
            ("GET", _NUMBERS, self._numbers),
            ("POST", _NUMBERS, self._assign),
            ("GET", f"{_NUMBERS}/{{sid}}", self._number),
            ("DELETE", f"{_NUMBERS}/{{sid}}", self._release),
        ):
            router.add_route(method, path, reception.recorded(handler))

    async def _trunks(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "setup")
        trunks = [self._trunk_json(request, trunk) for trunk in self._world.accounts.trunks]
        return json_response(page_with_meta(request, "trunks", trunks))

    async def _create_trunk(self, request: web.Request) -> web.Response:
        form = await self._identity.form(request, "setup")
        trunk = Trunk(originations=[], sid=new_sid("TK"), friendly_name="")
        _rename(trunk, form)
        self._world.accounts.trunks.append(trunk)
        return json_response(self._trunk_json(request, trunk), status=201)

    async def _trunk(self, request: web.Request) -> web.Response:
        return json_response(self._trunk_json(request, self._found(request)))

    async def _change_trunk(self, request: web.Request) -> web.Response:
        trunk = self._found(request)
        _rename(trunk, await self._identity.form(request, "setup"))
        return json_response(self._trunk_json(request, trunk))

    async def _delete_trunk(self, request: web.Request) -> web.Response:
        trunk = self._found(request)
        self._world.accounts.trunks.remove(trunk)
        for number in self._on(trunk):
            number.trunk_sid = None
        return web.Response(status=204)

    async def _urls(self, request: web.Request) -> web.Response:
        trunk = self._found(request)
        urls = [self._url_json(request, trunk, one) for one in trunk.originations]
        return json_response(page_with_meta(request, "origination_urls", urls))

    async def _create_url(self, request: web.Request) -> web.Response:
        trunk = self._found(request)
        form = await self._identity.form(request, "setup")
        for name in ("FriendlyName", "SipUrl", "Priority", "Weight", "Enabled"):
            if name not in form:
                raise TwilioRefusalError(400, 20001, f"Missing required parameter {name} in the post body")
        made = Origination()
        _lead(made, form)
        trunk.originations.append(made)
        return json_response(self._url_json(request, trunk, made), status=201)

    async def _url(self, request: web.Request) -> web.Response:
        trunk, origination = self._found_url(request)
        return json_response(self._url_json(request, trunk, origination))

    async def _change_url(self, request: web.Request) -> web.Response:
        trunk, origination = self._found_url(request)
        _lead(origination, await self._identity.form(request, "setup"))
        return json_response(self._url_json(request, trunk, origination))

    async def _delete_url(self, request: web.Request) -> web.Response:
        trunk, origination = self._found_url(request)
        trunk.originations.remove(origination)
        return web.Response(status=204)

    async def _numbers(self, request: web.Request) -> web.Response:
        numbers = [self._number_json(request, one) for one in self._on(self._found(request))]
        return json_response(page_with_meta(request, "phone_numbers", numbers))

    async def _assign(self, request: web.Request) -> web.Response:
        trunk = self._found(request)
        form = await self._identity.form(request, "setup")
        number = self._account.number(form.get("PhoneNumberSid", ""))
        if number is None:
            raise TwilioRefusalError(400, 20001, "PhoneNumberSid: there is no such number.")
        number.trunk_sid, number.voice_application_sid = trunk.sid, None
        return json_response(self._number_json(request, number), status=201)

    async def _number(self, request: web.Request) -> web.Response:
        return json_response(self._number_json(request, self._found_number(request)))

    async def _release(self, request: web.Request) -> web.Response:
        self._found_number(request).trunk_sid = None
        return web.Response(status=204)

    def _found(self, request: web.Request) -> Trunk:
        self._identity.authorize(request, "setup")
        if trunk := self._world.accounts.trunk(request.match_info["trunk_sid"]):
            return trunk
        raise not_found(request)

    def _found_url(self, request: web.Request) -> tuple[Trunk, Origination]:
        trunk, sid = self._found(request), request.match_info["sid"]
        if origination := next((one for one in trunk.originations if one.sid == sid), None):
            return trunk, origination
        raise not_found(request)

    def _found_number(self, request: web.Request) -> Number:
        number = self._account.number(request.match_info["sid"])
        if number is None or number.trunk_sid != self._found(request).sid:
            raise not_found(request)
        return number

    def _on(self, trunk: Trunk) -> list[Number]:
        return [number for number in self._world.accounts.numbers if number.trunk_sid == trunk.sid]

    def _trunk_json(self, request: web.Request, trunk: Trunk) -> dict[str, Any]:
        url = f"{request.url.origin()}{_TRUNKS}/{trunk.sid}"
        parts = ("origination_urls", "credential_lists", "ip_access_control_lists", "phone_numbers")
        absent = ("disaster_recovery_method", "disaster_recovery_url", "auth_type")
        return {
            **_DATES,
            **dict.fromkeys(absent),
            "sid": trunk.sid,
            "account_sid": self._world.settings.twilio_account_sid,
            "friendly_name": trunk.friendly_name,
            "domain_name": trunk.domain_name,
            "secure": False,
            "recording": {"mode": "do-not-record", "trim": "do-not-trim"},
            "transfer_mode": "disable-all",
            "transfer_caller_id": "from-transferee",
            "cnam_lookup_enabled": False,
            "auth_type_set": [],
            "symmetric_rtp_enabled": False,
            "url": url,
            "links": {part: f"{url}/{part.title().replace('_', '')}" for part in parts},
        }

    def _url_json(self, request: web.Request, trunk: Trunk, one: Origination) -> dict[str, Any]:
        return {
            **_DATES,
            "account_sid": self._world.settings.twilio_account_sid,
            "trunk_sid": trunk.sid,
            "sid": one.sid,
            "sip_url": self._world.filled(one.sip_url),
            "enabled": one.enabled,
            "priority": one.priority,
            "weight": one.weight,
            "friendly_name": one.friendly_name,
            "url": f"{request.url.origin()}{_TRUNKS}/{trunk.sid}/OriginationUrls/{one.sid}",
        }

    def _number_json(self, request: web.Request, number: Number) -> dict[str, Any]:
        told = self._account.as_json(number)
        url = f"{request.url.origin()}{_TRUNKS}/{number.trunk_sid}/PhoneNumbers/{number.sid}"
        shown = {name: value for name, value in told.items() if name not in _NOT_ON_TRUNKS}
        return shown | _DATES | {"url": url, "links": {"phone_number": told["uri"]}}


def _rename(trunk: Trunk, form: forms.Form) -> None:
    domain = form.get("DomainName")
    if domain and not domain.endswith(".pstn.twilio.com"):
        raise TwilioRefusalError(400, 21245, "DomainName must end with pstn.twilio.com.")
    trunk.domain_name = domain or trunk.domain_name
    trunk.friendly_name = form.get("FriendlyName", trunk.friendly_name)


def _lead(origination: Origination, form: forms.Form) -> None:
    sip_url, enabled = form.get("SipUrl", origination.sip_url), form.get("Enabled", "")
    if not sip_url.startswith("sip:"):
        raise TwilioRefusalError(400, 20001, f"SipUrl must be a sip: address, not {sip_url!r}.")
    priority, weight = (_number(form, name, 65535) for name in ("Priority", "Weight"))
    origination.sip_url = sip_url
    origination.enabled = {"true": True, "false": False}.get(enabled.lower(), origination.enabled)
    origination.priority = origination.priority if priority is None else priority
    origination.weight = weight or origination.weight
    origination.friendly_name = form.get("FriendlyName", origination.friendly_name)


def _number(form: forms.Form, name: Literal["Priority", "Weight"], most: int) -> int | None:
    text = form.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > most:
        raise TwilioRefusalError(400, 20001, f"{name} must be a whole number up to {most}.")
    return int(text)
