"""OpenAI's project over REST, used by OpenAI's own client; what is wrong with it is seen by what calls do."""

from typing import Any, Literal

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from sandbox.accounts import Endpoint
from sandbox.app import Sandbox
from tests.sandbox.voice_server import VoiceServer

_OFFER: Literal["realtime.call.incoming"] = "realtime.call.incoming"


@pytest.fixture
def stranger(sandbox: Sandbox, openai_client: AsyncOpenAI) -> AsyncOpenAI:
    """OpenAI's client with a key of another project."""
    sandbox.world.accounts.key_project = "proj_Other"
    return openai_client


async def test_a_model_is_told_of_unless_the_project_may_not_use_it(
    sandbox: Sandbox, openai_client: AsyncOpenAI
) -> None:
    for name in ("gpt-realtime-2.1", "gpt-4o-mini-transcribe"):
        assert (await openai_client.models.retrieve(name)).id == name
    sandbox.world.accounts.models_off = ["gpt-realtime-2.1"]
    with pytest.raises(NotFoundError) as refused:
        await openai_client.models.retrieve("gpt-realtime-2.1")
    assert refused.value.code == "model_not_found"
    assert "gpt-realtime-2.1" not in [model.id async for model in openai_client.models.list()]


@pytest.mark.parametrize("model", ["gpt-realtime-2.1", "gpt-4o-mini-transcribe"])
async def test_a_call_cannot_be_accepted_with_a_model_that_the_project_may_not_use(
    sandbox: Sandbox, voice_server: VoiceServer, model: str
) -> None:
    sandbox.world.accounts.models_off = [model]
    voice_server.decides = "ignore"
    call = sandbox.phone_in()
    assert await voice_server.post(call.id, "accept", voice_server.session) == 400


async def test_a_key_tells_whose_it_is(stranger: AsyncOpenAI) -> None:
    told = await stranger.models.with_raw_response.list()
    assert told.headers["openai-project"] == "proj_Other"


async def test_a_key_that_was_changed_is_refused(sandbox: Sandbox, voice_server: VoiceServer) -> None:
    sandbox.world.accounts.openai_api_key = "sk-another"
    assert await voice_server.post(sandbox.phone_in().id, "accept", voice_server.session) == 401


async def test_a_key_of_another_project_gets_at_no_call_and_no_endpoint(
    sandbox: Sandbox, voice_server: VoiceServer, stranger: AsyncOpenAI
) -> None:
    voice_server.decides = "ignore"
    call = sandbox.phone_in()
    assert await voice_server.post(call.id, "accept", voice_server.session) == 404
    assert [one async for one in stranger.webhooks.list()] == []
    await stranger.webhooks.create(name="theirs", url=f"{voice_server.url}/webhook", event_types=[_OFFER])
    assert [one.project for one in sandbox.world.accounts.webhook_endpoints] == ["{project_id}", "proj_Other"]


async def test_openais_own_client_makes_an_endpoint_that_is_told_of_calls(
    sandbox: Sandbox, voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    sandbox.world.accounts.webhook_endpoints = []
    voice_server.decides = "ignore"
    url = f"{voice_server.url}/webhook"
    made = await openai_client.webhooks.create(name="voice", url=url, event_types=[_OFFER])
    assert (made.object, made.url, made.event_types) == ("webhook_endpoint", url, [_OFFER])
    assert made.signing_secret_hint
    assert made.signing_secret.endswith(made.signing_secret_hint[-4:])
    call = sandbox.phone_in()
    await sandbox.world.watch.until(lambda: bool(sandbox.openai.webhooks.deliveries))
    ((headers, body),) = voice_server.webhooks
    event = openai_client.webhooks.unwrap(body, headers, secret=made.signing_secret)
    assert event.type == "realtime.call.incoming"
    assert event.data.call_id == call.id


async def test_an_endpoint_can_be_looked_at_changed_and_deleted(
    sandbox: Sandbox, openai_client: AsyncOpenAI
) -> None:
    (endpoint,) = [one async for one in openai_client.webhooks.list()]
    assert endpoint.url == f"{sandbox.public_url}/webhook"
    assert await openai_client.webhooks.retrieve(endpoint.id) == endpoint
    changed = await openai_client.webhooks.update(endpoint.id, event_types=["batch.completed"])
    assert (changed.event_types, changed.url) == (["batch.completed"], endpoint.url)
    rotated = await openai_client.webhooks.rotate_secret(endpoint.id)
    assert sandbox.world.accounts.webhook_endpoints[0].secret == rotated.signing_secret
    assert (await openai_client.webhooks.delete(endpoint.id)).deleted
    with pytest.raises(NotFoundError):
        await openai_client.webhooks.retrieve(endpoint.id)


async def test_endpoints_are_listed_page_by_page_newest_first(
    sandbox: Sandbox, openai_client: AsyncOpenAI
) -> None:
    sandbox.world.accounts.webhook_endpoints = [Endpoint(id=f"we_{number}") for number in range(5)]
    listed = [one.id async for one in openai_client.webhooks.list(limit=2)]
    assert listed == ["we_4", "we_3", "we_2", "we_1", "we_0"]


async def test_a_test_tells_how_the_endpoint_answered(
    voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    voice_server.decides, voice_server.webhook_answers = "ignore", [503]
    (endpoint,) = [one async for one in openai_client.webhooks.list()]
    told = await openai_client.webhooks.test(endpoint.id, event_type=_OFFER)
    assert (told.status_code, told.event_type, told.webhook_endpoint_id) == (503, _OFFER, endpoint.id)
    assert (await openai_client.webhooks.test(endpoint.id, event_type=_OFFER)).status_code == 200
    headers, body = voice_server.webhooks[-1]
    assert openai_client.webhooks.unwrap(body, headers).type == _OFFER


@pytest.mark.parametrize("fields", [{"enabled": False}, {"url": "https://elsewhere.example/webhook"}])
async def test_a_test_of_an_endpoint_that_is_out_of_reach_fails(
    sandbox: Sandbox, openai_client: AsyncOpenAI, fields: dict[str, Any]
) -> None:
    sandbox.world.accounts.webhook_endpoints = [endpoint := Endpoint(**fields)]
    with pytest.raises(BadRequestError):
        await openai_client.webhooks.test(endpoint.id, event_type=_OFFER)


@pytest.mark.parametrize(
    "fields",
    [{"url": "webhook"}, {"event_types": []}, {"name": ""}],
)
async def test_an_endpoint_takes_no_nonsense(openai_client: AsyncOpenAI, fields: dict[str, Any]) -> None:
    made: Any = {"name": "voice", "url": "https://phone.example/webhook", "event_types": [_OFFER]}
    with pytest.raises(BadRequestError):
        await openai_client.webhooks.create(**(made | fields))


@pytest.mark.parametrize(
    "endpoints",
    [
        [],
        [Endpoint(url="https://elsewhere.example/webhook")],
        [Endpoint(event_types=["batch.completed"])],
        [Endpoint(enabled=False)],
        [Endpoint(project="proj_Other")],
    ],
)
async def test_a_call_nobody_is_told_of_rings_until_it_is_given_up(
    sandbox: Sandbox, voice_server: VoiceServer, endpoints: list[Endpoint]
) -> None:
    sandbox.world.accounts.webhook_endpoints = endpoints
    sandbox.switches.pending_seconds = 0.1
    call = await sandbox.call_over(sandbox.phone_in().id)
    assert call.realtime
    assert (call.realtime.sip_status, voice_server.webhooks) == (480, [])


async def test_every_endpoint_is_told_of_a_call_each_with_its_own_secret(
    sandbox: Sandbox, voice_server: VoiceServer, openai_client: AsyncOpenAI
) -> None:
    other = "whsec_YW5vdGhlci1zZWNyZXQ="
    sandbox.world.accounts.webhook_endpoints.append(Endpoint(secret=other))
    voice_server.decides = "ignore"
    sandbox.phone_in()
    await sandbox.world.watch.until(lambda: len(sandbox.openai.webhooks.deliveries) == 2)
    ours = sandbox.service_environment()["OPENAI_WEBHOOK_SECRET"]
    told = {headers["webhook-signature"]: (headers, body) for headers, body in voice_server.webhooks}
    for delivery, secret in zip(sandbox.openai.webhooks.deliveries, (ours, other), strict=True):
        headers, body = told[delivery.signature]
        assert openai_client.webhooks.unwrap(body, headers, secret=secret).type == _OFFER
