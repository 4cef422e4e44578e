"""The agent's answer as it streams in: whole, or not at all."""

import json

import orjson
import pytest
from aiohttp import ClientSession

from services.voice_server.adapters.openclaw import OpenClaw
from services.voice_server.adapters.openclaw_errors import (
    OpenClawBrokeOffError,
    OpenClawError,
    OpenClawFailedError,
    OpenClawSilentError,
)
from services.voice_server.adapters.openclaw_stream import LONGEST_ANSWER, LONGEST_STREAM_BYTES
from tests.voice_server.serving import Answer, scripted

KEY = "agent:main:telegram:direct:42"
DONE = b"data: [DONE]\n\n"


async def told(http: ClientSession, answer: Answer) -> str:
    """Ask a gateway that gives this answer."""
    async with scripted(answer) as peer:
        try:
            return await OpenClaw(http, lambda: (peer.url, None), "main").ask(KEY, "When?")
        finally:
            assert len(peer.received) == 1  # the agent may have acted on it


def events(body: bytes) -> Answer:
    return Answer(200, body, "text/event-stream")


def stream(*chunks: object, end: bytes = DONE) -> Answer:
    return events(b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks) + end)


def words(content: object, finish_reason: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish_reason}]}


@pytest.mark.parametrize(
    "answer",
    [
        stream({"choices": [{"delta": {"role": "assistant"}}]}, words("Half past"), words(" twelve. ")),
        stream(words(None), words("Half past twelve."), {"choices": []}, {"usage": {"total_tokens": 3}}),
        stream(words("Half past"), {"choices": [{"delta": None}]}, words(" twelve.")),
        stream(words("Half past"), {"choices": None}, words(" twelve."), words("", "stop")),
        stream(words("Half past twelve."), end=b"data: [DONE]"),
        stream(words("Half past twelve."), end=b"data:[DONE]\r\n\r\ndata: {after the end\n\n"),
        events(
            b": ping\r\n\r\nevent: x\r\ndata:\r\n"
            b'data:{"choices":[{"delta":{"content":"Half past twelve."}}]}\r\n' + DONE
        ),
    ],
)
async def test_what_a_stream_may_also_hold_does_no_harm(http: ClientSession, answer: Answer) -> None:
    assert await told(http, answer) == "Half past twelve."


async def test_of_a_very_long_answer_the_beginning_is_kept_and_it_says_so(http: ClientSession) -> None:
    full = "x" * LONGEST_ANSWER
    assert await told(http, stream(words(full))) == full
    assert await told(http, stream(*[words("x" * 1000)] * 300)) == f"{full} … (the rest is left out)"
    assert await told(http, stream(words("x" * 1_000_000))) == f"{full} … (the rest is left out)"


async def test_a_character_that_was_cut_in_half_comes_whole_or_costs_only_itself(http: ClientSession) -> None:
    halves = [json.dumps(words(text)).encode() for text in ("Done \ud83d", "\ude00, see you\ud83d")]
    body = b"".join(b"data: " + half + b"\n\n" for half in halves)
    assert await told(http, events(body + DONE)) == "Done 😀, see you\ufffd"
    broken = stream(words("Half past twelve?")).body.replace(b"?", b"\xff")
    assert await told(http, events(broken)) == "Half past twelve\ufffd"


@pytest.mark.parametrize("cut", ["length", "content_filter"])
async def test_an_answer_that_the_model_had_to_cut_does_not_look_whole(http: ClientSession, cut: str) -> None:
    assert await told(http, stream(words("Half past"), words("", cut))) == "Half past …"


@pytest.mark.parametrize(
    "answer",
    [
        stream(words("Half past"), end=b""),
        stream(words("Half past"), words("", "stop"), end=b""),
        stream(words("Half past"), end=b"data: [DO"),
        stream(end=b""),
        stream(words("Half past"), end=b"data: {broken\n\n"),
        stream(words("Half past"), end=b"data: \xff\n\n" + DONE),
        stream(words("Half past"), end=b"data: " + b"[" * 100_000 + b"\n\n" + DONE),
        stream(words("Half past"), end=b"data: " + b"x" * 1_000_000 + b"\n\n" + DONE),
        stream(words("Half past"), [1]),
        stream(words("Half past"), 7),
        stream(words("Half past"), {"choices": [None]}),
        stream(words("Half past"), words(["twelve"])),
        stream(words("Half past"), *[{"padding": "x" * 100_000}] * (LONGEST_STREAM_BYTES // 100_000)),
        Answer(200, b"data: {}\n\n" + DONE, "text/event-stream", {"Content-Encoding": "gzip"}),
    ],
)
async def test_an_answer_of_which_something_is_missing_is_none(http: ClientSession, answer: Answer) -> None:
    with pytest.raises(OpenClawBrokeOffError, match="have it look, then ask again"):
        await told(http, answer)


@pytest.mark.parametrize(
    "answer",
    [
        stream(words("Half"), {"error": {"message": "secret detail"}}),
        stream({"error": "secret detail"}, words("Half")),
        # So says a release up to 2026.7.35 that its run has failed.
        stream(words("Half"), words("Error: secret detail", "stop")),
    ],
)
async def test_an_agent_that_has_failed_has_not_answered(http: ClientSession, answer: Answer) -> None:
    with pytest.raises(OpenClawFailedError) as failed:
        await told(http, answer)
    assert "secret" not in str(failed.value)


async def test_an_answer_may_begin_like_an_error(http: ClientSession) -> None:
    answer = stream(words("Error: that is what your log says."), words("", "stop"))
    assert await told(http, answer) == "Error: that is what your log says."


@pytest.mark.parametrize(
    "said",
    [
        [],
        [words(" \n ")],
        [words("No response"), words(" from OpenClaw.")],
        [words("⚠️ Agent couldn't generate a response. Please try again.")],
    ],
)
async def test_no_words_are_no_answer(http: ClientSession, said: list[object]) -> None:
    with pytest.raises(OpenClawSilentError, match="gave no answer"):
        await told(http, stream(*said))


@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/event-stream-ish"])
async def test_what_is_no_stream_comes_from_no_gateway(http: ClientSession, content_type: str) -> None:
    with pytest.raises(OpenClawError, match="not OpenClaw's gateway: set OPENCLAW_GATEWAY_URL"):
        await told(http, Answer(200, stream(words("Half past twelve.")).body, content_type))
