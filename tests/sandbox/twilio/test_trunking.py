"""SIP trunks over REST, judged by Twilio's own document and used by its own client."""

import asyncio

import pytest
from twilio.rest import Client

from sandbox.app import Sandbox
from tests.sandbox import openapi
from tests.sandbox.twilio_rest import OWN, Rest

_SIP_URL = "sip:proj_Other@sip.api.openai.com;transport=tls"
_LEAD = {"FriendlyName": "openai", "SipUrl": _SIP_URL, "Priority": "10", "Weight": "10", "Enabled": "true"}


async def test_a_trunk_shows_where_it_leads_and_which_numbers_are_on_it(sandbox: Sandbox, rest: Rest) -> None:
    status, page = await rest.get("/v1/Trunks")
    assert status == 200
    openapi.check_answer(openapi.TRUNKS, "get", 200, page)
    trunk = f"/v1/Trunks/{page['trunks'][0]['sid']}"
    assert (await rest.get(trunk)) == (200, page["trunks"][0])
    _, urls = await rest.get(f"{trunk}/OriginationUrls")
    openapi.check_answer(openapi.ORIGINATIONS, "get", 200, urls)
    (url,) = urls["origination_urls"]
    project = sandbox.world.settings.openai_project_id
    assert (url["sip_url"], url["enabled"]) == (f"sip:{project}@sip.api.openai.com;transport=tls", True)
    assert (await rest.get(f"{trunk}/OriginationUrls/{url['sid']}")) == (200, url)
    _, numbers = await rest.get(f"{trunk}/PhoneNumbers")
    openapi.check_answer(openapi.ON_TRUNK, "get", 200, numbers)
    (number,) = numbers["phone_numbers"]
    assert number["phone_number"] == OWN
    assert (await rest.get(f"{trunk}/PhoneNumbers/{number['sid']}")) == (200, number)


async def test_twilios_own_client_makes_a_trunk_that_leads_to_openai(
    sandbox: Sandbox, twilio_client: Client
) -> None:
    (number,) = sandbox.world.accounts.numbers

    def make() -> None:
        made = twilio_client.trunking.v1.trunks.create(friendly_name="phone")
        trunk = twilio_client.trunking.v1.trunks(str(made.sid))
        urls = trunk.origination_urls
        url = urls.create(friendly_name="openai", sip_url=_SIP_URL, priority=10, weight=10, enabled=True)
        urls(str(url.sid)).update(enabled=False, priority=0)
        trunk.phone_numbers.create(phone_number_sid=number.sid)

    await asyncio.to_thread(make)
    _, trunk = sandbox.world.accounts.trunks
    (origination,) = trunk.originations
    assert (origination.sip_url, origination.enabled, origination.priority) == (_SIP_URL, False, 0)
    assert number.trunk_sid == trunk.sid
    posted = [one for one in sandbox.twilio.received if one.method == "POST"]
    for path, received in zip((openapi.TRUNKS, openapi.ORIGINATIONS), posted[:2], strict=True):
        openapi.check_form(path, received.form.items())

    def unmake() -> None:
        made = twilio_client.trunking.v1.trunks(trunk.sid)
        made.phone_numbers(number.sid).delete()
        made.origination_urls(origination.sid).delete()
        made.delete()

    await asyncio.to_thread(unmake)
    assert trunk not in sandbox.world.accounts.trunks
    assert sandbox.world.accounts.numbers[0].trunk_sid is None


async def test_what_is_made_is_answered_as_documented(sandbox: Sandbox, rest: Rest) -> None:
    status, trunk = await rest.post("/v1/Trunks", FriendlyName="phone", DomainName="phone.pstn.twilio.com")
    assert (status, trunk["domain_name"]) == (201, "phone.pstn.twilio.com")
    openapi.check_answer(openapi.TRUNKS, "post", 201, trunk)
    status, url = await rest.post(f"/v1/Trunks/{trunk['sid']}/OriginationUrls", **_LEAD)
    assert status == 201
    openapi.check_answer(openapi.ORIGINATIONS, "post", 201, url)
    (number,) = sandbox.world.accounts.numbers
    status, assigned = await rest.post(f"/v1/Trunks/{trunk['sid']}/PhoneNumbers", PhoneNumberSid=number.sid)
    assert (status, assigned["trunk_sid"]) == (201, trunk["sid"])
    openapi.check_answer(openapi.ON_TRUNK, "post", 201, assigned)
    _, renamed = await rest.post(f"/v1/Trunks/{trunk['sid']}", FriendlyName="telephone")
    assert (renamed["friendly_name"], renamed["domain_name"]) == ("telephone", "phone.pstn.twilio.com")


async def test_a_deleted_trunk_lets_its_numbers_go(sandbox: Sandbox, rest: Rest) -> None:
    (trunk,), (number,) = sandbox.world.accounts.trunks, sandbox.world.accounts.numbers
    assert await rest.delete(f"/v1/Trunks/{trunk.sid}") == 204
    assert number.trunk_sid is None
    assert (await rest.get(f"/v1/Trunks/{trunk.sid}"))[0] == 404


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("", {"DomainName": "sip.api.openai.com"}),
        ("/OriginationUrls", {"FriendlyName": "openai"}),
        ("/OriginationUrls", _LEAD | {"SipUrl": "https://api.openai.com"}),
        ("/OriginationUrls", _LEAD | {"Weight": "65536"}),
        ("/OriginationUrls", _LEAD | {"Priority": "high"}),
        ("/PhoneNumbers", {"PhoneNumberSid": "PN" + "9" * 32}),
    ],
)
async def test_a_trunk_takes_no_nonsense(
    sandbox: Sandbox, rest: Rest, path: str, fields: dict[str, str]
) -> None:
    (trunk,) = sandbox.world.accounts.trunks
    assert (await rest.post(f"/v1/Trunks/{trunk.sid}{path}", **fields))[0] == 400


@pytest.mark.parametrize("path", ["OriginationUrls/OU0", "PhoneNumbers/PN0"])
async def test_what_a_trunk_has_not_is_not_found(sandbox: Sandbox, rest: Rest, path: str) -> None:
    (trunk,) = sandbox.world.accounts.trunks
    assert (await rest.get(f"/v1/Trunks/{trunk.sid}/{path}"))[0] == 404
