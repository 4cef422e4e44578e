"""The gateway, judged by OpenAI's own client: the endpoint is compatible with it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientError, ClientSession
from openai import AsyncOpenAI, AuthenticationError, BadRequestError

from sandbox.app import Sandbox
from sandbox.gateway.answers import answer_to
from sandbox.switches import AgentTrouble
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


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_question_is_cancelled_while_the_agent_works_on_it(
    sandbox: Sandbox, http: ClientSession, streamed: bool
) -> None:
    sandbox.switches.agent_seconds = float("inf")
    async with Tasks() as tasks:
        tasks.start(asked(http, sandbox, "Feed the cat", stream=streamed), name="asking")
        await sandbox.world.watch.until(lambda: bool(sandbox.gateway.asked))
    await sandbox.world.watch.until(lambda: sandbox.gateway.received[0].status is not None)
    assert sandbox.gateway.asked[0].cancelled
    assert sandbox.gateway.rows("main") == []


async def test_an_answer_becomes_part_of_its_conversation(sandbox: Sandbox, http: ClientSession) -> None:
    await asked(http, sandbox, QUESTION, key="main")
    await asked(http, sandbox, "Say nothing at all.", key="agent:main:main")
    await asked(http, sandbox, "Elsewhere?", key=None)
    said = [(row.role, row.text) for row in sandbox.gateway.rows("main")]
    assert said == [("user", QUESTION), ("assistant", ANSWER), ("user", "Say nothing at all.")]
    ways = [name.removeprefix("agent:main:")[:7] for name in sandbox.gateway.memory.conversations]
    assert ways == ["main", "openai:"]


async def test_an_empty_answer_is_said_as_the_gateway_does(sandbox: Sandbox, agent: AsyncOpenAI) -> None:
    completion = await agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": "Say nothing at all."}]
    )
    assert completion.choices[0].message.content == "No response from OpenClaw."
    sandbox.switches.gateway_release = "2026.7.35"
    stream = await agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": "Say nothing at all."}], stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == "⚠️ Agent couldn't generate a response. Please try again."


async def test_a_long_answer_streams_as_it_was_written(sandbox: Sandbox, agent: AsyncOpenAI) -> None:
    stream = await agent.chat.completions.create(
        model="openclaw", messages=[{"role": "user", "content": "Tell me everything."}], stream=True
    )
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == answer_to("everything").text
    assert text.count("\n") > 40


async def test_two_questions_at_once_are_noted_in_one_conversation_alone(
    sandbox: Sandbox, http: ClientSession
) -> None:
    sandbox.switches.agent_seconds = 150
    async with Tasks() as tasks:
        asking = [
            tasks.start(asked(http, sandbox, text, key=key), name=text)
            for text, key in (("One?", "main"), ("Two?", "agent:main:main"), ("Three?", "other"))
        ]
        await asyncio.gather(*asking)
        await asked(http, sandbox, "Four?", key="main")
    overlapped = {one.question: one.overlapped for one in sandbox.gateway.asked}
    assert overlapped == {"One?": True, "Two?": True, "Three?": False, "Four?": False}


@pytest.mark.parametrize(
    ("trouble", "status", "said"),
    [
        ("error", 500, b"internal error"),
        ("disabled", 404, b"Not Found"),
        ("starting", 503, b"gateway starting"),
    ],
)
async def test_an_agent_in_trouble_refuses(
    sandbox: Sandbox, http: ClientSession, trouble: AgentTrouble, status: int, said: bytes
) -> None:
    sandbox.switches.agent_trouble = trouble
    answered, body = await asked(http, sandbox, QUESTION)
    assert (answered, said in body) == (status, True)


@pytest.mark.parametrize("streamed", [True, False])
async def test_an_answer_may_break_off(sandbox: Sandbox, http: ClientSession, streamed: bool) -> None:
    sandbox.switches.agent_trouble = "breaks"
    with pytest.raises(ClientError):
        await asked(http, sandbox, QUESTION, stream=streamed)
    await sandbox.world.watch.until(lambda: sandbox.gateway.received[0].status is not None)
    assert not sandbox.gateway.asked[0].cancelled
    assert sandbox.gateway.rows("main") == []


async def test_an_error_may_come_in_the_middle(sandbox: Sandbox, http: ClientSession) -> None:
    sandbox.switches.agent_trouble = "error_event"
    status, body = await asked(http, sandbox, QUESTION)
    *told, error, done = body.decode().strip().split("\n\n")
    assert (status, done) == (200, "data: [DONE]")
    assert error == 'data: {"error":{"message":"upstream provider timeout","type":"api_error"}}'
    assert 1 < len(told) < len(QUESTION.split()) * 3
    assert (await asked(http, sandbox, QUESTION, stream=False))[0] == 500
    assert sandbox.gateway.rows("main") == []


async def test_an_agent_may_never_answer(sandbox: Sandbox, http: ClientSession) -> None:
    sandbox.switches.agent_trouble = "silent"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await asked(http, sandbox, QUESTION)
    await sandbox.world.watch.until(lambda: sandbox.gateway.asked[0].cancelled)


async def test_an_agent_whose_runs_were_forgotten_still_gives_its_answer(
    sandbox: Sandbox, http: ClientSession
) -> None:
    sandbox.switches.agent_seconds = 15
    async with Tasks() as tasks:
        asking = tasks.start(asked(http, sandbox, "Feed the cat"), name="asking")
        await sandbox.world.watch.until(lambda: bool(sandbox.gateway.asked))
        sandbox.gateway.memory.restart()
        assert (await asking)[0] == 200


async def asked(
    http: ClientSession, sandbox: Sandbox, question: str, *, key: str | None = "main", stream: bool = True
) -> tuple[int, bytes]:
    """Ask the agent; the status and the body of what comes back."""
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"} | ({"x-openclaw-session-key": key} if key else {})
    body = {"model": "openclaw", "stream": stream, "messages": [{"role": "user", "content": question}]}
    async with http.post(f"{sandbox.url}/v1/chat/completions", json=body, headers=headers) as response:
        return response.status, await response.read()


async def test_one_question_may_go_wrong_while_others_are_answered(
    sandbox: Sandbox, http: ClientSession
) -> None:
    with pytest.raises(ClientError):
        await asked(http, sandbox, "Is the backup complete?")
    assert (await asked(http, sandbox, QUESTION))[1].endswith(b"data: [DONE]\n\n")
    backup, calendar = sandbox.gateway.asked
    assert backup.at < calendar.at
