"""Structured logs: one line per fact, no phone number in clear, no secret, no transcript text."""

import logging
import sys
from typing import Any, Literal

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestPayloadError
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.phone import mask

LogFormat = Literal["console", "json"]


def mask_numbers(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask the phone numbers in every text of a log line; a structlog processor."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {_masked(key): _masked(inner) for key, inner in value.items()}
    return [_masked(inner) for inner in value] if isinstance(value, list | tuple | set) else value


@web.middleware
async def name_the_call(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the call that a request names into its log lines, and nothing of the request before it."""
    structlog.contextvars.clear_contextvars()
    if call_id := request.match_info.get("id"):
        structlog.contextvars.bind_contextvars(call_id=call_id)
    return await handler(request)


def configure(level: str, log_format: LogFormat | None) -> None:
    """Send everything to stderr, the libraries' own records too.

    Without a format: readable on a terminal, JSON lines elsewhere.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    console = sys.stderr.isatty() if log_format is None else log_format == "console"
    renderer = structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_is_our_fault)
    for chatty in ("aiohttp.access", "twilio", "websockets"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _is_our_fault(record: logging.LogRecord) -> bool:
    # A body that is not what its headers say is answered as such; anybody can send one, so no traceback.
    return not (record.exc_info and isinstance(record.exc_info[1], RequestPayloadError))
