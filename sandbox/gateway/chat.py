"""Asking the agent over HTTP: `POST /v1/chat/completions`."""

import hmac
import re
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from sandbox.gateway.answers import answer_to
from sandbox.reception import Received, Reception, RefusalError
from sandbox.world import World
from shared.problems import json_response


class GatewayRefusalError(RefusalError):
    """The gateway refuses a request."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status = status
        self.kind = kind
        super().__init__(message)

    def response(self) -> web.Response:
        """Answer as OpenAI-compatible servers do."""
        return json_response({"error": {"message": str(self), "type": self.kind}}, status=self.status)


@dataclass
class Asked:
    """One question, and in which conversation of the agent it was put; `cancelled` if the asker went away."""

    session_key: str | None
    question: str
    streamed: bool
    answer: str
    cancelled: bool = False


class ChatEndpoint:
    """Answer for the agent; every question is kept in `asked`."""

    def __init__(self, world: World) -> None:
        self.asked: list[Asked] = []
        self._world = world
        self._reception = Reception(world.watch)

    @property
    def received(self) -> list[Received]:
        """Every request, in order of arrival."""
        return self._reception.received

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve the chat endpoint."""
        router.add_post("/v1/chat/completions", self._reception.recorded(self._chat))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        token = self._world.settings.openclaw_gateway_token.get_secret_value()
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise GatewayRefusalError(401, "unauthorized", "Unauthorized")
        body = await _body(request)
        question = _question(body)
        known = answer_to(question)
        asked = Asked(
            request.headers.get("x-openclaw-session-key"),
            question,
            bool(body.get("stream")),
            known.text,
        )
        self.asked.append(asked)
        await self._world.clock.pause(known.takes(self._world.switches))
        common = {
            "id": f"chatcmpl_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": body["model"],
        }
        if asked.streamed:
            return await self._stream(request, common, asked)
        message = {"role": "assistant", "content": asked.answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return json_response({**common, "object": "chat.completion", "choices": [choice], "usage": usage})

    async def _stream(self, request: web.Request, common: dict[str, Any], asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )
        try:
            await response.prepare(request)
            async for chunk in self._chunks(common, asked.answer):
                await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
            await response.write(b"data: [DONE]\n\n")
        except ConnectionError:
            asked.cancelled = True
        return response

    async def _chunks(self, common: dict[str, Any], answer: str) -> AsyncIterator[dict[str, Any]]:
        deltas = [{"role": "assistant"}, *({"content": part} for part in re.findall(r"\s*\S+", answer))]
        for delta in deltas:
            yield _chunk(common, delta, None)
            await self._world.clock.pause(0.02)
        yield _chunk(common, {}, "stop")


def _chunk(common: dict[str, Any], delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**common, "object": "chat.completion.chunk", "choices": [choice]}


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except ValueError as error:
        raise GatewayRefusalError(400, "invalid_request_error", "The body is not JSON.") from error
    if not isinstance(body, dict) or not re.fullmatch(r"openclaw(/[a-z0-9_-]+)?", str(body.get("model"))):
        raise GatewayRefusalError(
            400, "invalid_request_error", "`model` must be openclaw or openclaw/<agent>."
        )
    return body


def _question(body: dict[str, Any]) -> str:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or messages[-1].get("role") != "user":
        raise GatewayRefusalError(400, "invalid_request_error", "Missing user message in `messages`.")
    content = messages[-1].get("content")
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return str(content)
