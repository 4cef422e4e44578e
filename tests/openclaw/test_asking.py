"""The voice server asks a real gateway's agent: each question gets its own answer, whatever breaks."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from services.session_bridge.domain.release import Release
from services.voice_server.adapters.openclaw import OpenClaw as Agent
from services.voice_server.adapters.openclaw import gateway_client
from services.voice_server.adapters.openclaw_cli import OpenClawCommand
from services.voice_server.adapters.openclaw_errors import (
    OpenClawBrokeOffError,
    OpenClawFailedError,
    OpenClawSilentError,
)
from tests.openclaw.install import Installed
from tests.openclaw.model import Model, heard
from tests.openclaw.openclaw import TOKEN, OpenClaw
from tests.session_bridge.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPTLY_SECONDS = 15
HEEDS_WHO_GOES_AWAY: Release = (2026, 7, 35)
"""2026.2.2 goes on with a question of which nobody wants the answer any more."""
HAS_KEYS_BY_COMMAND: Release = (2026, 7, 35)

_callers = itertools.count(300)


@pytest_asyncio.fixture(loop_scope="session")
async def agent(openclaw: OpenClaw) -> AsyncIterator[Agent]:
    async with gateway_client() as http:
        yield Agent(http, lambda: (openclaw.url, TOKEN), "main")


@pytest.fixture
def key() -> str:
    return _key()


async def test_a_gateway_that_answers_is_not_warned_of(agent: Agent, model: Model) -> None:
    with capture_logs() as logged:
        await agent.prepare()
    assert logged == []
    assert model.requests == []


async def test_question_and_answer_become_part_of_the_conversation(
    agent: Agent, model: Model, key: str
) -> None:
    answer = await agent.ask(key, "What is new?")
    await agent.ask(key, "And now?")
    turns = ["user: What is new?", f"assistant: {answer}", "user: And now?"]
    assert heard(await model.asked("And now?"), turns) == turns


async def test_an_answer_comes_piece_by_piece(openclaw: OpenClaw, model: Model, key: str) -> None:
    request = {"model": "openclaw", "stream": True, "messages": [{"role": "user", "content": "Well?"}]}
    headers = {"Authorization": f"Bearer {TOKEN}", "x-openclaw-session-key": key}
    async with gateway_client() as http:
        with model.talking():
            answer = await http.post(f"{openclaw.url}/v1/chat/completions", json=request, headers=headers)
            async with asyncio.timeout(PROMPTLY_SECONDS):
                await answer.content.readuntil(b'"content":"Answer')
        assert b"[DONE]" in await answer.read()


async def test_two_questions_at_once_in_one_conversation_are_answered_one_after_the_other(
    agent: Agent, model: Model, key: str
) -> None:
    async with asyncio.TaskGroup() as tasks:
        with model.held():
            first = tasks.create_task(agent.ask(key, "First?"))
            await model.asked("First?")
            second = tasks.create_task(agent.ask(key, "Second?"))
    await agent.ask(key, "Third?")
    answers = f"assistant: {first.result()}", f"assistant: {second.result()}"
    turns = ["user: First?", answers[0], "user: Second?", answers[1], "user: Third?"]
    assert heard(await model.asked("Third?"), turns) == turns


async def test_questions_in_two_conversations_run_side_by_side(agent: Agent, model: Model) -> None:
    one, other = _key(), _key()
    async with asyncio.TaskGroup() as tasks:
        with model.held():
            ours = tasks.create_task(agent.ask(one, "Ours?"))
            theirs = tasks.create_task(agent.ask(other, "Theirs?"))
            await model.asked("Ours?")
            await model.asked("Theirs?")
    await agent.ask(one, "Next?")
    turns = ["user: Ours?", f"assistant: {ours.result()}", "user: Next?"]
    request = await model.asked("Next?")
    assert heard(request, [*turns, "user: Theirs?", f"assistant: {theirs.result()}"]) == turns


@pytest.mark.releases(are=lambda release: release >= HEEDS_WHO_GOES_AWAY)
async def test_a_dropped_question_ends_the_agents_work_and_the_next_gets_its_own_answer(
    agent: Agent, model: Model, key: str
) -> None:
    async with asyncio.TaskGroup() as tasks:
        with model.talking():
            question = tasks.create_task(agent.ask(key, "Dropped?"))
            await model.asked("Dropped?")
            await until(model.is_well_under_way, PROMPTLY_SECONDS)
            question.cancel()
            await until(lambda: model.was_dropped("Dropped?"), PROMPTLY_SECONDS)
    async with asyncio.timeout(PROMPTLY_SECONDS):
        answer = await agent.ask(key, "Wanted?")
    await agent.ask(key, "Next?")
    turns = ["user: Wanted?", f"assistant: {answer}", "user: Next?"]
    assert heard(await model.asked("Next?"), turns) == turns


async def test_a_failing_model_is_no_answer(agent: Agent, model: Model, key: str) -> None:
    with model.failing(), pytest.raises((OpenClawFailedError, OpenClawSilentError)):
        await agent.ask(key, "Will you?")
    assert (await agent.ask(key, "And now?")).startswith("Answer ")


async def test_a_gateway_killed_in_mid_answer_is_told_of_and_asked_again_when_it_is_back(
    openclaw: OpenClaw, agent: Agent, model: Model, key: str
) -> None:
    async def breaks_off() -> None:
        with pytest.raises(OpenClawBrokeOffError):
            await agent.ask(key, "Broken off?")

    async with asyncio.TaskGroup() as tasks:
        with model.talking():
            question = tasks.create_task(breaks_off())
            await model.asked("Broken off?")
            await openclaw.kill()
            await question
    await openclaw.start()
    model.requests.clear()
    answer = await agent.ask(key, "Back again?")
    await agent.ask(key, "Next?")
    turns = ["user: Back again?", f"assistant: {answer}", "user: Next?"]
    assert heard(await model.asked("Next?"), turns) == turns
    assert len(model.requests) == 2


@pytest.mark.releases(are=lambda release: release >= HAS_KEYS_BY_COMMAND)
async def test_where_no_gateway_runs_the_agent_is_asked_by_command(
    release: Installed, model: Model, model_url: str, tmp_path: Path, key: str
) -> None:
    openclaw = OpenClaw(release, tmp_path, model_url)
    command = OpenClawCommand("main", openclaw.environment)
    async with gateway_client() as http:
        agent = Agent(http, lambda: (openclaw.url, TOKEN), "main", command)
        assert (await agent.ask(key, "Anybody there?")).startswith("Answer ")
    await model.asked("Anybody there?")


def _key() -> str:
    return f"agent:main:voice:direct:+14155550{next(_callers)}"
