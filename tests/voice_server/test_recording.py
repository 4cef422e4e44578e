"""Recorded calls, as the person, Twilio and the owner see them."""

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.twilio.recordings import wav
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import GUEST, OWNER, RunningServer, Start, problem
from tests.voice_server.serving import until

SID, RECORDING = "CA" + "9" * 32, "RE" + "9" * 32
GREETING = "+14155550101"


async def shown(server: RunningServer, call_id: str) -> Any:
    """Show what the history says of a call's recording."""
    _, call = await server.ask("GET", f"/history/{call_id}")
    return call["recording"]


async def kept(server: RunningServer, sandbox: Sandbox, call_id: str) -> Any:
    """Wait until a recording is here, and at Twilio no more."""

    async def is_ready() -> bool:
        recording = await shown(server, call_id)
        return bool(recording) and recording["state"] == "ready"

    await until(is_ready)
    await sandbox.world.watch.until(lambda: not sandbox.twilio.recordings.kept)
    return await shown(server, call_id)


async def twiml_of(server: RunningServer, sandbox: Sandbox, call_id: str) -> str:
    """Ask for a call's TwiML as Twilio did."""
    return await server.twiml(str(sandbox.twilio.legs[call_id].url).removeprefix(server.url), CallSid=call_id)


async def test_a_call_we_place_is_announced_recorded_brought_here_and_deleted_at_twilio(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(RECORD_CALLS="outbound")
    call_id = await server.dial(GREETING)
    await bridge.until("call_ended", call_id)
    recording = await kept(server, sandbox, call_id)
    media = wav(recording["seconds"])
    assert recording == {"state": "ready", "seconds": recording["seconds"], "bytes": len(media)}
    async with server.raw("GET", f"/history/{call_id}/recording") as response:
        assert (response.status, response.content_type) == (200, "audio/wav")
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.read() == media
    rtc_id = sandbox.call(call_id).realtime
    assert rtc_id
    async with server.raw("GET", f"/history/{rtc_id.call_id}/recording", Range="bytes=4-9") as response:
        assert (response.status, await response.read()) == (206, media[4:10])
        assert response.headers["Content-Range"] == f"bytes 4-9/{len(media)}"


@pytest.mark.parametrize(
    ("settings", "character", "notice"),
    [
        ({}, {}, None),
        ({"RECORD_CALLS": "outbound"}, {}, ("en-US", "This call is recorded.")),
        (
            {"RECORD_CALLS": "all"},
            {"language": "fr", "recording_notice": "Nous enregistrons <tout> & plus."},
            ("fr-FR", "Nous enregistrons &lt;tout&gt; &amp; plus."),
        ),
    ],
)
async def test_the_notice_is_spoken_before_the_assistant_is_called(
    start: Start, sandbox: Sandbox, settings: dict[str, str], character: dict[str, str], notice: Any
) -> None:
    server = await start(character, **settings)
    document = await twiml_of(server, sandbox, await server.dial("+14155550105"))
    said = re.search(r'<Response><Say language="(.+?)">(.+?)</Say><Dial', document)
    assert (said and said.groups()) == notice
    assert ('record="record-from-answer-dual"' in document) == bool(notice)
    callback = f'recordingStatusCallback="{server.url}/webhook#rc=3&amp;rp=ct,rt,5xx"'
    assert (callback in document) == bool(notice)


@pytest.mark.parametrize(("calls", "recorded"), [("outbound", False), ("all", True)])
async def test_a_caller_to_the_number_is_recorded_only_where_all_are(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, calls: str, recorded: bool
) -> None:
    server = await start(RECORD_CALLS=calls)
    call_id = sandbox.phone_in(GUEST, "greeting", "number").id
    await bridge.until("call_ended", call_id)
    if recorded:
        await kept(server, sandbox, call_id)
    else:
        assert await shown(server, call_id) is None


async def test_through_a_trunk_nothing_is_recorded_and_it_is_told_why(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    server = await start(RECORD_CALLS="all")
    call_id = sandbox.phone_in(OWNER, "greeting").id
    await bridge.until("call_ended", call_id)
    assert await shown(server, call_id) is None
    async with server.raw("GET", f"/history/{call_id}/recording") as response:
        status, detail = await problem(response)
    assert (status, "trunk" in detail) == (404, True)


async def test_while_the_call_runs_it_is_pending_and_when_nothing_came_of_it_there_is_none(
    start: Start, sandbox: Sandbox
) -> None:
    sandbox.switches.recording_trouble = "absent"
    server = await start(RECORD_CALLS="outbound")
    call_id = await server.dial("+14155550106")
    await sandbox.world.watch.until(lambda: bool(sandbox.twilio.legs[call_id].bridges))
    assert await shown(server, call_id) == {"state": "pending", "seconds": None, "bytes": None}
    async with server.raw("GET", f"/history/{call_id}/recording") as response:
        assert "fetched from Twilio after the call" in (await problem(response))[1]
    await server.ask("DELETE", f"/call/{call_id}")

    async def is_none() -> bool:
        return await shown(server, call_id) is None

    await until(is_none)
    async with server.raw("GET", f"/history/{call_id}/recording") as response:
        assert "ended before" in (await problem(response))[1]


@pytest.mark.parametrize("trouble", ["told_twice", "elsewhere", "late"])
async def test_whatever_twilio_says_there_is_one_recording_from_twilio_itself(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, trouble: Any
) -> None:
    sandbox.switches.recording_trouble = trouble
    server = await start(RECORD_CALLS="outbound")
    call_id = await server.dial(GREETING)
    await bridge.until("call_ended", call_id)
    if trouble == "late":  # by itself after some seconds, and at once after a restart
        await sandbox.world.watch.until(lambda: any(one.status == 404 for one in sandbox.twilio.received))
        sandbox.switches.recording_trouble = "none"
        await server.crash()
        server = await start(RECORD_CALLS="outbound")
    await kept(server, sandbox, call_id)
    assert len(sandbox.twilio.recordings.deleted) == 1


async def test_only_twilios_word_counts_for_a_recording(start: Start) -> None:
    server = await start(RECORD_CALLS="all")
    await server.twiml("/voice/incoming", CallSid=SID, From=OWNER)
    told = {"CallSid": SID, "RecordingSid": RECORDING, "RecordingStatus": "completed"}
    async with server.http.post(f"{server.url}/webhook", data=told) as response:
        assert response.status in {401, 403}
    assert (await server.store.recordings.of(SID)).progress == "awaited"
    assert await server.status_callback("/webhook", **{**told, "RecordingSid": "../../etc/passwd"}) == 422
    assert await server.status_callback("/webhook", **{**told, "RecordingStatus": "in-progress"}) == 204
    assert (await server.store.recordings.of(SID)).progress == "awaited"
    assert await server.status_callback("/webhook", **{**told, "CallSid": "CA" + "8" * 32}) == 204
    assert await server.store.recordings.of("CA" + "8" * 32) is None
    assert await server.status_callback("/webhook", **told, RecordingDuration="-1") == 204
    assert (await server.store.recordings.of(SID)).progress != "awaited"


async def test_a_recording_is_for_who_has_the_key_and_asks_for_what_there_is(
    start: Start, bridge: RecordingBridge, sandbox: Sandbox, tmp_path: Path
) -> None:
    server = await start(RECORD_CALLS="outbound")
    call_id = await server.dial(GREETING)
    await bridge.until("call_ended", call_id)
    size = (await kept(server, sandbox, call_id))["bytes"]
    path = f"/history/{call_id}/recording"
    async with server.raw("GET", path, key=None) as response:
        assert (await problem(response))[0] == 401
    for wanted in (f"bytes={size}-", "bytes=a-b", "seconds=1-2"):
        async with server.raw("GET", path, Range=wanted) as response:
            status, detail = await problem(response)
            assert (status, f"has {size} bytes" in detail) == (416, True), wanted
    for wanted, length in ((f"bytes={size - 1}-", 1), ("bytes=-5", 5), ("bytes=0-", size)):
        async with server.raw("GET", path, Range=wanted) as response:
            assert (response.status, len(await response.read())) == (206, length)
    async with server.raw("HEAD", path) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(size))
    (tmp_path / "data" / "recordings" / f"{call_id}.wav").unlink()
    async with server.raw("GET", path) as response:
        assert "file is gone" in (await problem(response))[1]
