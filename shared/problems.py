"""Errors over HTTP: RFC 9457 `application/problem+json`, each saying what to change."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.typedefs import Handler, Middleware
from multidict import MultiMapping
from pydantic import BaseModel, TypeAdapter, ValidationError

log = structlog.get_logger()

T = TypeVar("T")

BODY_LIMIT_BYTES = 256 * 1024


class Problem(BaseModel):
    """The body of every error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


class InvalidRequestError(Exception):
    """The request is not of the documented form."""


class MediaTypeError(Exception):
    """The body is not declared as JSON: send `Content-Type: application/json`."""


class UnauthorizedError(Exception):
    """The bearer key is missing or wrong: send `Authorization: Bearer …` with the key from the settings."""


class TooManyRequestsError(Exception):
    """That is asked too often; REQUESTS_PER_MINUTE says how often may be asked, and wrong keys are few."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class NotFoundError(Exception):
    """There is nothing under that address."""


StatusTable = Mapping[type[Exception], tuple[int, str]]
"""Exception class -> HTTP status and title. The detail is the exception's text or its class docstring.

An exception may carry `retry_after_seconds`, and `members`: further members of the body.
"""

COMMON: StatusTable = {
    InvalidRequestError: (422, "Invalid request"),
    MediaTypeError: (415, "Unsupported media type"),
    UnauthorizedError: (401, "Unauthorized"),
    NotFoundError: (404, "Not found"),
    TooManyRequestsError: (429, "Too many requests"),
}


def response(
    status: int,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> web.Response:
    """Build a problem+json answer."""
    body = Problem(title=title, status=status, detail=detail).model_dump() | dict(members or {})
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/problem+json",
        headers=dict(headers or {}),
    )


def middleware(statuses: StatusTable) -> Middleware:
    """Turn exceptions into problem+json: ours by the table, aiohttp's by status, bugs into a bare 500."""
    table = {**COMMON, **statuses}

    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (BadHttpMessage, web.RequestPayloadError) as error:
            log.info("body_unreadable", path=request.path, fault=type(error).__name__)
            return response(400, "Bad request", "The body is not encoded as its headers say.")
        except web.HTTPException as error:
            return _from_aiohttp(error)
        except tuple(table) as error:
            status, title = next(table[kind] for kind in type(error).__mro__ if kind in table)
            return response(
                status,
                title,
                str(error) or type(error).__doc__ or title,
                headers=_retry_after(error),
                members=getattr(error, "members", None),
            )
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            return response(500, "Internal error", "This is our fault; the log has the details.")

    return problems


def _retry_after(error: Exception) -> dict[str, str]:
    seconds = getattr(error, "retry_after_seconds", None)
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _from_aiohttp(error: web.HTTPException) -> web.Response:
    details = {
        404: "There is nothing under that path.",
        405: f"Use {error.headers.get('Allow', 'another method')}.",
        413: f"A body may have at most {BODY_LIMIT_BYTES} bytes.",
    }
    kept = {name: value for name, value in error.headers.items() if name in {"Allow", "Location"}}
    return response(
        error.status, error.reason, details.get(error.status, error.text or error.reason), headers=kept
    )


async def read_json(request: web.Request, adapter: TypeAdapter[T]) -> T:
    """Read the request's body as the given type, strictly: `"1"` is no number.

    Raises:
        MediaTypeError: it is not declared as JSON.
        InvalidRequestError: it is not JSON or not of that type; the text names each fault and where it is.
    """
    if request.content_type != "application/json":
        raise MediaTypeError
    try:
        return adapter.validate_json(await request.read(), strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidRequestError(explain(error)) from error


def read_values(adapter: TypeAdapter[T], values: MultiMapping[str], names: Iterable[str]) -> T:
    """Read the named values of a query or of headers as the given type; raises `InvalidRequestError`."""
    # What is given twice is no single value, and refused as such.
    given = {name: several[0] if len(several := values.getall(name)) == 1 else several for name in names}
    try:
        return adapter.validate_python(given, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidRequestError(explain(error)) from error


_WORDS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is missing",
    "extra_forbidden": lambda _: "is not known here, leave it out",
    "json_invalid": lambda context: f"is not JSON: {context['error']}",
    "union_tag_not_found": lambda context: f"{_tag(context)} is missing",
    "union_tag_invalid": lambda context: f"{_tag(context)} must be one of {context['expected_tags']}",
}
"""What to say instead of pydantic's own words."""


def explain(error: ValidationError) -> str:
    """Say in one line what is wrong where, without repeating the input."""
    faults = error.errors(include_url=False, include_input=False)
    return "; ".join(
        f"{_place(fault['loc'])}: {_wrong(fault['type'], fault['msg'], fault.get('ctx', {}))}"
        for fault in faults
    )


def _place(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _wrong(kind: str, message: str, context: dict[str, Any]) -> str:
    if words := _WORDS.get(kind):
        return words(context)
    return re.sub(r"^\w+ should ", "must ", message.removeprefix("Value error, "))


def _tag(context: dict[str, Any]) -> str:
    # 'event_type' | 'eventType': the last is the one on the wire.
    return str(context["discriminator"]).split("'")[-2]


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON, from plain data or a pydantic model."""
    plain = data.model_dump(mode="json", by_alias=True) if isinstance(data, BaseModel) else data
    return web.Response(
        body=orjson.dumps(plain), status=status, content_type="application/json", headers=dict(headers or {})
    )
