from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from structlog.testing import capture_logs

from shared import problems
from shared.problems import InvalidRequestError, NotFoundError, json_response, read_json

JSON = {"Content-Type": "application/json"}
Client = TestClient[web.Request, web.Application]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: str = Field(pattern=r"^\+\d+$")
    tries: int = 1


ORDER: TypeAdapter[Order] = TypeAdapter(Order)


class BusyError(Exception):
    """All lines are busy."""

    retry_after_seconds = 30
    members = {"expectedSequence": 3}  # noqa: RUF012 - as above


class VeryBusyError(BusyError):
    """Even the queue is full."""


class Bug(Exception):  # noqa: N818 - it stands for whatever nobody thought of
    pass


FAULTS: dict[str, Exception] = {
    "busy": BusyError(),
    "very-busy": VeryBusyError("Come back tomorrow."),
    "missing": NotFoundError("No call has this id."),
    "bug": Bug("secret detail"),
    "moved": web.HTTPFound("/elsewhere"),
}


async def raises(request: web.Request) -> web.Response:
    raise FAULTS[request.match_info["fault"]]


async def ordered(request: web.Request) -> web.Response:
    return json_response(await read_json(request, ORDER), status=202, headers={"Location": "/1"})


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Give a client of a server in which things go wrong."""
    app = web.Application(middlewares=[problems.middleware({BusyError: (429, "Too many calls")})])
    app.router.add_get("/fault/{fault}", raises)
    app.router.add_post("/order", ordered)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def problem(client: Client, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any], Any]:
    """Ask for something that goes wrong."""
    answer = await client.request(method, path, allow_redirects=False, **more)
    assert answer.content_type == "application/problem+json"
    body = await answer.json(content_type=None)
    assert (body["type"], body["status"]) == ("about:blank", answer.status)
    return answer.status, body, answer.headers


async def test_an_exception_of_ours_becomes_what_the_table_says(client: Client) -> None:
    status, body, headers = await problem(client, "GET", "/fault/busy")
    assert (status, body["title"], body["detail"]) == (429, "Too many calls", "All lines are busy.")
    assert (headers["Retry-After"], body["expectedSequence"]) == ("30", 3)
    status, body, _ = await problem(client, "GET", "/fault/missing")
    assert (status, body["detail"]) == (404, "No call has this id.")


async def test_a_more_special_exception_is_answered_as_its_kind(client: Client) -> None:
    status, body, _ = await problem(client, "GET", "/fault/very-busy")
    assert (status, body["detail"]) == (429, "Come back tomorrow.")


async def test_a_bug_is_logged_and_its_details_kept_from_the_caller(client: Client) -> None:
    with capture_logs() as logs:
        status, body, _ = await problem(client, "GET", "/fault/bug")
    assert status == 500
    assert "secret" not in str(body)
    assert [(line["event"], line["path"]) for line in logs] == [("request_failed", "/fault/bug")]


async def test_aiohttps_own_refusals_look_like_ours(client: Client) -> None:
    assert (await problem(client, "GET", "/nowhere"))[0] == 404
    status, body, headers = await problem(client, "GET", "/order")
    assert (status, headers["Allow"], body["detail"]) == (405, "POST", "Use POST.")
    status, _, headers = await problem(client, "GET", "/fault/moved")
    assert (status, headers["Location"]) == (302, "/elsewhere")


async def test_a_body_that_is_too_long_is_refused() -> None:
    app = web.Application(middlewares=[problems.middleware({})], client_max_size=problems.BODY_LIMIT_BYTES)
    app.router.add_post("/order", ordered)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        long = b" " * (problems.BODY_LIMIT_BYTES + 1)
        status, body, _ = await problem(client, "POST", "/order", data=long, headers=JSON)
    assert status == 413
    assert str(problems.BODY_LIMIT_BYTES) in body["detail"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_compressed_as_it_says_is_a_bad_request(
    client: Client, encoding: str
) -> None:
    headers = JSON | {"Content-Encoding": encoding}
    status, body, _ = await problem(client, "POST", "/order", data=b"garbage", headers=headers)
    assert (status, body["title"]) == (400, "Bad request")


async def test_a_good_body_is_read_and_answered(client: Client) -> None:
    answer = await client.post("/order", data=b'{"to": "+1"}', headers=JSON)
    assert (answer.status, answer.headers["Location"]) == (202, "/1")
    assert await answer.json() == {"to": "+1", "tries": 1}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"", ["body: "]),
        (b"{", ["body: "]),
        (b"\xff", ["body: "]),
        (b"[]", ["body: "]),
        (b"{}", ["to: is missing"]),
        (b'{"to": "sesame", "tries": "many", "more": 1}', ["to: ", "tries: ", "more: "]),
    ],
)
async def test_a_bad_body_is_refused_with_every_fault_and_none_of_its_content(
    client: Client, body: bytes, faults: list[str]
) -> None:
    status, answer, _ = await problem(client, "POST", "/order", data=body, headers=JSON)
    assert status == 422
    parts = answer["detail"].split("; ")
    assert [part[: len(fault)] for part, fault in zip(parts, faults, strict=True)] == faults
    assert "sesame" not in answer["detail"]


def test_an_error_without_words_speaks_through_its_docstring() -> None:
    assert InvalidRequestError.__doc__ == "The request is not of the documented form."
