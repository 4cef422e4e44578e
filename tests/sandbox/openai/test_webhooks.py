"""`realtime.call.incoming`, judged by OpenAI's own verifier and by the reference library."""

import json

import pytest
from openai import AsyncOpenAI
from standardwebhooks import Webhook

from sandbox.app import Sandbox
from tests.sandbox.voice_server import VoiceServer


async def _ring(sandbox: Sandbox, voice_server: VoiceServer, caller: str = "+15551234567") -> str:
    voice_server.decides = "ignore"
    call = sandbox.phone_in(caller)
    await sandbox.world.watch.until(
        lambda: any(one.status == 200 for one in sandbox.openai.webhooks.deliveries)
    )
    return call.id


async def test_both_libraries_trust_the_webhook(
    sandbox: Sandbox, voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    call_id = await _ring(sandbox, voice_server)
    ((headers, body),) = voice_server.webhooks
    event = openai_client.webhooks.unwrap(body, headers)
    assert event.type == "realtime.call.incoming"
    assert event.data.call_id == call_id
    secret = sandbox.service_environment()["OPENAI_WEBHOOK_SECRET"]
    assert Webhook(secret).verify(body, headers)["type"] == "realtime.call.incoming"


@pytest.mark.parametrize(("to", "expected"), [("project", "sip:proj_"), ("number", "sip:+14155550100@")])
async def test_the_headers_are_those_of_a_call_through_the_trunk(
    sandbox: Sandbox, voice_server: VoiceServer, to: str, expected: str
) -> None:
    sandbox.switches.trunk_to = "number" if to == "number" else "project"
    await _ring(sandbox, voice_server)
    sip_headers = json.loads(voice_server.webhooks[0][1])["data"]["sip_headers"]
    headers = {header["name"]: header["value"] for header in sip_headers}
    assert "<sip:+15551234567@" in headers["From"]
    assert expected in headers["To"]
    assert headers["Diversion"].startswith("<sip:+14155550100@")


async def test_a_refused_webhook_comes_again_with_the_same_id(
    sandbox: Sandbox, voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    voice_server.webhook_answers = [500, 302]
    await _ring(sandbox, voice_server)
    assert [one.status for one in sandbox.openai.webhooks.deliveries] == [500, 302, 200]
    assert len({headers["webhook-id"] for headers, _ in voice_server.webhooks}) == 1
    for headers, body in voice_server.webhooks:
        openai_client.webhooks.unwrap(body, headers)


async def test_how_fast_the_repetitions_of_a_webhook_slow_down_is_a_switch(sandbox: Sandbox) -> None:
    sandbox.public_url = "http://127.0.0.1:9"
    sandbox.world.clock.speed = 1  # with the usual pauses this would take minutes
    sandbox.switches.webhook_backoff = 0.01
    sandbox.phone_in()
    await sandbox.world.watch.until(lambda: len(sandbox.openai.webhooks.deliveries) == 7)


async def test_a_service_that_is_not_there_yet_is_tried_again(sandbox: Sandbox) -> None:
    sandbox.public_url = "http://127.0.0.1:9"
    sandbox.switches.webhook_retries = 2
    sandbox.phone_in()
    await sandbox.world.watch.until(lambda: len(sandbox.openai.webhooks.deliveries) == 3)
    assert {one.status for one in sandbox.openai.webhooks.deliveries} == {None}
