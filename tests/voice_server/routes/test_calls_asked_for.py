"""What Twilio is asked for when a call is placed, and what `POST /call` answers when Twilio is not there."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from sandbox.app import Sandbox
from services.voice_server import keys
from services.voice_server.adapters import twilio_api
from tests.voice_server.running_server import OWN_NUMBER, OWNER, RunningServer, Start, problem
from tests.voice_server.serving import Answer, Request, ScriptedPeer, free_port, scripted

PLACED = [Answer(201, b'{"sid": "CA%032x", "status": "queued"}' % number) for number in range(3)]
NO_ANSWER = "+14155550105"
FULL_WIDTH = OWNER.translate({ord("+"): "\uff0b"} | {ord(str(digit)): 0xFF10 + digit for digit in range(10)})


@pytest.fixture
async def twilio() -> AsyncIterator[ScriptedPeer]:
    """Give a Twilio that takes three calls; it outlives the server."""
    async with scripted(*PLACED) as peer:
        yield peer


def form(request: Request) -> dict[str, list[str]]:
    """Read what Twilio got."""
    return parse_qs(request.body.decode(), keep_blank_values=True, strict_parsing=True)


@pytest.mark.parametrize("to", [OWNER, "+1 (415) 555-0123", "tel:+1-415-555-0123", f"{OWNER}\n", FULL_WIDTH])
async def test_numbers_go_out_as_e164_however_they_were_written(
    server: RunningServer, sandbox: Sandbox, to: str
) -> None:
    await server.dial(to, caller_id="+1 415-555 0100")
    (asked,) = [one.form for one in sandbox.twilio.received if one.path.endswith("/Calls.json")]
    assert (asked["To"], asked["From"]) == (OWNER, OWN_NUMBER)


async def test_twilio_is_given_addresses_of_ours_and_each_call_a_name_that_nobody_guesses(
    twilio: ScriptedPeer, start: Start
) -> None:
    server = await start(TWILIO_BASE_URL=twilio.url, PUBLIC_URL="https://phone.example.com/twilio/")
    for _ in PLACED:
        await server.dial(NO_ANSWER, message="Secret words.", metadata={"secret": "words"})
    names = set()
    for asked in map(form, twilio.received):
        (url,), (callback,) = asked["Url"], asked["StatusCallback"]
        assert "Twiml" not in asked
        for address, path in ((url, "/twilio/voice/twiml"), (callback, "/twilio/webhook")):
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc, parts.path) == ("https", "phone.example.com", path)
            name = parts.query.removeprefix("ref=")
            assert len(base64.urlsafe_b64decode(name + "==")) * 8 >= 128
            names.add(name)
        assert "ecret" not in str(asked)
    assert len(names) == 3


@pytest.mark.parametrize(
    ("agents", "setting", "limit"),
    [(None, "3540", "3540"), (None, "60", "60"), (45, "60", "45"), (90, "60", "60")],
)
async def test_every_call_has_its_longest_time_and_its_longest_ringing(
    twilio: ScriptedPeer, start: Start, agents: int | None, setting: str, limit: str
) -> None:
    character = {"max_call_seconds": agents}
    server = await start(character, TWILIO_BASE_URL=twilio.url, MAX_CALL_SECONDS=setting)
    call_id = await server.dial(NO_ANSWER)
    asked = form(twilio.received[0])
    assert (asked["TimeLimit"], asked["Timeout"]) == ([limit], [str(twilio_api.RING_SECONDS)])
    path = asked["Url"][0].removeprefix(server.url)
    assert f'timeLimit="{limit}"' in await server.twiml(path, CallSid=call_id)


async def test_a_twilio_that_hangs_is_waited_for_ten_seconds_at_most(start: Start) -> None:
    assert twilio_api.TIMEOUT_SECONDS == 10
    async with scripted(Answer(silent=True)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        server.app[keys.PEERS].twilio._client.http_client.timeout = 0.2
        begun = time.monotonic()
        async with server.raw("POST", "/call", orjson.dumps({"to": OWNER})) as response:
            status, detail = await problem(response)
        assert time.monotonic() - begun < 2
        assert (status, "may have been placed" in detail) == (502, True)
        assert len(twilio.received) == 1


async def test_where_twilio_cannot_be_reached_whoever_asks_may_ask_again(start: Start) -> None:
    server = await start(TWILIO_BASE_URL=f"http://127.0.0.1:{free_port()}")
    async with server.raw("POST", "/call", orjson.dumps({"to": OWNER})) as response:
        status, detail = await problem(response)
        assert (status, "nothing was placed" in detail) == (503, True)
        assert int(response.headers["Retry-After"]) > 0
    assert await server.history() == []


async def test_a_misconfigured_number_of_ours_is_not_the_fault_of_who_asks(start: Start) -> None:
    async with scripted(Answer(400, b'{"code": 21210, "message": "Raw words.", "status": 400}')) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        for body, answer, told in (
            ({"to": OWNER}, 500, "TWILIO_PHONE_NUMBER"),
            ({"to": OWNER, "caller_id": "+14155550144"}, 422, "caller_id"),
        ):
            async with server.raw("POST", "/call", orjson.dumps(body)) as response:
                status, detail = await problem(response)
            assert (status, told in detail, "Raw" in detail) == (answer, True, False)


async def test_what_a_caller_says_is_never_in_the_twiml(server: RunningServer, sandbox: Sandbox) -> None:
    hostile = "\"'>]]></Sip><Say>PWNED</Say>?X-A=PWNED&amp;\r\nPWNED: 1"
    call_id = await server.dial(NO_ANSWER, message=hostile, metadata={hostile: hostile})
    asked = str(sandbox.twilio.legs[call_id].url).removeprefix(server.url)
    document = await server.twiml(asked, CallSid=call_id, CallerName=hostile, From=hostile)
    assert "<Dial" in document
    assert "PWNED" not in document
    called = await server.twiml(
        "/voice/incoming", CallSid="CA" + "3" * 32, From=OWNER, CallerName=hostile, FromCity=hostile
    )
    assert "<Dial" in called
    assert "PWNED" not in called


async def test_a_call_ended_before_twilio_has_answered_is_ended_and_the_answer_still_names_it(
    server: RunningServer, sandbox: Sandbox
) -> None:
    """Twilio's callback brings the id while its answer is still on the way: whoever lists it may end it."""
    sandbox.world.clock.speed = 10
    asking = asyncio.gather(server.ask("POST", "/call", {"to": "+14155550186"}))
    await sandbox.world.watch.until(lambda: bool(sandbox.twilio.callbacks.posted))
    (leg,) = [leg for leg in sandbox.twilio.legs.values() if leg.parent_sid is None]
    status, ended = await server.ask("DELETE", f"/call/{leg.sid}")
    assert (status, ended["call_id"], asking.done()) == (200, leg.sid, False)
    ((status, answer),) = await asking
    assert (status, answer["call_id"]) == (202, leg.sid)
    assert leg.status.is_final
    assert not server.app[keys.SWITCHBOARD].active
