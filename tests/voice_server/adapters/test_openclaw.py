"""The agent asked over its gateway: one question after the other in each conversation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from sandbox.app import Sandbox
from services.voice_server.adapters.openclaw import OpenClaw
from services.voice_server.adapters.openclaw_errors import (
    NothingListensError,
    OpenClawBrokeOffError,
    OpenClawError,
    OpenClawFailedError,
    OpenClawRefusedError,
    OpenClawSlowError,
    OpenClawUnreachableError,
)
from shared.openclaw_config import OpenClawConfigError
from shared.tasks import Tasks
from tests.voice_server.raw_gateway import RawGateway, raw_gateway
from tests.voice_server.serving import Answer, free_port, scripted

KEY, OTHER = "agent:main:telegram:direct:42", "agent:main:main"


@pytest.fixture
async def gateway() -> AsyncIterator[RawGateway]:
    async with raw_gateway() as running:
        yield running


@asynccontextmanager
async def speaking(words: bytes) -> AsyncIterator[str]:
    """Serve a peer that says this to everybody, and then nothing; yields its address."""

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(words)

    writers: list[asyncio.StreamWriter] = []
    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in writers:
            writer.close()


def openclaw(http: ClientSession, url: str, token: str | None = None, *, patience: float = 5) -> OpenClaw:
    return OpenClaw(http, lambda: (url, token), "main", patience_seconds=patience)


async def test_the_answer_is_put_together_from_the_stream(http: ClientSession, sandbox: Sandbox) -> None:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    answer = await openclaw(http, sandbox.url, token).ask(KEY, "What is on my calendar?")
    assert answer == "You have two appointments today: the dentist at 10 and lunch with Sam at 1."
    (asked,) = sandbox.gateway.asked
    assert (asked.session_key, asked.question, asked.streamed) == (KEY, "What is on my calendar?", True)
    (request,) = sandbox.gateway.received
    assert request.headers["x-openclaw-agent-id"] == "main"


async def test_without_a_token_none_is_sent(http: ClientSession) -> None:
    async with scripted(Answer(401)) as peer:
        with pytest.raises(OpenClawError):
            await openclaw(http, peer.url).ask(KEY, "Hello?")
        assert "Authorization" not in peer.received[0].headers


async def test_questions_of_one_conversation_are_asked_in_the_order_they_came(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    asking = [tasks.start(agent.ask(KEY, text), name=text) for text in ("First?", "Second?", "Third?")]
    for number, text in enumerate(("First?", "Second?", "Third?"), start=1):
        question = await gateway.question(number)
        assert (question.text, len(gateway.questions)) == (text, number)
        question.finish(f"To {text}")
    assert await asyncio.gather(*asking) == ["To First?", "To Second?", "To Third?"]


async def test_questions_of_different_conversations_are_asked_side_by_side(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    asking = [tasks.start(agent.ask(key, "When?"), name=key) for key in (KEY, OTHER)]
    await gateway.question(2)
    for question in reversed(gateway.questions):
        question.finish(f"In {question.session_key}.")
    assert await asyncio.gather(*asking) == [f"In {KEY}.", f"In {OTHER}."]


async def test_a_question_cancelled_in_line_is_never_asked(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    first, dropped, third = (
        tasks.start(agent.ask(KEY, text), name=text) for text in ("First?", "Dropped?", "Third?")
    )
    question = await gateway.question()
    dropped.cancel()
    question.finish("One.")
    (await gateway.question(2)).finish("Three.")
    assert (await first, await third) == ("One.", "Three.")
    assert [question.text for question in gateway.questions] == ["First?", "Third?"]


@pytest.mark.parametrize("has_begun", [False, True])
async def test_a_cancelled_question_is_hung_up_on_at_once_and_the_next_one_is_asked(
    http: ClientSession, gateway: RawGateway, tasks: Tasks, has_begun: bool
) -> None:
    agent = openclaw(http, gateway.url)
    first, second = (tasks.start(agent.ask(KEY, text), name=text) for text in ("First?", "Second?"))
    question = await gateway.question()
    if has_begun:
        question.say("Half of")
        await question.writer.drain()
    first.cancel()
    await gateway.watch.until(lambda: question.is_gone)
    (await gateway.question(2)).finish("Two.")
    assert await second == "Two."


async def test_a_conversation_that_nobody_asks_in_is_forgotten(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    asking = tasks.start(agent.ask(KEY, "When?"), name="asking")
    question = await gateway.question()
    assert list(agent._lines) == [KEY]
    question.finish("Now.")
    await asking
    del asking
    assert not agent._lines


async def test_the_patience_counts_from_when_a_question_is_asked_not_from_its_place_in_line(
    http: ClientSession, gateway: RawGateway
) -> None:
    agent = openclaw(http, gateway.url, patience=0.1)
    both = asyncio.gather(agent.ask(KEY, "Slow?"), agent.ask(KEY, "Next?"), return_exceptions=True)
    (await gateway.question()).say("Well")
    (await gateway.question(2)).finish("Here.")
    slow, answer = await both
    assert (repr(slow), answer) == (repr(OpenClawSlowError()), "Here.")
    assert gateway.questions[0].is_gone


async def test_a_gateway_that_says_nothing_at_all_is_not_waited_for(http: ClientSession) -> None:
    async with scripted(Answer(silent=True)) as peer:
        with pytest.raises(OpenClawSlowError):
            await openclaw(http, peer.url, patience=0.1).ask(KEY, "When?")


async def test_the_connection_of_an_answer_is_used_for_the_next_question(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    for number in (1, 2):
        asking = tasks.start(agent.ask(KEY, "When?"), name="asking")
        (await gateway.question(number)).finish("Now.")
        assert await asking == "Now."
    assert [question.connection for question in gateway.questions] == [0, 0]


async def test_a_connection_that_the_gateway_has_closed_is_not_used_again(
    http: ClientSession, gateway: RawGateway, tasks: Tasks
) -> None:
    agent = openclaw(http, gateway.url)
    for number in (1, 2):
        asking = tasks.start(agent.ask(KEY, "When?"), name="asking")
        question = await gateway.question(number)
        question.finish("Now.")
        assert await asking == "Now."
        question.writer.close()  # the next question is on its way before anybody has heard of it
    assert [question.connection for question in gateway.questions] == [0, 1]


@pytest.mark.parametrize("words", ["", "Half of"])
async def test_an_agent_that_is_lost_after_it_was_asked_is_not_asked_again(
    http: ClientSession, gateway: RawGateway, tasks: Tasks, words: str
) -> None:
    asking = tasks.start(openclaw(http, gateway.url).ask(KEY, "When?"), name="asking")
    question = await gateway.question()
    if words:
        question.say(words)
    question.writer.transport.abort()
    with pytest.raises(OpenClawBrokeOffError, match="have it look, then ask again"):
        await asking
    assert len(gateway.questions) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Answer(401), OpenClawRefusedError, "token is wrong: set OPENCLAW_GATEWAY_TOKEN"),
        (Answer(403), OpenClawRefusedError, "set OPENCLAW_GATEWAY_TOKEN"),
        (Answer(404), OpenClawRefusedError, r"gateway\.http\.endpoints\.chatCompletions\.enabled to true"),
        (Answer(405), OpenClawRefusedError, r"gateway\.http\.endpoints\.chatCompletions\.enabled to true"),
        (Answer(429), OpenClawRefusedError, "check OPENCLAW_GATEWAY_TOKEN"),
        (Answer(503), OpenClawUnreachableError, "just starting"),
        (Answer(302, headers={"Location": "/elsewhere"}), OpenClawRefusedError, "set OPENCLAW_GATEWAY_URL"),
        (
            Answer(400, b'{"error":{"message":"Unknown agent \'x\'."}}'),
            OpenClawRefusedError,
            "set OPENCLAW_AGENT_ID",
        ),
        (
            Answer(400, b'{"error":{"message":"`x` cannot use reserved internal session namespaces."}}'),
            OpenClawRefusedError,
            "in sessions.json",
        ),
        (Answer(400, b'{"error":{"message":"secret detail"}}'), OpenClawFailedError, "OpenClaw's log"),
        (Answer(500, b'{"error":{"message":"secret detail"}}'), OpenClawFailedError, "OpenClaw's log"),
        (Answer(drop=True), OpenClawBrokeOffError, "broke off"),
    ],
)
async def test_every_refusal_is_a_sentence_that_says_what_to_change(
    http: ClientSession, answer: Answer, kind: type[OpenClawError], told: str
) -> None:
    async with scripted(answer) as peer:
        with pytest.raises(kind, match=told) as failed:
            await openclaw(http, peer.url, "the-token").ask(KEY, "When?")
        assert "secret" not in str(failed.value)
        assert len(peer.received) == 1  # neither again nor elsewhere: the token is for the gateway alone


async def test_a_refusal_without_an_end_is_not_waited_for(
    http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.voice_server.adapters.openclaw.PREPARING_SECONDS", 0.1)

    async with speaking(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n") as address:
        with pytest.raises(OpenClawRefusedError, match="token is wrong"):
            await openclaw(http, f"http://{address}").ask(KEY, "When?")


async def test_what_is_no_http_is_an_error_like_any_other(http: ClientSession) -> None:
    async with speaking(b"SSH-2.0-OpenSSH_9.6\r\n") as address:
        with pytest.raises(OpenClawError):
            await openclaw(http, f"http://{address}").ask(KEY, "When?")


@pytest.mark.parametrize(
    ("url", "kind", "told"),
    [
        ("http://nowhere.invalid:1", OpenClawUnreachableError, "check that it runs"),
        ("http://127.0.0.1:99999", OpenClawRefusedError, "set OPENCLAW_GATEWAY_URL"),
        (f"http://{'a' * 80}.example", OpenClawRefusedError, "set OPENCLAW_GATEWAY_URL"),
        ("nonsense", OpenClawRefusedError, "set OPENCLAW_GATEWAY_URL"),
    ],
)
async def test_an_address_where_no_gateway_can_be_is_said_to_be_wrong(
    http: ClientSession, url: str, kind: type[OpenClawError], told: str
) -> None:
    with pytest.raises(kind, match=told):
        await openclaw(http, url).ask(KEY, "When?")


async def test_a_failure_without_another_cause_names_none(http: ClientSession) -> None:
    with capture_logs() as logs, pytest.raises(OpenClawRefusedError):
        await openclaw(http, "http://127.0.0.1:1").ask("agent:main:direct:zoë", "When?")
    (line,) = [line for line in logs if line["event"] == "openclaw_failed"]
    assert "cause" not in line


async def test_no_gateway_is_said_to_be_none(http: ClientSession) -> None:
    with pytest.raises(NothingListensError, match="or start it"):
        await openclaw(http, f"http://127.0.0.1:{free_port()}").ask(KEY, "When?")


async def test_a_gateway_with_an_unknown_certificate_is_said_to_have_one(
    http: ClientSession,
) -> None:
    async with speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        with pytest.raises(OpenClawRefusedError, match="certificate"):
            await openclaw(http, f"https://{address}").ask(KEY, "When?")


@pytest.mark.parametrize("key", ["agent:main:direct:zoë", "agent:main:direct:a\r\nX: y"])
async def test_a_conversation_that_a_header_cannot_name_is_never_mistaken_for_another(
    http: ClientSession, gateway: RawGateway, key: str
) -> None:
    with pytest.raises(OpenClawRefusedError, match="not ASCII"):
        await openclaw(http, gateway.url).ask(key, "When?")
    assert not gateway.connections


async def test_a_broken_configuration_is_said_to_be_broken(http: ClientSession) -> None:
    def broken() -> tuple[str, str | None]:
        raise OpenClawConfigError("openclaw.json: line 1")

    with pytest.raises(OpenClawRefusedError, match="configuration cannot be read"):
        await OpenClaw(http, broken, "main").ask(KEY, "When?")
