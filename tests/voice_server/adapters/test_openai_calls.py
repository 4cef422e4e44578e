"""Call control against a peer that answers as it was told; the session judged by OpenAI's own types."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from openai.types.realtime import RealtimeSessionCreateRequest
from pydantic import BaseModel

from sandbox.openai import session_config
from services.voice_server.adapters.openai_calls import (
    BUDGET_SECONDS,
    CallGoneError,
    OpenAICalls,
    OpenAIError,
    OpenAIUncertainError,
    session,
)
from services.voice_server.domain.agent import Agent
from services.voice_server.domain.instructions import ASK_OPENCLAW, END_CALL
from tests.voice_server.serving import Answer, ScriptedPeer, free_port, scripted

BOTH = (ASK_OPENCLAW, END_CALL)
GONE = Answer(
    404,
    b'{"error":{"message":"No session found for the provided call_id","type":"invalid_request_error",'
    b'"param":null,"code":"call_id_not_found"}}',
)


@pytest.fixture
async def peer() -> AsyncIterator[ScriptedPeer]:
    async with scripted(Answer()) as scripted_peer:
        yield scripted_peer


@pytest.fixture
def calls(peer: ScriptedPeer, http: ClientSession) -> OpenAICalls:
    return OpenAICalls(http, f"{peer.url}/v1", "sk-1")


async def test_accept_is_one_json_post_with_the_key_and_nothing_of_the_beta(
    calls: OpenAICalls, peer: ScriptedPeer
) -> None:
    await calls.accept("rtc_1", {"type": "realtime"})
    (request,) = peer.received
    assert (request.method, request.path) == ("POST", "/v1/realtime/calls/rtc_1/accept")
    assert request.headers["Authorization"] == "Bearer sk-1"
    assert request.headers["Content-Type"] == "application/json"
    assert "OpenAI-Beta" not in request.headers
    assert orjson.loads(request.body) == {"type": "realtime"}
    assert calls.health.status == "ok"


async def test_an_id_cannot_reach_another_path(calls: OpenAICalls, peer: ScriptedPeer) -> None:
    await calls.hang_up("../files/a b?c#d")
    assert peer.received[0].path == "/v1/realtime/calls/..%2Ffiles%2Fa%20b%3Fc%23d/hangup"


@pytest.mark.parametrize(
    "answer", [Answer(200), Answer(204), Answer(200, b"not JSON", "text/plain"), Answer(202, b"\xff")]
)
async def test_every_2xx_is_a_yes_whatever_its_body(
    calls: OpenAICalls, peer: ScriptedPeer, answer: Answer
) -> None:
    peer.answers = [answer]
    await calls.accept("rtc_1", {})
    await calls.hang_up("rtc_1")
    await calls.reject("rtc_1", 486)
    assert [orjson.loads(request.body or b"null") for request in peer.received] == [
        {},
        None,
        {"status_code": 486},
    ]


async def test_a_call_that_is_gone_cannot_be_accepted_and_is_not_asked_for_again(
    calls: OpenAICalls, peer: ScriptedPeer
) -> None:
    peer.answers = [GONE]
    with pytest.raises(CallGoneError):
        await calls.accept("rtc_1", {})
    assert len(peer.received) == 1
    assert calls.health.status == "ok"  # OpenAI is well; the caller gave up


async def test_a_call_that_is_gone_counts_as_hung_up_and_as_turned_away(
    calls: OpenAICalls, peer: ScriptedPeer
) -> None:
    peer.answers = [GONE]
    await calls.hang_up("rtc_1")
    await calls.reject("rtc_1", 603)
    assert len(peer.received) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 409])
async def test_a_refusal_is_not_repeated_and_shows_in_health(
    calls: OpenAICalls, peer: ScriptedPeer, status: int
) -> None:
    peer.answers = [Answer(status, b'{"error":{"message":"No."}}')]
    with pytest.raises(OpenAIError, match=str(status)) as refused:
        await calls.accept("rtc_1", {})
    assert not isinstance(refused.value, CallGoneError)
    assert len(peer.received) == 1
    assert calls.health.status == "failed"


@pytest.mark.parametrize("second", [Answer(409, b'{"error":{"code":"decision_already_made"}}'), GONE])
async def test_a_decision_that_was_made_already_may_be_the_one_whose_answer_was_lost(
    calls: OpenAICalls, peer: ScriptedPeer, second: Answer
) -> None:
    peer.answers = [Answer(drop=True), second]
    with pytest.raises(OpenAIUncertainError):
        await calls.accept("rtc_1", {})


@pytest.mark.parametrize("first", [Answer(429), Answer(503, b"\xff", "text/html"), Answer(drop=True)])
async def test_a_passing_failure_is_repeated_once(
    calls: OpenAICalls, peer: ScriptedPeer, first: Answer
) -> None:
    peer.answers = [first, Answer()]
    await calls.accept("rtc_1", {})
    assert len(peer.received) == 2
    assert calls.health.status == "ok"


@pytest.mark.parametrize("answer", [Answer(429), Answer(500, b"\xff"), Answer(drop=True)])
async def test_a_lasting_failure_is_repeated_only_once(
    calls: OpenAICalls, peer: ScriptedPeer, answer: Answer
) -> None:
    peer.answers = [answer]
    with pytest.raises(OpenAIError):
        await calls.accept("rtc_1", {})
    assert len(peer.received) == 2
    assert calls.health.status == "failed"


async def test_a_call_unknown_at_the_second_try_may_have_been_accepted_at_the_first(
    calls: OpenAICalls, peer: ScriptedPeer
) -> None:
    peer.answers = [Answer(500), GONE]
    with pytest.raises(OpenAIError, match="did not say clearly") as refused:
        await calls.accept("rtc_1", {})
    assert not isinstance(refused.value, CallGoneError)
    peer.answers = [Answer(500), GONE]
    await calls.hang_up("rtc_1")


async def test_all_tries_share_one_budget_of_time(http: ClientSession, peer: ScriptedPeer) -> None:
    calls = OpenAICalls(http, f"{peer.url}/v1", "sk-1", budget_seconds=0.3)
    peer.answers = [Answer(500), Answer(silent=True)]
    assert BUDGET_SECONDS == 6, "unless it is said otherwise"
    begun = time.monotonic()
    async with asyncio.timeout(2):
        with pytest.raises(OpenAIError, match=r"did not answer within 0\.3 s"):
            await calls.accept("rtc_1", {})
    assert time.monotonic() - begun >= 0.3
    assert len(peer.received) == 2
    assert calls.health.status == "failed"


async def test_nobody_listening_is_a_failure_of_openais(http: ClientSession) -> None:
    calls = OpenAICalls(http, f"http://127.0.0.1:{free_port()}/v1", "sk-1")
    with pytest.raises(OpenAIError, match="cannot be reached"):
        await calls.accept("rtc_1", {})


def agent(**changes: Any) -> Agent:
    return Agent.model_validate({"name": "Ada", "instructions": "Be brief.", **changes})


def extras(model: BaseModel, path: str = "") -> Iterator[str]:
    """Name the fields that OpenAI's own model does not know."""
    yield from (f"{path}{name}" for name in model.model_extra or {})
    for name in type(model).model_fields:
        value = getattr(model, name)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, BaseModel):
                yield from extras(part, f"{path}{name}.")


AGENTS = {
    "plain": {},
    "with a language": {"language": "de"},
    "with a voice of its own": {"voice": "voice_abc"},
    "with overrides": {
        "realtime": {
            "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
            "reasoning": {"effort": "low"},
            "max_output_tokens": 500,
        }
    },
}


@pytest.mark.parametrize("tools", [BOTH, (END_CALL,), ()])
@pytest.mark.parametrize("changes", AGENTS.values(), ids=AGENTS)
def test_the_session_holds_only_what_openai_knows(changes: dict[str, Any], tools: tuple[str, ...]) -> None:
    body = session(agent(**changes), "You are Ada.", tools)
    judged = RealtimeSessionCreateRequest.model_validate(body)
    assert list(extras(judged)) == []
    session_config.check(body)
    assert [tool["name"] for tool in body["tools"]] == list(tools)


def test_what_has_killed_calls_is_left_out() -> None:
    audio = session(agent(), "You are Ada.", BOTH)["audio"]
    assert "format" not in audio["input"]
    assert "format" not in audio["output"]
    assert audio["input"]["turn_detection"] == {"type": "semantic_vad"}


def test_overrides_are_laid_over_section_by_section() -> None:
    overrides = {
        "audio": {"input": {"noise_reduction": {"type": "near_field"}, "turn_detection": None}},
        "tool_choice": "none",
    }
    body = session(agent(language="de", realtime=overrides), "You are Ada.", BOTH)
    assert body["audio"]["input"] == {
        "transcription": {"model": "gpt-realtime-whisper", "language": "de"},
        "turn_detection": None,
        "noise_reduction": {"type": "near_field"},
    }
    assert body["audio"]["output"] == {"voice": "marin"}
    assert body["tool_choice"] == "none"
    assert body["instructions"] == "You are Ada."
