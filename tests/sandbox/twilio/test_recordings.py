"""Recordings at Twilio: made when asked for, told of, fetched with credentials, deleted."""

import asyncio
import io
import wave
from typing import Any

import pytest
from aiohttp import ClientPayloadError, ClientSession, encode_basic_auth
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from sandbox.app import Sandbox
from sandbox.switches import RecordingTrouble
from sandbox.twilio.recordings import Recording
from tests.sandbox.twilio_rest import Rest, form
from tests.sandbox.voice_server import VoiceServer


async def _recorded(sandbox: Sandbox, voice_server: VoiceServer, rest: Rest) -> Recording:
    """Play a call whose TwiML asks for a recording; what Twilio has of it."""
    asked = (
        'record="record-from-answer-dual" recordingStatusCallbackEvent="completed absent"'
        f' recordingStatusCallback="{voice_server.url}/webhook#rc=3"'
    )
    voice_server.twiml = voice_server.twiml.replace("<Dial ", f"<Say>Recorded.</Say><Dial {asked} ")
    await rest.post("Calls.json", **form(voice_server, "+14155550101"))
    await sandbox.world.watch.until(lambda: bool(sandbox.twilio.recordings.kept))
    (recording,) = sandbox.twilio.recordings.kept.values()
    return recording


def _told(voice_server: VoiceServer) -> list[dict[str, str]]:
    return [form for form in voice_server.events if "RecordingSid" in form]


async def _media(sandbox: Sandbox, recording: Recording, token: str | None = None) -> tuple[int, bytes]:
    settings = sandbox.world.settings
    password = token or settings.twilio_auth_token.get_secret_value()
    headers = {"Authorization": encode_basic_auth(settings.twilio_account_sid, password)}
    async with ClientSession(headers=headers) as http, http.get(f"{sandbox.url}{recording.path}.wav") as got:
        return got.status, await got.read()


async def test_a_dial_that_asks_for_it_is_recorded_in_two_channels_and_told_of(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    recording = await _recorded(sandbox, voice_server, rest)
    await sandbox.world.watch.until(lambda: bool(_told(voice_server)))
    (told,) = _told(voice_server)
    assert (told["RecordingSid"], told["CallSid"]) == (recording.sid, recording.call_sid)
    assert (told["RecordingStatus"], told["RecordingSource"]) == ("completed", "DialVerb")
    assert told["RecordingUrl"] == f"https://api.twilio.com{recording.path}"
    validator = RequestValidator(sandbox.service_environment()["TWILIO_AUTH_TOKEN"])
    assert all(validator.validate(*signed) for signed in voice_server.forms)
    status, media = await _media(sandbox, recording)
    with wave.open(io.BytesIO(media)) as file:
        shape = (file.getnchannels(), file.getframerate(), file.getnframes() // file.getframerate())
    assert (status, shape) == (200, (2, 8000, int(told["RecordingDuration"])))


async def test_a_call_that_does_not_ask_for_it_is_not_recorded(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    _, call = await rest.post("Calls.json", **form(voice_server, "+14155550101"))
    await sandbox.call_over(call["sid"])
    assert not sandbox.twilio.recordings.kept


async def test_who_shows_no_credentials_gets_no_media(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    recording = await _recorded(sandbox, voice_server, rest)
    assert (await _media(sandbox, recording, "wrong"))[0] == 401
    assert (await _media(sandbox, recording))[0] == 200


async def test_twilios_own_client_lists_and_deletes_it(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TWILIO_EDGE", "TWILIO_REGION"):
        monkeypatch.delenv(name, raising=False)
    recording = await _recorded(sandbox, voice_server, rest)
    settings = sandbox.world.settings
    client = Client(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    client.api.base_url = sandbox.url

    def use() -> tuple[list[Any], bool, list[Any]]:
        calls = client.calls(recording.call_sid)
        before = calls.recordings.list()
        return before, client.recordings(recording.sid).delete(), calls.recordings.list()

    (found,), is_deleted, after = await asyncio.to_thread(use)
    assert (found.sid, found.status, found.duration) == (recording.sid, "completed", str(recording.seconds))
    assert (is_deleted, after, sandbox.twilio.recordings.deleted) == (True, [], [recording.sid])
    assert (await _media(sandbox, recording))[0] == 404


@pytest.mark.parametrize(
    ("trouble", "statuses"), [("told_twice", ["completed"] * 2), ("absent", ["absent"]), ("untold", [])]
)
async def test_what_is_told_may_be_doubled_empty_or_missing(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, trouble: RecordingTrouble, statuses: list[str]
) -> None:
    sandbox.switches.recording_trouble = trouble
    await _recorded(sandbox, voice_server, rest)
    await sandbox.world.watch.until(lambda: len(_told(voice_server)) == len(statuses))
    assert [form["RecordingStatus"] for form in _told(voice_server)] == statuses


@pytest.mark.parametrize(
    ("trouble", "answers"),
    [("late", [404, 404, 404, 200]), ("gone", [404] * 5), ("absent", [404])],
)
async def test_the_media_may_not_be_there(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, trouble: RecordingTrouble, answers: list[int]
) -> None:
    sandbox.switches.recording_trouble = trouble
    recording = await _recorded(sandbox, voice_server, rest)
    assert [(await _media(sandbox, recording))[0] for _ in answers] == answers


async def test_the_address_told_may_be_somebody_elses(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest
) -> None:
    sandbox.switches.recording_trouble = "elsewhere"
    await _recorded(sandbox, voice_server, rest)
    await sandbox.world.watch.until(lambda: bool(_told(voice_server)))
    assert _told(voice_server)[0]["RecordingUrl"].startswith("https://recordings.example.com/")


async def test_the_media_may_have_no_end(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, http: ClientSession
) -> None:
    sandbox.switches.recording_trouble = "huge"
    recording = await _recorded(sandbox, voice_server, rest)
    settings = sandbox.world.settings
    token = encode_basic_auth(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    url, headers = f"{sandbox.url}{recording.path}.wav", {"Authorization": token}
    async with http.get(url, headers=headers) as response:
        assert await response.content.readexactly(4) == b"RIFF"
        assert len(await response.content.readexactly(8 << 20)) == 8 << 20
        response.close()
    assert not isinstance(response.content.exception(), ClientPayloadError)


async def test_the_first_request_to_delete_may_fail(
    sandbox: Sandbox, voice_server: VoiceServer, rest: Rest, http: ClientSession
) -> None:
    sandbox.switches.recording_trouble = "undeletable"
    recording = await _recorded(sandbox, voice_server, rest)
    settings = sandbox.world.settings
    token = encode_basic_auth(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    statuses = []
    for _ in range(3):
        url = f"{sandbox.url}{recording.path}.json"
        async with http.delete(url, headers={"Authorization": token}) as response:
            statuses.append(response.status)
    assert statuses == [500, 204, 404]
