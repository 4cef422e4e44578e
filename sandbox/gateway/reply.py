"""The agent's answer on its way to the asker: whole, or in pieces; and how it fails there."""

import re
import secrets
import time
from abc import ABC, abstractmethod
from math import inf
from typing import Any

import orjson
from aiohttp import web

from sandbox.gateway.refusals import failed
from sandbox.switches import AgentTrouble
from sandbox.world import World
from shared.problems import json_response

_NOTICED_SECONDS = 0.02
_PIECE_SECONDS = 0.02
_TELLING_SECONDS = 1.0
_MODEL_FAILED = failed("upstream provider timeout").body


class AskerGoneError(Exception):
    """Whoever asked has gone away, which stops the agent's work."""


class FailedOnTheWayError(Exception):
    """The answer does not get there whole, as it was wished."""


class Reply(ABC):
    """Work on an answer and give it.

    Attributes:
        response: what the asker gets.
    """

    def __init__(self, request: web.Request, world: World, model: str) -> None:
        self.response: web.StreamResponse = web.Response()
        self._request = request
        self._world = world
        self._common = {
            "id": f"chatcmpl_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "model": model,
        }

    @abstractmethod
    async def give(self, answer: str, seconds: float, trouble: AgentTrouble) -> None:
        """Give the answer after so many seconds of work, or what the trouble lets through of it.

        Raises:
            AskerGoneError: nobody wants it any more.
            FailedOnTheWayError: not all of it was given.
        """

    async def _work(self, seconds: float, trouble: AgentTrouble) -> None:
        clock = self._world.clock
        end = inf if trouble == "silent" else clock.now() + seconds
        while (left := end - clock.now()) > 0:
            # aiohttp tells nobody that a peer has gone; one has to look.
            if self._request.transport is None or self._request.transport.is_closing():
                raise AskerGoneError
            await clock.pause(min(left, _NOTICED_SECONDS * clock.speed))

    def _break_off(self) -> None:
        if self._request.transport:
            self._request.transport.close()
        raise FailedOnTheWayError


class Whole(Reply):
    """One JSON document."""

    async def give(self, answer: str, seconds: float, trouble: AgentTrouble) -> None:
        """Give it at once, when the work is done."""
        await self._work(seconds, trouble)
        if trouble == "breaks":
            self._break_off()
        if trouble == "error_event":
            self.response = failed().response()
            raise FailedOnTheWayError
        message = {"role": "assistant", "content": answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        whole = {"object": "chat.completion", "choices": [choice], "usage": usage}
        self.response = json_response(self._common | whole)


class Streamed(Reply):
    """Server-sent events: that the assistant speaks is told at once, what it says when the work is done."""

    async def give(self, answer: str, seconds: float, trouble: AgentTrouble) -> None:
        """Give it word by word, within a second or so, and then `[DONE]`."""
        stream = self.response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        )
        try:
            await stream.prepare(self._request)
            await self._send(stream, self._chunk({"role": "assistant"}))
            await self._work(seconds, trouble)
            await self._tell(stream, answer, trouble)
            await stream.write(b"data: [DONE]\n\n")
        except ConnectionError as error:
            raise AskerGoneError from error
        if trouble == "error_event":
            raise FailedOnTheWayError

    async def _tell(self, stream: web.StreamResponse, answer: str, trouble: AgentTrouble) -> None:
        pieces = re.findall(r"\s*\S+", answer)
        fails = trouble in {"breaks", "error_event"}
        for piece in pieces[: len(pieces) // 2] if fails else pieces:
            await self._send(stream, self._chunk({"content": piece}))
            await self._work(min(_PIECE_SECONDS, _TELLING_SECONDS / len(pieces)), trouble)
        if trouble == "breaks":
            self._break_off()
        await self._send(stream, _MODEL_FAILED if fails else self._chunk({}, "stop"))

    async def _send(self, stream: web.StreamResponse, event: dict[str, Any]) -> None:
        await stream.write(b"data: " + orjson.dumps(event) + b"\n\n")

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._common, "object": "chat.completion.chunk", "choices": [choice]}
