"""Call control and the sideband, judged by OpenAI's own client."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from openai import APIStatusError, AsyncOpenAI, BadRequestError, NotFoundError
from openai.types.realtime import RealtimeSessionCreateRequestParam
from websockets.asyncio.client import connect

from sandbox.app import Sandbox
from tests.sandbox.voice_server import VoiceServer

SESSION: RealtimeSessionCreateRequestParam = {"type": "realtime", "model": "gpt-realtime-2.1"}


@pytest.fixture
async def call_id(sandbox: Sandbox, voice_server: VoiceServer) -> str:
    """A call that rings and that nobody takes."""
    voice_server.decides = "ignore"
    return sandbox.phone_in(script="endless").id


def _code(error: APIStatusError) -> tuple[int, str | None]:
    return error.status_code, error.code


async def test_openais_client_accepts_talks_and_hangs_up(openai_client: AsyncOpenAI, call_id: str) -> None:
    await openai_client.realtime.calls.accept(call_id, **SESSION)
    async with openai_client.realtime.connect(call_id=call_id) as connection:
        await connection.response.create(response={"instructions": 'Say "Hello".'})
        kinds = [(await connection.recv()).type for _ in range(3)]
        assert kinds == ["response.created", "response.output_item.added", "conversation.item.added"]
        await openai_client.realtime.calls.hangup(call_id)
    with pytest.raises(NotFoundError) as gone:
        await openai_client.realtime.calls.hangup(call_id)
    assert gone.value.code == "call_id_not_found"


async def test_a_rejected_call_is_over_with_that_sip_status(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str
) -> None:
    await openai_client.realtime.calls.reject(call_id, status_code=486)
    call = (await sandbox.call_over(call_id)).realtime
    assert call is not None
    assert (call.cause, call.sip_status) == ("rejected", 486)
    with pytest.raises(NotFoundError):
        await openai_client.realtime.calls.accept(call_id, **SESSION)


async def test_a_call_is_declined_when_no_status_is_given(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str
) -> None:
    await openai_client.realtime.calls.reject(call_id)
    assert sandbox.openai.calls[call_id].sip_status == 603


async def test_a_transfer_is_taken_and_nothing_comes_of_it(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str
) -> None:
    await openai_client.realtime.calls.accept(call_id, **SESSION)
    await openai_client.realtime.calls.refer(call_id, target_uri="tel:+14155550123")
    call = sandbox.openai.calls[call_id]
    assert (call.referred_to, call.is_live) == ("tel:+14155550123", True)


async def test_a_ringing_call_can_neither_be_hung_up_nor_joined(
    openai_client: AsyncOpenAI, voice_server: VoiceServer, call_id: str
) -> None:
    with pytest.raises(NotFoundError):
        await openai_client.realtime.calls.hangup(call_id)
    with pytest.raises(WSServerHandshakeError) as refused:
        await voice_server.attach(call_id)
    assert refused.value.status == 404


async def test_a_call_that_nobody_accepts_is_given_up(
    openai_client: AsyncOpenAI, sandbox: Sandbox, voice_server: VoiceServer
) -> None:
    voice_server.decides = "ignore"
    sandbox.switches.pending_seconds = 0.02
    call = (await sandbox.call_over(sandbox.phone_in().id)).realtime
    assert call is not None
    assert call.cause == "never_accepted"
    with pytest.raises(NotFoundError):
        await openai_client.realtime.calls.accept(call.call_id, **SESSION)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({**SESSION, "voice": "marin"}, "unknown_parameter", "session.voice"),
        ({**SESSION, "temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({**SESSION, "model": "gpt-4o-realtime-preview"}, "invalid_value", "session.model"),
    ],
)
async def test_accept_takes_no_body_but_a_session(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str, body: dict[str, Any], code: str, param: str
) -> None:
    with pytest.raises(BadRequestError) as refused:
        await openai_client.post(f"/realtime/calls/{call_id}/accept", body=body, cast_to=object)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert sandbox.openai.calls[call_id].session is None


async def test_reject_and_refer_know_one_field_each(openai_client: AsyncOpenAI, call_id: str) -> None:
    for verb, body, code in (
        ("reject", {"reason": "no"}, "unknown_parameter"),
        ("reject", {"status_code": 200}, "invalid_value"),
        ("refer", {}, "missing_required_parameter"),
    ):
        with pytest.raises(BadRequestError) as refused:
            await openai_client.post(f"/realtime/calls/{call_id}/{verb}", body=body, cast_to=object)
        assert refused.value.code == code


@pytest.mark.parametrize(("switch", "expected"), [("not_found", 404), ("conflict", 409), ("ok", 200)])
async def test_the_answer_to_a_second_accept_is_a_switch(
    voice_server: VoiceServer, sandbox: Sandbox, call_id: str, switch: Any, expected: int
) -> None:
    sandbox.switches.second_accept = switch
    assert await voice_server.post(call_id, "accept", SESSION) == 200
    assert await voice_server.post(call_id, "accept", SESSION) == expected


async def test_success_has_an_empty_body(sandbox: Sandbox, voice_server: VoiceServer, call_id: str) -> None:
    headers = {"Authorization": f"Bearer {sandbox.service_environment()['OPENAI_API_KEY']}"}
    url = f"{sandbox.url}/v1/realtime/calls/{call_id}/accept"
    async with ClientSession() as http, http.post(url, json=SESSION, headers=headers) as response:
        assert (response.status, await response.read()) == (200, b"")
    assert sandbox.openai.received[0].json == SESSION
    assert sandbox.openai.received[0].status == 200


async def test_a_wrong_key_opens_nothing(openai_client: AsyncOpenAI, call_id: str) -> None:
    stranger = openai_client.with_options(api_key="sk-wrong")
    with pytest.raises(APIStatusError) as refused:
        await stranger.realtime.calls.accept(call_id, **SESSION)
    assert _code(refused.value) == (401, "invalid_api_key")
    with pytest.raises(APIStatusError):
        await stranger.models.list()


async def test_the_models_can_be_listed(openai_client: AsyncOpenAI) -> None:
    assert "gpt-realtime-2.1" in [model.id async for model in await openai_client.models.list()]


async def test_the_beta_header_hides_the_call(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str
) -> None:
    await openai_client.realtime.calls.accept(call_id, **SESSION)
    headers = {
        "Authorization": f"Bearer {sandbox.service_environment()['OPENAI_API_KEY']}",
        "OpenAI-Beta": "realtime=v1",
    }
    async with ClientSession() as http:
        with pytest.raises(WSServerHandshakeError) as refused:
            await http.ws_connect(f"{sandbox.url}/v1/realtime?call_id={call_id}", headers=headers)
    assert refused.value.status == 404


@pytest.mark.parametrize("created", [False, True])
async def test_whether_a_sideband_is_greeted_is_a_switch(
    openai_client: AsyncOpenAI, sandbox: Sandbox, call_id: str, *, created: bool
) -> None:
    sandbox.switches.session_created = created
    await openai_client.realtime.calls.accept(call_id, **SESSION)
    async with openai_client.realtime.connect(call_id=call_id) as connection:
        await connection.session.update(session={"type": "realtime"})
        first = await connection.recv()
    assert first.type == ("session.created" if created else "session.updated")


async def test_two_sidebands_hear_the_same_and_errors_go_to_whoever_erred(
    voice_server: VoiceServer, sandbox: Sandbox, call_id: str
) -> None:
    await voice_server.post(call_id, "accept", SESSION)
    one, other = await voice_server.attach(call_id), await voice_server.attach(call_id)
    await other.send_json({"type": "nonsense", "event_id": "ev_1"})
    error = await other.receive_json(timeout=5)
    assert error["error"]["event_id"] == "ev_1"
    await one.send_json({"type": "response.create"})
    assert await one.receive_json(timeout=5) == await other.receive_json(timeout=5)
    await one.close()
    await other.close()


async def test_a_sideband_that_drops_ends_nothing_and_nothing_is_replayed(
    voice_server: VoiceServer, sandbox: Sandbox, call_id: str
) -> None:
    await voice_server.post(call_id, "accept", SESSION)
    call = sandbox.openai.calls[call_id]
    first = await voice_server.attach(call_id)
    await first.send_json({"type": "response.create"})
    await first.receive_json(timeout=5)
    await first.close()
    await sandbox.world.watch.until(lambda: call.emitted > len(call.sent) + 20)
    assert call.is_live
    again = await voice_server.attach(call_id)
    await again.send_json({"type": "session.update", "session": {"type": "realtime"}})
    seen = await again.receive_json(timeout=5)
    while seen["type"] != "session.updated":
        assert seen["type"] != "response.created" or seen["response"]["metadata"] is None
        seen = await again.receive_json(timeout=5)
    await again.close()


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006])
async def test_how_a_hang_up_closes_the_socket_is_a_switch(
    voice_server: VoiceServer, sandbox: Sandbox, call_id: str, code: Any
) -> None:
    sandbox.switches.hang_up_close = code
    await voice_server.post(call_id, "accept", SESSION)
    url = f"ws{sandbox.url.removeprefix('http')}/v1/realtime?call_id={call_id}"
    key = sandbox.service_environment()["OPENAI_API_KEY"]
    # aiohttp's client takes a close without a code for none at all.
    async with connect(url, additional_headers={"Authorization": f"Bearer {key}"}) as socket:
        sandbox.exchange.hang_up(call_id)
        await asyncio.wait_for(socket.wait_closed(), 5)
    assert socket.close_code == code
    assert socket.close_reason == ("going away" if code == 1001 else "")


async def test_a_wrong_session_may_be_taken_and_never_be_joinable(
    voice_server: VoiceServer, sandbox: Sandbox, call_id: str
) -> None:
    wrong = {**SESSION, "temperature": 0.8}
    assert await voice_server.post(call_id, "accept", wrong) == 400
    sandbox.switches.bad_session = "dead"
    assert await voice_server.post(call_id, "accept", wrong) == 200
    for _ in range(3):
        with pytest.raises(WSServerHandshakeError) as refused:
            await voice_server.attach(call_id)
        assert refused.value.status == 404
    assert await voice_server.post(call_id, "hangup") == 200


async def test_our_own_hang_up_closes_the_socket_in_order(voice_server: VoiceServer, call_id: str) -> None:
    await voice_server.post(call_id, "accept", SESSION)
    socket = await voice_server.attach(call_id)
    assert await voice_server.post(call_id, "hangup") == 200
    async with asyncio.timeout(5):
        while (await socket.receive()).type is WSMsgType.TEXT:
            pass
    assert socket.close_code == 1000
