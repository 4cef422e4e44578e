"""Errors over HTTP: RFC 9457 `application/problem+json`, each saying what to change."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.typedefs import Handler, Middleware
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


class UnauthorizedError(Exception):
    """The bearer key is missing or wrong: send `Authorization: Bearer …` with the key from the settings."""


class NotFoundError(Exception):
    """There is nothing under that address."""


StatusTable = Mapping[type[Exception], tuple[int, str]]
"""Exception class -> HTTP status and title. The detail is the exception's text or its class docstring.

An exception may carry `retry_after_seconds`, and `members`: further members of the body.
"""

COMMON: StatusTable = {
    InvalidRequestError: (422, "Invalid request"),
    UnauthorizedError: (401, "Unauthorized"),
    NotFoundError: (404, "Not found"),
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
    """Read the request's body as the given type.

    Raises:
        InvalidRequestError: it is not JSON or not of that type; the text names each fault and where it is.
    """
    try:
        return adapter.validate_json(await request.read())
    except ValidationError as error:
        raise InvalidRequestError(explain(error)) from error


def explain(error: ValidationError) -> str:
    """Say in one line what is wrong where, without repeating the input."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{_place(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults
    )


def _place(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location) or "body"


def json_response(data: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON, from plain data or a pydantic model."""
    plain = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
    return web.Response(
        body=orjson.dumps(plain), status=status, content_type="application/json", headers=dict(headers or {})
    )
