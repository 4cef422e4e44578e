"""Before the first question: the connection is there, and what keeps the agent from answering is known."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from services.voice_server.adapters import openclaw as adapter
from services.voice_server.adapters.openclaw import OpenClaw, gateway_client
from shared.openclaw_config import OpenClawConfigError
from shared.tasks import Tasks
from tests.voice_server.raw_gateway import RawGateway, raw_gateway
from tests.voice_server.serving import Answer, free_port, scripted

KEY = "agent:main:telegram:direct:42"
READY = Answer(400, b'{"error":{"message":"Missing user message in `messages`."}}')


@pytest.fixture
async def gateway() -> AsyncIterator[RawGateway]:
    async with raw_gateway() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with gateway_client() as client:
        yield client


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare each time anew."""
    monkeypatch.setattr(adapter, "PREPARING_SECONDS", 0.2)
    monkeypatch.setattr(adapter, "_REFUSED_SECONDS", 0)


def openclaw(http: ClientSession, url: str, token: str | None = None) -> OpenClaw:
    return OpenClaw(http, lambda: (url, token), "main")


async def again(agent: OpenClaw) -> None:
    """Prepare as if it were long ago that it was done."""
    agent._prepared_until = 0
    await agent.prepare()


async def test_the_first_question_finds_an_open_connection(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    await agent.prepare()
    asking = tasks.start(agent.ask(KEY, "When?"), name="asking")
    question = await gateway.question()
    question.finish("Now.")
    assert (gateway.prepared, question.connection, await asking) == ([0], 0, "Now.")


async def test_an_idle_connection_is_closed_before_the_gateway_closes_it(
    gateway: RawGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "_KEEP_ALIVE_SECONDS", 0.05)
    async with gateway_client() as http:
        await openclaw(http, gateway.url).prepare()
        await gateway.watch.until(lambda: gateway.closed == [0])


async def test_preparing_asks_the_agent_nothing(http: ClientSession, sandbox: Sandbox) -> None:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    with capture_logs() as logs:
        await openclaw(http, sandbox.url, token).prepare()
    assert (len(sandbox.gateway.received), sandbox.gateway.asked, logs) == (1, [], [])


async def test_for_many_calls_at_once_the_gateway_is_prepared_once(
    http: ClientSession, gateway: RawGateway
) -> None:
    agent = openclaw(http, gateway.url)
    await asyncio.gather(*(agent.prepare() for _ in range(50)))
    await agent.prepare()
    assert gateway.prepared == [0]
    await again(agent)
    assert gateway.prepared == [0, 0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(401), "set OPENCLAW_GATEWAY_TOKEN"),
        (Answer(404), "chatCompletions.enabled"),
        (Answer(400, b'{"error":{"message":"Unknown agent \'x\'."}}'), "set OPENCLAW_AGENT_ID"),
        (Answer(200), "set OPENCLAW_GATEWAY_URL"),
        (Answer(503), "just starting"),
        (Answer(500), "OpenClaw's log"),
        (Answer(400, b"{}"), "OpenClaw's log"),
        (Answer(drop=True), "broke off"),
        (Answer(silent=True), "check that it runs"),
    ],
)
@pytest.mark.usefixtures("always")
async def test_what_would_fail_is_warned_of_once_until_it_is_well_again(
    http: ClientSession, answer: Answer, told: str
) -> None:
    async with scripted(answer, answer, READY, answer) as peer:
        agent = openclaw(http, peer.url)
        warnings = []
        for _ in range(4):
            with capture_logs() as logs:
                await again(agent)
            warnings.append([entry["fault"] for entry in logs if entry["event"] == "openclaw_not_ready"])
    assert [len(each) for each in warnings] == [1, 0, 0, 1]
    assert told in warnings[0][0]


@pytest.mark.parametrize(("answer", "at_least"), [(Answer(503), 2), (Answer(401), 59)])
async def test_a_gateway_that_counts_wrong_tokens_is_left_alone_for_a_while(
    http: ClientSession, answer: Answer, at_least: float
) -> None:
    async with scripted(answer) as peer:
        agent = openclaw(http, peer.url)
        await agent.prepare()
        await agent.prepare()
        assert len(peer.received) == 1
        assert at_least < agent._prepared_until - asyncio.get_running_loop().time() < at_least + 1


async def test_no_gateway_and_no_configuration_are_no_exceptions(http: ClientSession) -> None:
    def broken() -> tuple[str, str | None]:
        raise OpenClawConfigError("openclaw.json: line 1")

    with capture_logs() as logs:
        await openclaw(http, f"http://127.0.0.1:{free_port()}").prepare()
        await openclaw(http, "nonsense").prepare()
        await OpenClaw(http, broken, "main").prepare()
    assert [entry["event"] for entry in logs] == ["openclaw_not_ready"] * 3
