"""Recordings at Twilio: what is taken for one, and where our credentials go."""

import base64
from collections.abc import Awaitable, Callable

import orjson
import pytest
from aiohttp import ClientSession

from services.voice_server.adapters.twilio_errors import TwilioError
from services.voice_server.adapters.twilio_http import Credentials
from services.voice_server.adapters.twilio_recordings import RecordingMissingError, TwilioRecordings
from services.voice_server.domain.recording import Made
from tests.voice_server.serving import Answer, ScriptedPeer, free_port, scripted

ACCOUNT, CALL, SID = "AC" + "0" * 32, "CA" + "1" * 32, "RE" + "1" * 32
SHOWN = "Basic " + base64.b64encode(b"SK1:secret").decode()


def at(http: ClientSession, url: str, timeout_seconds: float = 5) -> TwilioRecordings:
    return TwilioRecordings(http, Credentials(ACCOUNT, "SK1", "secret"), url, timeout_seconds)


async def fetched(recordings: TwilioRecordings) -> bytes:
    return b"".join([piece async for piece in recordings.media(SID)])


def listed(*statuses: str) -> Answer:
    found = [
        {"sid": SID[:-1] + str(n), "status": status, "duration": "-1" if status == "processing" else "7"}
        for n, status in enumerate(statuses)
    ]
    return Answer(body=orjson.dumps({"recordings": found, "page": 0}))


async def test_it_is_fetched_whole_from_twilios_own_address_with_credentials(http: ClientSession) -> None:
    media = b"RIFF" + bytes(1 << 20)
    async with scripted(Answer(body=media, content_type="audio/x-wav")) as twilio:
        assert await fetched(at(http, twilio.url)) == media
    (asked,) = twilio.received
    assert asked.path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{SID}.wav"
    assert asked.headers["Authorization"] == SHOWN


async def test_where_twilio_sends_us_elsewhere_the_credentials_stay_behind(http: ClientSession) -> None:
    async with scripted(Answer(body=b"RIFF...")) as store:
        moved = Answer(307, headers={"Location": f"{store.url.replace('127.0.0.1', 'localhost')}/x.wav"})
        async with scripted(moved) as twilio:
            assert await fetched(at(http, twilio.url)) == b"RIFF..."
    assert "Authorization" not in store.received[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<html>Sign in</html>"),
        Answer(body=b""),
        Answer(500),
        Answer(401, body=b'{"code": 20003}'),
        Answer(drop=True),
        Answer(silent=True),
        Answer(body=b"RIFF", headers={"Content-Length": "9"}, drop=False),
    ],
)
async def test_what_is_no_recording_is_not_taken_for_one(http: ClientSession, answer: Answer) -> None:
    async with scripted(answer) as twilio:
        with pytest.raises(TwilioError):
            await fetched(at(http, twilio.url, 0.2))


async def test_what_is_not_there_is_told_from_what_fails(http: ClientSession) -> None:
    async with scripted(Answer(404)) as twilio:
        with pytest.raises(RecordingMissingError):
            await fetched(at(http, twilio.url))


async def test_what_is_deleted_already_counts_as_deleted(http: ClientSession) -> None:
    async with scripted(Answer(204), Answer(404), Answer(503)) as twilio:
        for _ in range(2):
            await at(http, twilio.url).delete(SID)
        with pytest.raises(TwilioError, match="503"):
            await at(http, twilio.url).delete(SID)
    assert twilio.received[0].method == "DELETE"
    assert twilio.received[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{SID}.json"


async def test_only_what_is_complete_counts_as_found(http: ClientSession) -> None:
    answers = [listed(), listed("processing"), listed("processing", "completed"), listed("absent")]
    async with scripted(*answers) as twilio:
        found = [await at(http, twilio.url).find(CALL) for _ in answers]
    assert found == [None, None, Made(SID[:-1] + "1", 7, False), Made(SID[:-1] + "0", 7, True)]
    assert twilio.received[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{CALL}/Recordings.json"


@pytest.mark.parametrize("ask", [lambda here: here.find(CALL), lambda here: here.delete(SID), fetched])
async def test_a_twilio_that_is_away_is_told(
    http: ClientSession, ask: Callable[[TwilioRecordings], Awaitable[object]]
) -> None:
    with pytest.raises(TwilioError, match="cannot be reached"):
        await ask(at(http, f"http://127.0.0.1:{free_port()}"))


async def test_a_list_of_another_form_is_told(http: ClientSession) -> None:
    peer: ScriptedPeer
    async with scripted(Answer(body=b'{"recordings": [{"sid": "../x"}]}')) as peer:
        with pytest.raises(TwilioError, match="another form"):
            await at(http, peer.url).find(CALL)
