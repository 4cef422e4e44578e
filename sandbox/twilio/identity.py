"""Who may ask Twilio's REST for what: the account itself, or its API key as far as that has rights."""

import base64
import hmac
from typing import Literal
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from sandbox.accounts import Rights
from sandbox.twilio.errors import TwilioRefusalError
from sandbox.world import World

Right = Literal["account", "setup", "calls"]

_RIGHTS: dict[Rights, frozenset[Right]] = {
    "main": frozenset({"account", "setup", "calls"}),
    "standard": frozenset({"setup", "calls"}),
    "restricted": frozenset({"calls"}),
    "none": frozenset(),
}


class Identity:
    """Let in who may ask."""

    def __init__(self, world: World) -> None:
        self._world = world

    def authorize(self, request: web.Request, right: Right) -> None:
        """Check who asks, and whether the account in the path, if any, is theirs.

        Raises:
            TwilioRefusalError: nobody knows them (401), they may not (403), or the account is no such (404).
        """
        settings, accounts = self._world.settings, self._world.accounts
        key, secret = settings.twilio_api_key_sid, settings.twilio_api_key_secret
        sid = settings.twilio_account_sid
        if _shows(request, sid, self._world.filled(accounts.auth_token)):
            rights = _RIGHTS["main"]
        elif key and secret and _shows(request, key, secret.get_secret_value()):
            rights = _RIGHTS[accounts.api_key_rights]
        else:
            raise _unknown()
        if accounts.account_status != "active" and not self._is_shown_suspended(right):
            raise _unknown()
        if right not in rights:
            # At the account itself a standard key is turned away as if nobody knew it (Twilio's 20003).
            raise _unknown() if "setup" in rights else TwilioRefusalError(403, 70051, "Authorization Failed")
        if request.match_info.get("account_sid", sid) != sid:
            raise not_found(request)

    async def form(self, request: web.Request, right: Right) -> MultiDictProxy[str]:
        """Read a form of somebody who may post it.

        Raises:
            TwilioRefusalError: they may not, or it is no form.
        """
        self.authorize(request, right)
        if request.content_type != "application/x-www-form-urlencoded":
            raise TwilioRefusalError(415, 20415, "Use application/x-www-form-urlencoded.")
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True)
        return MultiDictProxy(MultiDict(pairs))

    def _is_shown_suspended(self, right: Right) -> bool:
        return right == "account" and self._world.switches.suspended_account == "shown"


def not_found(request: web.Request) -> TwilioRefusalError:
    """Know nothing of what a request asks for."""
    return TwilioRefusalError(404, 20404, f"The requested resource {request.path} was not found")


def _unknown() -> TwilioRefusalError:
    return TwilioRefusalError(401, 20003, "Authenticate")


def _shows(request: web.Request, name: str, secret: str) -> bool:
    given = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(given, b"Basic " + base64.b64encode(f"{name}:{secret}".encode()))
