from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from sandbox.app import Sandbox
from tests.sandbox.voice_server import VoiceServer


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[ClientSession]:
    async with ClientSession(f"{sandbox.url}/sandbox/") as http:
        yield http


async def _post(http: ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


async def test_somebody_phones_in_and_the_whole_call_can_be_read(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    status, call = await _post(control, "calls", {"from": "+15551234567", "script": "greeting"})
    assert status == 201
    await sandbox.world.watch.until(lambda: bool(voice_server.closed))
    async with control.get(f"calls/{call['id']}") as response:
        told = await response.json()
    assert told["over"]
    assert told["openai"]["end_cause"] == "caller_hung_up"
    assert told["openai"]["frames_sent"] == len(voice_server.frames)


async def test_a_call_through_the_number_shows_its_legs(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    await _post(control, "calls", {"script": "greeting", "via": "number"})
    await sandbox.world.watch.until(lambda: bool(voice_server.events))
    async with control.get("calls") as response:
        (told,) = (await response.json())["calls"]
    assert [leg["direction"] for leg in told["legs"]] == ["inbound", "outbound-dial"]
    assert told["legs"][0]["statuses"] == ["queued", "ringing", "in-progress", "completed"]
    assert voice_server.events[-1]["CallStatus"] == "completed"


async def test_the_person_hangs_up_when_told_to(
    control: ClientSession, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    _, call = await _post(control, "calls", {"script": "endless"})
    await sandbox.world.watch.until(lambda: len(voice_server.frames) > 50)
    _, told = await _post(control, f"calls/{call['id']}/hang-up")
    assert told["over"]
    assert told["openai"]["end_cause"] == "caller_hung_up"


async def test_the_person_hangs_up_after_a_time(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    call = sandbox.phone_in(script="endless", hang_up_after=4)
    over = await sandbox.call_over(call.id)
    assert over.realtime is not None
    assert over.realtime.cause == "caller_hung_up"


@pytest.mark.parametrize(
    "body", [{"script": "opera"}, {"from": "Alice"}, {"via": "pigeon"}, {"frm": "+15551234567"}]
)
async def test_a_call_nobody_could_make_is_refused(control: ClientSession, body: dict[str, Any]) -> None:
    assert (await _post(control, "calls", body))[0] == 422


async def test_an_unknown_call_is_not_found(control: ClientSession) -> None:
    assert (await _post(control, "calls/CA0/hang-up"))[0] == 404
