"""The account and its numbers over REST, judged by Twilio's own document and used by its own client."""

import asyncio
from typing import Any, Literal

import pytest
from aiohttp import ClientSession, encode_basic_auth
from pydantic import SecretStr
from twilio.rest import Client

from sandbox.accounts import Number, Rights, Trunk
from sandbox.app import Sandbox, running
from sandbox.settings import SandboxSettings
from tests.sandbox import openapi
from tests.sandbox.twilio_rest import OWN, Rest

_KEY = "SK" + "0" * 32


async def test_the_account_shows_itself_and_what_is_left(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.world.accounts.account_type, sandbox.world.accounts.balance = "Trial", 0.4
    status, account = await rest.account()
    assert (status, account["sid"]) == (200, sandbox.world.settings.twilio_account_sid)
    assert (account["status"], account["type"]) == ("active", "Trial")
    openapi.check_answer(openapi.ACCOUNT, "get", 200, account)
    status, balance = await rest.get("Balance.json")
    assert (status, balance["balance"], balance["currency"]) == (200, "0.4", "USD")
    openapi.check_answer(openapi.BALANCE, "get", 200, balance)


async def test_a_number_shows_where_its_calls_go(sandbox: Sandbox, rest: Rest) -> None:
    status, page = await rest.get("IncomingPhoneNumbers.json", PhoneNumber=OWN)
    assert status == 200
    openapi.check_answer(openapi.NUMBERS, "get", 200, page)
    (number,) = page["incoming_phone_numbers"]
    assert (number["phone_number"], number["capabilities"]["voice"]) == (OWN, True)
    assert number["voice_url"] == f"{sandbox.public_url}/voice/incoming"
    assert number["trunk_sid"] == sandbox.world.accounts.trunks[0].sid
    status, fetched = await rest.get(f"IncomingPhoneNumbers/{number['sid']}.json")
    assert (status, fetched) == (200, number)
    openapi.check_answer(openapi.NUMBER, "get", 200, fetched)


async def test_only_the_numbers_that_were_asked_for_are_listed(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.world.accounts.numbers.append(Number("+14155550177"))
    _, page = await rest.get("IncomingPhoneNumbers.json", PhoneNumber="+14155550177")
    assert [number["phone_number"] for number in page["incoming_phone_numbers"]] == ["+14155550177"]
    assert len((await rest.get("IncomingPhoneNumbers.json"))[1]["incoming_phone_numbers"]) == 2


async def test_twilios_own_client_finds_a_number_and_points_it_elsewhere(
    sandbox: Sandbox, twilio_client: Client
) -> None:
    def point() -> Any:
        (number,) = twilio_client.incoming_phone_numbers.list(phone_number=OWN, limit=5)
        return twilio_client.incoming_phone_numbers(str(number.sid)).update(
            voice_url="https://phone.example/voice/incoming", voice_method="GET"
        )

    changed = await asyncio.to_thread(point)
    assert (changed.voice_url, changed.voice_method) == ("https://phone.example/voice/incoming", "GET")
    (number,) = sandbox.world.accounts.numbers
    assert (number.voice_url, number.voice_method) == (changed.voice_url, changed.voice_method)
    openapi.check_form(openapi.NUMBER, sandbox.twilio.received[-1].form.items())


async def test_a_trunk_and_an_application_drive_each_other_out(sandbox: Sandbox, rest: Rest) -> None:
    (number,) = sandbox.world.accounts.numbers
    path, trunk = f"IncomingPhoneNumbers/{number.sid}.json", number.trunk_sid
    await rest.post(path, VoiceApplicationSid="AP" + "1" * 32)
    assert (number.voice_application_sid, number.trunk_sid) == ("AP" + "1" * 32, None)
    await rest.post(path, TrunkSid=trunk)
    assert (number.voice_application_sid, number.trunk_sid) == (None, trunk)
    await rest.post(path, TrunkSid="")
    assert number.trunk_sid is None


@pytest.mark.parametrize("fields", [{"VoiceMethod": "PUT"}, {"TrunkSid": "TK" + "9" * 32}])
async def test_a_number_takes_no_nonsense(sandbox: Sandbox, rest: Rest, fields: dict[str, str]) -> None:
    (number,) = sandbox.world.accounts.numbers
    status, refused = await rest.post(f"IncomingPhoneNumbers/{number.sid}.json", **fields)
    assert (status, refused["code"]) == (400, 20001)


async def test_a_number_that_was_released_is_gone(sandbox: Sandbox, rest: Rest) -> None:
    (number,) = sandbox.world.accounts.numbers
    sandbox.world.accounts.numbers = []
    assert (await rest.get("IncomingPhoneNumbers.json"))[1]["incoming_phone_numbers"] == []
    assert (await rest.get(f"IncomingPhoneNumbers/{number.sid}.json"))[0] == 404


async def test_a_token_that_was_changed_is_refused(sandbox: Sandbox, rest: Rest) -> None:
    sandbox.world.accounts.auth_token = "another"
    status, refused = await rest.account()
    assert (status, refused["code"]) == (401, 20003)


@pytest.mark.parametrize(
    ("rights", "statuses"),
    [
        ("main", (200, 200, 200)),
        ("standard", (401, 200, 200)),
        ("restricted", (403, 403, 200)),
        ("none", (403, 403, 403)),
    ],
)
async def test_an_api_key_may_do_what_it_has_rights_for(
    http: ClientSession, rights: Rights, statuses: tuple[int, int, int]
) -> None:
    settings = SandboxSettings(port=0, twilio_api_key_sid=_KEY, twilio_api_key_secret=SecretStr("secret"))
    async with running(settings) as sandbox:
        sandbox.world.accounts.api_key_rights = rights
        account = f"{sandbox.url}/2010-04-01/Accounts/{settings.twilio_account_sid}"
        headers = {"Authorization": encode_basic_auth(_KEY, "secret")}
        answered = []
        for path in (".json", "/IncomingPhoneNumbers.json", "/Calls.json"):
            async with http.get(account + path, headers=headers) as response:
                answered.append(response.status)
    assert tuple(answered) == statuses


@pytest.mark.parametrize(("shown", "status"), [("shown", 200), ("refused", 401)])
async def test_of_a_suspended_account_at_most_itself_is_shown(
    sandbox: Sandbox, rest: Rest, shown: Literal["shown", "refused"], status: int
) -> None:
    sandbox.world.accounts.account_status = "suspended"
    sandbox.switches.suspended_account = shown
    answered, account = await rest.account()
    assert (answered, account["status"]) == (status, "suspended" if status == 200 else 401)
    assert (await rest.get("IncomingPhoneNumbers.json"))[0] == 401
    sandbox.world.accounts.trunks.append(Trunk(sid="TK" + "2" * 32))
    assert (await rest.get("/v1/Trunks"))[0] == 401
