"""Twilio's geo permissions over REST (`voice.twilio.com/v1`): which countries may be called."""

import phonenumbers
from aiohttp import web

from sandbox.reception import Reception
from sandbox.twilio.identity import Identity, not_found
from sandbox.world import World
from shared import phone
from shared.problems import json_response

_COUNTRY = "/v1/DialingPermissions/Countries/{iso_code}"


class GeoPermissions:
    """Show them."""

    def __init__(self, world: World, identity: Identity) -> None:
        self._world = world
        self._identity = identity

    def add_routes(self, router: web.UrlDispatcher, reception: Reception) -> None:
        """Serve each country."""
        router.add_get(_COUNTRY, reception.recorded(self._country))

    async def _country(self, request: web.Request) -> web.Response:
        self._identity.authorize(request, "setup")
        code = request.match_info["iso_code"].upper()
        if code not in phone.REGIONS:
            raise not_found(request)
        url = f"{request.url.origin()}{request.path}"
        return json_response(
            {
                "iso_code": code,
                "name": code,
                "continent": None,
                "country_codes": [f"+{phonenumbers.country_code_for_region(code)}"],
                "low_risk_numbers_enabled": code not in self._world.accounts.countries_off,
                "high_risk_special_numbers_enabled": False,
                "high_risk_tollfraud_numbers_enabled": False,
                "url": url,
                "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
            }
        )
