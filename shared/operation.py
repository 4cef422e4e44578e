"""What a route takes and answers, stated beside its handler: enforced here, documented by `shared.openapi`.

    @routes.get("/history")
    @operation({200: HistoryPage})
    async def history(request: web.Request, query: HistoryQuery) -> web.Response:
        \"\"\"List calls, newest first.\"\"\"

The handler's signature says what it takes: `path`, `query`, `headers` and `body` (JSON), pydantic types.
A request that does not fit, or has a query parameter nobody asked for, is refused before the handler runs.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_type_hints

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import MultiDict
from pydantic import BaseModel, ConfigDict, TypeAdapter

from shared.problems import read_json, read_values

Answer = type[BaseModel] | str | None
"""The model of a JSON answer, the media type of another one, or None for no body."""

BEARER = ("bearer",)
OPEN: tuple[str, ...] = ()

_PARTS = ("path", "query", "headers", "body")
_MARK = "operation"
_NONE: Mapping[str, Any] = MappingProxyType({})


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


_NO_QUERY = TypeAdapter(_Nothing)


@dataclass(frozen=True)
class Operation:
    """What a route takes and answers.

    Attributes:
        handler: the function as it was written.
        answers: what it answers when all goes well, by status.
        problems: the statuses with which it refuses what was well formed.
        security: who may ask: the schemes of which one is enough; none lets everybody in.
        takes: the type of each part of the request, by the handler's argument.
        signed: the types of the bodies it reads itself, by media type, as a signature covers their bytes.
        header_names: the headers that it takes.
        sends: the headers of what it answers.
    """

    handler: Callable[..., Awaitable[web.StreamResponse]]
    answers: Mapping[int, Answer]
    problems: tuple[int, ...]
    security: tuple[str, ...]
    takes: Mapping[str, TypeAdapter[Any]]
    signed: Mapping[str, TypeAdapter[Any]]
    header_names: tuple[str, ...]
    sends: tuple[str, ...]

    async def read(self, request: web.Request) -> dict[str, Any]:
        """Read the parts of a request that the handler takes.

        Raises:
            InvalidRequestError, MediaTypeError: it is not as documented.
        """
        parts: dict[str, Any] = {}
        if path := self.takes.get("path"):
            parts["path"] = read_values(path, MultiDict(request.match_info), request.match_info)
        if query := self.takes.get("query"):
            parts["query"] = read_values(query, request.query, set(request.query))
        elif request.query and not self.signed:  # a signature vouches for the address, too
            read_values(_NO_QUERY, request.query, set(request.query))
        if headers := self.takes.get("headers"):
            given = [name for name in self.header_names if name in request.headers]
            parts["headers"] = read_values(headers, request.headers, given)
        if body := self.takes.get("body"):
            parts["body"] = await read_json(request, body)
        return parts


def operation(
    answers: Mapping[int, Answer],
    *,
    problems: tuple[int, ...] = (),
    security: tuple[str, ...] = BEARER,
    signed: Mapping[str, Any] = _NONE,
    sends: tuple[str, ...] = (),
) -> Callable[[Callable[..., Awaitable[web.StreamResponse]]], Handler]:
    """State what a handler answers and who may ask; `Operation` tells what each argument means.

    A refusal that follows from what it takes, such as 401, 413 or 422, need not be named.
    """

    def decorate(handler: Callable[..., Awaitable[web.StreamResponse]]) -> Handler:
        hints = get_type_hints(handler, include_extras=True)
        takes = {part: TypeAdapter(hints[part]) for part in _PARTS if part in hints}
        bodies = {media_type: TypeAdapter(body) for media_type, body in signed.items()}
        names = takes["headers"].json_schema()["properties"] if "headers" in takes else ()
        stated = Operation(handler, answers, problems, security, takes, bodies, tuple(names), sends)

        @functools.wraps(handler)
        async def read_and_handle(request: web.Request) -> web.StreamResponse:
            return await handler(request, **await stated.read(request))

        vars(read_and_handle)[_MARK] = stated
        return read_and_handle

    return decorate


def statement(handler: object) -> Operation | None:
    """Find what was stated about a handler; None if nothing was, as for an address where nothing is."""
    found = getattr(handler, _MARK, None)
    return found if isinstance(found, Operation) else None
