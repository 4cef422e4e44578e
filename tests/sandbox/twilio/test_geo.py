"""Geo permissions over REST, judged by Twilio's own document."""

from sandbox.app import Sandbox
from tests.sandbox import openapi
from tests.sandbox.twilio_rest import Rest


async def test_a_country_tells_whether_it_may_be_called(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.world.accounts.countries_off = ["GB"]
    status, country = await rest.get("/v1/DialingPermissions/Countries/GB")
    assert (status, country["iso_code"], country["country_codes"]) == (200, "GB", ["+44"])
    assert not country["low_risk_numbers_enabled"]
    openapi.check_answer(openapi.COUNTRY, "get", 200, country)
    assert (await rest.get("/v1/DialingPermissions/Countries/US"))[1]["low_risk_numbers_enabled"]


async def test_a_country_that_is_none_is_not_found(rest: Rest) -> None:
    assert (await rest.get("/v1/DialingPermissions/Countries/ZZ"))[0] == 404
