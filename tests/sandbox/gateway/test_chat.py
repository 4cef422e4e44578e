"""The gateway, judged by OpenAI's own client: the endpoint is compatible with it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from openai import AsyncOpenAI, AuthenticationError, BadRequestError

from sandbox.app import Sandbox
from shared.tasks import Tasks

QUESTION = "What is on my calendar today?"
ANSWER = "You have two appointments today: the dentist at 10 and lunch with Sam at 1."


@pytest.fixture
async def agent(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    async with AsyncOpenAI(base_url=f"{sandbox.url}/v1", api_key=token, max_retries=0) as client:
        yield client


async def test_an_answer_comes_whole(sandbox: Sandbox, agent: AsyncOpenAI) -> None:
    completion = await agent.chat.completions.create(
        model="openclaw/main",
        messages=[{"role": "user", "content": QUESTION}],
        extra_headers={"x-openclaw-session-key": "agent:main:main"},
    )
    assert completion.choices[0].message.content == ANSWER
    assert [(one.session_key, one.question) for one in sandbox.gateway.asked] == [
        ("agent:main:main", QUESTION)
    ]


async def test_an_answer_comes_in_pieces_that_end_with_done(sandbox: Sandbox, agent: AsyncOpenAI) -> None:
    stream = await agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert sandbox.gateway.asked[0].streamed


async def test_the_stream_is_server_sent_events_up_to_done(sandbox: Sandbox) -> None:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    body = {"model": "openclaw", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        ClientSession() as http,
        http.post(f"{sandbox.url}/v1/chat/completions", json=body, headers=headers) as response,
    ):
        assert response.content_type == "text/event-stream"
        text = await response.text()
    assert all(event.startswith("data: ") for event in text.strip().split("\n\n"))
    assert text.endswith("data: [DONE]\n\n")


async def test_a_wrong_token_and_a_model_that_is_no_agent_are_refused(
    sandbox: Sandbox, agent: AsyncOpenAI
) -> None:
    with pytest.raises(BadRequestError):
        await agent.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
    with pytest.raises(BadRequestError):
        await agent.chat.completions.create(model="openclaw", messages=[{"role": "system", "content": "Hi"}])
    with pytest.raises(AuthenticationError):
        await agent.with_options(api_key="wrong").chat.completions.create(
            model="openclaw", messages=[{"role": "user", "content": "Hi"}]
        )
    assert [request.status for request in sandbox.gateway.received] == [400, 400, 401]


async def test_a_question_is_cancelled_when_the_asker_goes_away(sandbox: Sandbox, agent: AsyncOpenAI) -> None:
    stream = await agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    await anext(aiter(stream))
    await stream.close()
    await sandbox.world.watch.until(lambda: sandbox.gateway.received[0].status is not None)
    assert sandbox.gateway.asked[0].cancelled


async def test_a_question_is_cancelled_when_the_asker_is_gone_before_the_answer_begins(
    sandbox: Sandbox, agent: AsyncOpenAI
) -> None:
    sandbox.world.clock.speed = 1  # time to go away while the agent still thinks
    asking = agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": QUESTION}], stream=True
    )
    async with Tasks() as tasks:
        tasks.start(asking, name="asking")
        await sandbox.world.watch.until(lambda: len(sandbox.gateway.received) == 1)
    await sandbox.world.watch.until(lambda: sandbox.gateway.received[0].status is not None)
    assert sandbox.gateway.asked[0].cancelled
