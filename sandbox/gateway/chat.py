"""Asking the agent over HTTP: `POST /v1/chat/completions`."""

import hmac
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from sandbox.gateway.agent import Agent, canonical
from sandbox.gateway.answers import answer_to
from sandbox.gateway.memory import Conversation, Memory
from sandbox.gateway.refusals import GatewayRefusalError, SwitchedOffError, failed, wrong
from sandbox.gateway.reply import AskerGoneError, FailedOnTheWayError, Streamed, Whole
from sandbox.reception import Received, Reception
from sandbox.switches import AgentTrouble
from sandbox.world import World

_NO_ANSWER = "No response from OpenClaw."
_NO_ANSWER_OF = {"2026.7.35": "⚠️ Agent couldn't generate a response. Please try again."}


@dataclass
class Asked:
    """One question, and in which conversation of the agent it was put.

    Attributes:
        at: when it came, as `time.monotonic` tells it.
        cancelled: whether the asker went away before it was answered, which stopped the agent's work.
        overlapped: whether another one of the same conversation was worked on at the same time.
    """

    session_key: str | None
    question: str
    streamed: bool
    answer: str
    at: float = field(default_factory=time.monotonic)
    cancelled: bool = False
    overlapped: bool = False


class ChatEndpoint:
    """Answer for the agent; every question is kept in `asked`, and remembered once it is answered."""

    def __init__(self, world: World, memory: Memory, agent: Agent) -> None:
        self.asked: list[Asked] = []
        self._world = world
        self._memory = memory
        self._agent = agent
        self._reception = Reception(world.watch)
        self._running: dict[str, tuple[Conversation, Asked]] = {}

    @property
    def received(self) -> list[Received]:
        """Every request, in order of arrival."""
        return self._reception.received

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the chat endpoint."""
        router.add_post("/v1/chat/completions", self._reception.recorded(self._chat))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        trouble = self._world.switches.agent_trouble
        self._admit(request, trouble)
        body = await _body(request)
        question = _question(body)
        known = answer_to(question)
        trouble = known.trouble if trouble == "none" else trouble
        asked = Asked(
            request.headers.get("x-openclaw-session-key"),
            question,
            bool(body.get("stream")),
            known.text or _NO_ANSWER_OF.get(self._world.switches.gateway_release, _NO_ANSWER),
        )
        self.asked.append(asked)
        if trouble == "error":
            raise failed()
        reply = (Streamed if asked.streamed else Whole)(request, self._world, body["model"])
        try:
            with self._at_work(asked) as conversation:
                await reply.give(asked.answer, known.takes(self._world.switches), trouble)
                self._agent.remember(conversation, question, known.text)
        except AskerGoneError:
            asked.cancelled = True
        except FailedOnTheWayError:
            pass
        return reply.response

    def _admit(self, request: web.Request, trouble: AgentTrouble) -> None:
        if trouble == "disabled":
            raise SwitchedOffError
        if trouble == "starting":
            raise GatewayRefusalError(503, "unavailable", "gateway starting; retry shortly")
        token = self._world.settings.openclaw_gateway_token.get_secret_value()
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise GatewayRefusalError(401, "unauthorized", "Unauthorized")

    @contextmanager
    def _at_work(self, asked: Asked) -> Iterator[Conversation]:
        key = canonical(asked.session_key or f"openai:{uuid4()}")
        conversation, run_id = self._memory.conversation(key, "operator"), f"chatcmpl_{uuid4()}"
        for elsewhere, other in self._running.values():
            if elsewhere is conversation:
                asked.overlapped = other.overlapped = True
        self._running[run_id] = conversation, asked
        self._agent.start_run(conversation, run_id)
        try:
            yield conversation
        finally:
            del self._running[run_id]
            self._agent.end_run(conversation, run_id)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except ValueError as error:
        raise wrong("The body is not JSON.") from error
    if not isinstance(body, dict) or not re.fullmatch(r"openclaw(/[a-z0-9_-]+)?", str(body.get("model"))):
        raise wrong("`model` must be openclaw or openclaw/<agent>.")
    return body


def _question(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or messages[-1].get("role") != "user":
        raise wrong("Missing user message in `messages`.")
    content = messages[-1].get("content")
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return str(content)
