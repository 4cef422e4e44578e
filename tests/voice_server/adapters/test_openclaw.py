"""The agent asked over its gateway: the sandbox's, and gateways that fail in every way."""

import orjson
import pytest
from aiohttp import ClientSession

from sandbox.app import Sandbox
from services.voice_server.adapters.openclaw import LONGEST_ANSWER, OpenClaw, OpenClawError
from shared.openclaw_config import OpenClawConfigError
from tests.voice_server.serving import Answer, free_port, scripted

KEY = "agent:main:telegram:direct:42"


def openclaw(http: ClientSession, url: str, token: str | None = None, *, seconds: float = 5) -> OpenClaw:
    return OpenClaw(http, lambda: (url, token), "main", seconds)


def stream(*chunks: object, done: bool = True) -> Answer:
    frames = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks]
    return Answer(200, b"".join([*frames, b"data: [DONE]\n\n" if done else b""]), "text/event-stream")


def words(content: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content}}]}


async def test_the_answer_is_put_together_from_the_stream(http: ClientSession, sandbox: Sandbox) -> None:
    token = sandbox.world.settings.openclaw_gateway_token.get_secret_value()
    answer = await openclaw(http, sandbox.url, token).ask(KEY, "What is on my calendar?")
    assert answer == "You have two appointments today: the dentist at 10 and lunch with Sam at 1."
    (asked,) = sandbox.gateway.asked
    assert (asked.session_key, asked.question, asked.streamed) == (KEY, "What is on my calendar?", True)
    (request,) = sandbox.gateway.received
    assert request.headers["x-openclaw-agent-id"] == "main"


async def test_a_wrong_token_is_said_to_be_wrong(http: ClientSession, sandbox: Sandbox) -> None:
    with pytest.raises(OpenClawError, match="token is wrong"):
        await openclaw(http, sandbox.url, "wrong").ask(KEY, "Hello?")


async def test_without_a_token_none_is_sent(http: ClientSession) -> None:
    async with scripted(stream(words("Yes."))) as peer:
        assert await openclaw(http, peer.url).ask(KEY, "Hello?") == "Yes."
        assert "Authorization" not in peer.received[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        stream({"choices": [{"delta": {"role": "assistant"}}]}, words("Half past"), words(" twelve. ")),
        stream(words(None), words("Half past twelve."), {"choices": []}, {"usage": {"total_tokens": 3}}),
        stream(words("Half past"), {"choices": [{"delta": None}]}, words(" twelve.")),
        stream(words("Half past"), {"choices": None}, words(" twelve.")),
        Answer(
            200, b': ping\r\n\r\nevent: x\r\ndata:{"choices":[{"delta":{"content":"Half past twelve."}}]}\r\n'
        ),
        stream(words("Half past twelve."), done=False),
    ],
)
async def test_what_a_stream_may_also_hold_does_no_harm(http: ClientSession, answer: Answer) -> None:
    async with scripted(answer) as peer:
        assert await openclaw(http, peer.url).ask(KEY, "When?") == "Half past twelve."


async def test_of_an_endless_answer_the_model_gets_the_beginning_and_is_told_so(http: ClientSession) -> None:
    full, endless = "x" * LONGEST_ANSWER, "x" * 300_000
    async with scripted(stream(words(full)), stream(*[words(endless[:1000])] * 300)) as peer:
        assert await openclaw(http, peer.url).ask(KEY, "When?") == full
        assert await openclaw(http, peer.url).ask(KEY, "When?") == f"{full} … (the rest is left out)"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(401), "token is wrong"),
        (Answer(404), "switched off"),
        (Answer(400, b'{"error":{"message":"secret detail"}}'), "reported an error"),
        (Answer(500), "reported an error"),
        (Answer(drop=True), "cannot be reached"),
        (stream(), "gave no answer"),
        (stream(words(" \n ")), "gave no answer"),
        (stream(words("Half"), {"error": {"message": "secret detail"}}), "reported an error"),
        (Answer(200, b"data: {broken\n\n"), "cannot be reached"),
        (Answer(200, b"data: \xff\n\n"), "cannot be reached"),
        (stream([1]), "cannot be reached"),
        (stream(7), "cannot be reached"),
        (stream({"choices": [None]}), "cannot be reached"),
        (stream({"choices": [{"delta": {"content": ["Half"]}}]}), "cannot be reached"),
        (Answer(200, b"data: " + b"x" * 1_000_000 + b"\n\n"), "cannot be reached"),
        (Answer(200, b"data: {}\n\n", headers={"Content-Encoding": "gzip"}), "cannot be reached"),
    ],
)
async def test_every_failure_is_one_sentence_for_the_model(
    http: ClientSession, answer: Answer, told: str
) -> None:
    async with scripted(answer) as peer:
        with pytest.raises(OpenClawError, match=told) as failed:
            await openclaw(http, peer.url).ask(KEY, "When?")
        assert "secret" not in str(failed.value)
        assert len(peer.received) == 1  # the agent may have acted on it


async def test_an_agent_that_thinks_too_long_is_not_waited_for(http: ClientSession) -> None:
    async with scripted(Answer(silent=True)) as peer:
        with pytest.raises(OpenClawError, match="did not answer in time"):
            await openclaw(http, peer.url, seconds=0.1).ask(KEY, "When?")


async def test_no_gateway_is_said_to_be_none(http: ClientSession) -> None:
    with pytest.raises(OpenClawError, match="cannot be reached"):
        await openclaw(http, f"http://127.0.0.1:{free_port()}").ask(KEY, "When?")


async def test_a_broken_configuration_is_said_to_be_broken(http: ClientSession) -> None:
    def broken() -> tuple[str, str | None]:
        raise OpenClawConfigError("openclaw.json: line 1")

    with pytest.raises(OpenClawError, match="configuration is broken"):
        await OpenClaw(http, broken, "main", 5).ask(KEY, "When?")
