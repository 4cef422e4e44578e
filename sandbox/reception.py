"""The front desk of each stand-in: it writes down what arrives and words refusals as the real peer does."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDictProxy, MultiDict

from sandbox.watch import Watch


class RefusalError(ABC, Exception):
    """The peer does not do what it was asked."""

    @abstractmethod
    def response(self) -> web.Response:
        """Word the refusal as this peer does."""


@dataclass
class Received:
    """One request as it arrived, and the status it was answered with (None: not yet)."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes
    status: int | None = None

    @property
    def json(self) -> Any:
        """Read the body as JSON; None when it is empty."""
        return orjson.loads(self.body) if self.body else None

    @property
    def form(self) -> MultiDict[str]:
        """Read the body as a form; repeated keys are kept."""
        return MultiDict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Reception:
    """Keep every request a peer received, in order of arrival."""

    def __init__(self, watch: Watch) -> None:
        self.received: list[Received] = []
        self._watch = watch

    def recorded(self, handler: Handler) -> Handler:
        """Wrap a route: what comes in is kept, a refusal becomes the peer's own error answer."""

        async def record(request: web.Request) -> web.StreamResponse:
            entry = Received(request.method, request.raw_path, request.headers, await request.read())
            self.received.append(entry)
            self._watch.changed()
            try:
                response = await handler(request)
            except RefusalError as refusal:
                response = refusal.response()
            entry.status = response.status
            self._watch.changed()
            return response

        return record
