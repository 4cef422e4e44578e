"""The faults of OpenAI's that are about what is said: frame by frame as they arrive over the socket."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import pytest
from aiohttp import ClientSession, WSMessage, WSMsgType
from openai import AsyncOpenAI
from openai.types.webhooks import (
    LiveCallIncomingWebhookEvent,
    LiveTransportIncomingWebhookEvent,
    RealtimeCallIncomingWebhookEvent,
)
from pydantic import Field, TypeAdapter

from sandbox.app import Sandbox
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.scripts import with_fault
from tests.sandbox import frames
from tests.sandbox.voice_server import SESSION, VoiceServer

KEY = {"Authorization": "Bearer sk-proj-sandbox"}
GREETS = {"type": "response.create", "event_id": "ev_greet"}

Announced = (
    LiveCallIncomingWebhookEvent | LiveTransportIncomingWebhookEvent | RealtimeCallIncomingWebhookEvent
)
ANNOUNCED: TypeAdapter[Announced] = TypeAdapter(Annotated[Announced, Field(discriminator="type")])

Frame = dict[str, Any]
Enough = Callable[[list[Any]], bool]


async def listen(
    sandbox: Sandbox, http: ClientSession, name: str, enough: Enough, script: str | None = None
) -> list[Any]:
    """Accept a call with a fault and ask for a greeting; everything that comes until it is enough.

    Text that is JSON comes parsed, other text and bytes as they are.
    """
    call = ring(sandbox, name, script)
    control = f"{sandbox.url}/v1/realtime/calls/{call.call_id}/accept"
    async with http.post(control, headers=KEY, json=SESSION) as answer:
        assert answer.status == 200
    came: list[Any] = []
    url = f"{sandbox.url}/v1/realtime?call_id={call.call_id}"
    async with http.ws_connect(url, headers=KEY, max_msg_size=0) as socket:
        await socket.send_json(GREETS)
        while not enough(came):
            came.append(read(await socket.receive(timeout=5)))
    call.end(EndCause.CALLER_HUNG_UP)
    return came


def ring(sandbox: Sandbox, name: str, script: str | None = None) -> RealtimeCall:
    """Let somebody phone in."""
    call = sandbox.phone_in(script=with_fault(name, script)).realtime
    assert call
    return call


def read(message: WSMessage) -> Any:
    """Read a message as far as it can be read."""
    assert message.type in {WSMsgType.TEXT, WSMsgType.BINARY}
    try:
        return json.loads(message.data) if message.type is WSMsgType.TEXT else message.data
    except ValueError:
        return message.data


def has(kind: str, times: int = 1) -> Enough:
    """Wait for so many frames of a type."""
    return lambda came: sum(isinstance(one, dict) and one.get("type") == kind for one in came) >= times


def calls_of(came: list[Frame]) -> list[Frame]:
    """List the tool calls of the responses that have ended."""
    ended = (frame["response"] for frame in came if frame["type"] == "response.done")
    return [item for response in ended for item in response["output"] if item["type"] == "function_call"]


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("done-doubled", 4),
        ("done-late", 3),
        ("transcript-failed", 2),
        ("transcript-empty", 2),
        ("transcript-never", 2),
        ("usage-bare", 2),
        ("arguments-broken", 2),
        ("function-unknown", 2),
        ("functions-parallel", 2),
    ],
)
async def test_what_is_only_unusual_is_still_of_openais_own_types(
    sandbox: Sandbox, http: ClientSession, name: str, times: int
) -> None:
    for frame in await listen(sandbox, http, name, has("response.done", times)):
        frames.check(frame)


async def test_a_field_that_nobody_knows_is_in_every_frame(sandbox: Sandbox, http: ClientSession) -> None:
    came = await listen(sandbox, http, "fields-unknown", has("response.done"))
    assert all("weather" in frame for frame in came)
    for frame in came:
        frames.check({name: value for name, value in frame.items() if name != "weather"})


async def test_the_arguments_of_a_call_are_no_json(sandbox: Sandbox, http: ClientSession) -> None:
    (call,) = calls_of(await listen(sandbox, http, "arguments-broken", has("response.done", 2)))
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(call["arguments"])


async def test_a_function_is_called_that_nobody_has_offered(sandbox: Sandbox, http: ClientSession) -> None:
    (call,) = calls_of(await listen(sandbox, http, "function-unknown", has("response.done", 2)))
    assert call["name"] not in {tool["name"] for tool in SESSION["tools"]}


async def test_three_functions_are_called_in_one_response(sandbox: Sandbox, http: ClientSession) -> None:
    calls = calls_of(await listen(sandbox, http, "functions-parallel", has("response.done", 2)))
    assert len({call["call_id"] for call in calls}) == len({call["id"] for call in calls}) == 3


async def test_a_greeting_asked_for_while_the_model_speaks_is_refused(
    sandbox: Sandbox, http: ClientSession
) -> None:
    came = await listen(sandbox, http, "model-speaks-first", has("error"))
    assert came[0]["type"] == "response.created"
    frames.check(came[-1])
    error = came[-1]["error"]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "ev_greet")


@pytest.mark.parametrize("frame", [1, 30])
async def test_where_a_sideband_drops_is_a_switch(sandbox: Sandbox, http: ClientSession, frame: int) -> None:
    sandbox.switches.mid_call = frame
    call = ring(sandbox, "sideband-drops")
    control = f"{sandbox.url}/v1/realtime/calls/{call.call_id}/accept"
    async with http.post(control, headers=KEY, json=SESSION):
        pass
    url = f"{sandbox.url}/v1/realtime?call_id={call.call_id}"
    async with http.ws_connect(url, headers=KEY) as socket:
        await socket.send_json(GREETS)
        came = [message async for message in socket if message.type is WSMsgType.TEXT]
        assert socket.close_code == 1006
    assert len(came) <= frame
    assert call.is_live


async def test_a_response_never_ends(sandbox: Sandbox, http: ClientSession) -> None:
    came = await listen(sandbox, http, "done-missing", has("response.created", 2))
    assert not has("response.done")(came)


async def test_an_answer_that_was_cut_ends_after_the_next_has_begun(
    sandbox: Sandbox, http: ClientSession
) -> None:
    came = await listen(sandbox, http, "done-late", has("response.done", 4))
    ends = [frame for frame in came if frame["type"] == "response.done"]
    cut = next(frame for frame in ends if frame["response"]["status"] == "cancelled")
    before = came[came.index(cut) - 1]
    assert before["type"] == "response.created"
    assert before["response"]["id"] != cut["response"]["id"]


@pytest.mark.parametrize(
    ("name", "is_it"),
    [
        ("frames-malformed", lambda one: isinstance(one, str)),
        ("frames-binary", lambda one: isinstance(one, bytes)),
        ("events-unknown", lambda one: isinstance(one, dict) and one.get("type") not in frames.CLASSES),
        ("frame-huge", lambda one: len(json.dumps(one)) > 20 * 1024 * 1024),
    ],
)
async def test_what_is_no_frame_of_openais_stands_between_those_that_are(
    sandbox: Sandbox, http: ClientSession, name: str, is_it: Callable[[Any], bool]
) -> None:
    came = await listen(sandbox, http, name, has("output_audio_buffer.stopped"))
    assert any(is_it(one) for one in came)
    assert has("response.output_audio_transcript.done")(came)


async def test_the_live_api_announces_the_call_under_a_name_of_its_own(
    sandbox: Sandbox, voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    voice_server.decides = "ignore"
    call = ring(sandbox, "webhook-of-live-too")
    await sandbox.world.watch.until(lambda: len(voice_server.webhooks) == 3)
    events = []
    for headers, body in voice_server.webhooks:
        openai_client.webhooks.verify_signature(body, headers)
        events.append(ANNOUNCED.validate_json(body, strict=True))
        assert not events[-1].model_extra
    names = {
        event.type: event.data.call_id if event.type == "realtime.call.incoming" else event.data.session_id
        for event in events
    }
    assert names.pop("realtime.call.incoming") == call.call_id
    assert set(names) == {"live.transport.incoming", "live.call.incoming"}
    assert all(name.startswith("live_") for name in names.values())
    assert len(set(names.values())) == 1
