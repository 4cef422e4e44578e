"""`/phone/…`: what the page asks of the voice server, asked there by the bridge with its own key.

Each route is the voice server's of the same name. Of a request goes on what is stated here, of an answer
comes back its status, its JSON and two headers; no cookie and no key passes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field

from services.session_bridge.adapters.voice_server import Told
from services.session_bridge.keys import VOICE_SERVER
from services.session_bridge.routes.views import CallId
from shared.operation import operation

PREFIX = "/phone"


class PhoneAnswer(BaseModel):
    """What the voice server answers; its own `/openapi.json` describes it."""

    model_config = ConfigDict(extra="allow")


class PhoneQuery(BaseModel):
    """What the voice server's route of the same name takes: it refuses what it does not know."""

    model_config = ConfigDict(extra="allow")


class PhoneCallPath(BaseModel):
    """Which call, by either of its ids."""

    id: CallId


class PhoneCallHeaders(BaseModel):
    """The client's own name for a request, so that it can be repeated safely."""

    idempotency_key: str | None = Field(
        None, alias="Idempotency-Key", pattern=r"^[ -~]+$", min_length=1, max_length=255
    )


@dataclass(frozen=True)
class Forward:
    """A route of the voice server as it is offered here, with what it takes besides a query."""

    name: str
    method: str
    path: str
    promise: str
    answers: tuple[int, ...] = (200,)
    problems: tuple[int, ...] = ()
    takes: Mapping[str, Any] = field(default_factory=dict)


_ONE_CALL: Mapping[str, Any] = {"path": PhoneCallPath}
_ORDER: Mapping[str, Any] = {"headers": PhoneCallHeaders, "body": dict[str, Any]}

FORWARDS = (
    Forward("phone_calls", "GET", "/calls", "List the calls that are not over."),
    Forward("phone_place_call", "POST", "/call", "Have somebody called.", (202,), (403, 409, 500), _ORDER),
    Forward("phone_end_call", "DELETE", "/call/{id}", "End a call.", problems=(404,), takes=_ONE_CALL),
    Forward("phone_history", "GET", "/history", "List the calls there were, newest first."),
    Forward("phone_one_call", "GET", "/history/{id}", "Show one call.", problems=(404,), takes=_ONE_CALL),
    Forward(
        "phone_transcript",
        "GET",
        "/history/{id}/transcript",
        "Show what was said in a call.",
        problems=(404,),
        takes=_ONE_CALL,
    ),
    Forward("phone_days", "GET", "/days", "Tell how many calls there were each day, and what they cost."),
    Forward("phone_health", "GET", "/health", "Tell how the voice server is.", answers=(200, 503)),
)


def routes() -> Iterator[web.RouteDef]:
    """Make the routes of the table."""
    for forward in FORWARDS:
        yield web.route(forward.method, PREFIX + forward.path, _handler(forward))


def _handler(forward: Forward) -> Handler:
    async def handler(
        request: web.Request, *, headers: PhoneCallHeaders | None = None, **_: object
    ) -> web.StreamResponse:
        return await _forwarded(request, forward, headers)

    handler.__name__, handler.__doc__ = forward.name, forward.promise
    handler.__annotations__ = {"query": PhoneQuery, **forward.takes}
    answers = dict.fromkeys(forward.answers, PhoneAnswer)
    sends = ("Location",) if 202 in forward.answers else ()
    return operation(answers, problems=(*forward.problems, 502, 503, 504), sends=sends)(handler)


async def _forwarded(
    request: web.Request, forward: Forward, headers: PhoneCallHeaders | None
) -> web.Response:
    names = {name: quote(value, safe="") for name, value in request.match_info.items()}
    told = await request.app[VOICE_SERVER].forward(
        forward.method,
        forward.path.format(**names),
        request.query,
        await request.read() if "body" in forward.takes else None,
        headers.model_dump(by_alias=True, exclude_none=True) if headers else {},
    )
    return web.Response(
        status=told.status, body=told.body, content_type=told.media_type, headers=dict(_headers(told))
    )


def _headers(told: Told) -> Iterator[tuple[str, str]]:
    for name, value in told.headers.items():
        if name != "Location":
            yield name, value
        elif value.startswith("/"):
            yield name, PREFIX + value
