import json
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.contextvars import bind_contextvars, get_contextvars

from shared.logs import mask_numbers, name_the_call

PROGRAM = """
import logging, structlog
from shared import logs
logs.configure({level!r}, {form!r})
structlog.contextvars.bind_contextvars(call_id="CA1")
log = structlog.get_logger()
log.info("caller_turned_away", caller="+14155550123", tried=["+14155550124"], seen={{"+14155550125": 1}})
log.debug("said_too_much")
logging.getLogger("library").warning("number %s refused", "+14155550126")
logging.getLogger("aiohttp.access").info("GET /")
try:
    raise ValueError("cannot dial +14155550127")
except ValueError:
    log.exception("request_failed")
"""


def logged(level: str = "info", form: str | None = None) -> str:
    """Run a program that logs, and return what it wrote to stderr."""
    code = PROGRAM.format(level=level, form=form)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout == ""
    return run.stderr


def test_off_a_terminal_a_log_is_json_lines_with_the_call_in_each() -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in logged().splitlines()]
    assert [line["event"] for line in lines] == [
        "caller_turned_away",
        "number +1415…26 refused",
        "request_failed",
    ]
    assert [line["level"] for line in lines] == ["info", "warning", "error"]
    assert {line["call_id"] for line in lines} == {"CA1"}
    assert "ValueError: cannot dial +1415…27" in lines[2]["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_number_is_written_in_clear_wherever_it_stands(form: str) -> None:
    text = logged(form=form)
    assert "caller_turned_away" in text
    assert "+1415" in text
    assert "+14155550" not in text


def test_the_level_decides_what_is_written() -> None:
    assert "said_too_much" in logged("debug")
    assert logged("error").count("\n") == 1


def test_masking_changes_texts_and_nothing_else() -> None:
    event = {"event": "x", "number": 14155550123, "list": [1, ("+14155550123",)], "none": None}
    masked = {"event": "x", "number": 14155550123, "list": [1, ["+1415…23"]], "none": None}
    assert mask_numbers(None, "info", event) == masked


async def test_a_request_names_its_call_in_the_log_and_not_that_of_the_request_before() -> None:
    async def show(request: web.Request) -> web.Response:
        bound = dict(get_contextvars())
        bind_contextvars(call_id="CA2", more="of this request alone")
        return web.json_response(bound)

    app = web.Application(middlewares=[name_the_call])
    app.add_routes([web.get("/call/{id}", show), web.get("/calls", show)])
    async with TestClient(TestServer(app)) as client:  # it keeps one connection, and so one task over there
        bound = [await (await client.get(path)).json() for path in ("/call/CA1", "/calls", "/call/CA3")]
    assert bound == [{"call_id": "CA1"}, {}, {"call_id": "CA3"}]


async def test_what_a_caller_writes_as_an_id_is_masked_like_any_text() -> None:
    assert mask_numbers(None, "info", {"call_id": "+14155550123"}) == {"call_id": "+1415…23"}
