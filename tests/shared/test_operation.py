from collections.abc import AsyncIterator
from typing import Literal

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, ConfigDict, Field

from shared import problems
from shared.operation import OPEN, operation, statement
from shared.problems import json_response

JSON = {"Content-Type": "application/json"}
Client = TestClient[web.Request, web.Application]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    amount: int = Field(alias="howMany")


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(20, ge=1)
    kind: Literal["a", "b"] | None = None


class Place(BaseModel):
    after: str = Field("", alias="Last-Event-ID", pattern="^[0-9]*$")


@operation({200: Order})
async def order(request: web.Request, body: Order) -> web.Response:
    """Take an order."""
    return json_response({"howMany": body.amount})


@operation({200: Page}, security=OPEN)
async def listed(request: web.Request, query: Page, headers: Place) -> web.Response:
    """List something."""
    return json_response({"limit": query.limit, "after": headers.after})


class Shelf(BaseModel):
    number: int = Field(alias="shelfNumber", ge=1)


@operation({200: Shelf})
async def shelf(request: web.Request, path: Shelf) -> web.Response:
    """Show a shelf."""
    return json_response({"shelfNumber": path.number})


@operation({200: None}, security=("twilio",), signed={"text/plain": str})
async def signed(request: web.Request) -> web.Response:
    """Take something signed."""
    return web.Response()


@operation({200: None})
async def bare(request: web.Request) -> web.Response:
    """Take nothing."""
    return web.Response()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Give a client of a server with these operations."""
    app = web.Application(middlewares=[problems.middleware({})])
    app.add_routes([web.post("/order", order), web.get("/list", listed)])
    app.add_routes([web.post("/signed", signed), web.get("/bare", bare)])
    app.add_routes([web.get("/shelves/{shelfNumber}", shelf)])
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def test_a_handler_is_given_what_its_signature_asks_for(client: Client) -> None:
    answer = await client.post("/order", json={"howMany": 3})
    assert (answer.status, await answer.json()) == (200, {"howMany": 3})
    answer = await client.get("/list?limit=5", headers={"last-event-id": "7"})
    assert await answer.json() == {"limit": 5, "after": "7"}
    answer = await client.get("/list")
    assert await answer.json() == {"limit": 20, "after": ""}


@pytest.mark.parametrize("body", [{"howMany": "3"}, {"howMany": 3.5}, {"amount": 3}, {}, [], None, 3])
async def test_a_body_is_read_strictly_and_by_its_names_on_the_wire(client: Client, body: object) -> None:
    async with client.post("/order", data=orjson.dumps(body), headers=JSON) as answer:
        assert answer.status == 422


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json"])
async def test_a_body_that_is_not_declared_as_json_is_refused(client: Client, content_type: str) -> None:
    async with client.post(
        "/order", data=b'{"howMany": 3}', headers={"Content-Type": content_type}
    ) as answer:
        assert answer.status == 415
        assert "application/json" in (await answer.json(content_type=None))["detail"]


async def test_a_body_without_a_declaration_is_refused(client: Client) -> None:
    # A page of another site can send such a request without asking.
    async with client.post("/order", data=b'{"howMany": 3}', skip_auto_headers=["Content-Type"]) as answer:
        assert answer.status == 415


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("limit=0", "limit: must be greater than or equal to 1"),
        ("limit=1&limit=2", "limit: must be a valid integer"),
        ("kind=c", "kind: must be 'a' or 'b'"),
        ("page=2", "page: is not known here, leave it out"),
    ],
)
async def test_a_query_that_does_not_fit_is_refused_by_name_of_the_fault(
    client: Client, query: str, fault: str
) -> None:
    async with client.get(f"/list?{query}") as answer:
        assert (answer.status, (await answer.json(content_type=None))["detail"]) == (422, fault)


async def test_a_part_of_the_path_is_read_as_stated(client: Client) -> None:
    async with client.get("/shelves/7") as answer:
        assert await answer.json() == {"shelfNumber": 7}
    async with client.get("/shelves/0") as answer:
        fault = "shelfNumber: must be greater than or equal to 1"
        assert (answer.status, (await answer.json(content_type=None))["detail"]) == (422, fault)


async def test_a_header_that_does_not_fit_is_refused(client: Client) -> None:
    async with client.get("/list", headers={"Last-Event-ID": "x"}) as answer:
        assert answer.status == 422
        assert (await answer.json(content_type=None))["detail"].startswith("Last-Event-ID: ")


async def test_a_parameter_nobody_asked_for_is_refused_unless_a_signature_vouches_for_it(
    client: Client,
) -> None:
    assert (await client.get("/bare?x=1")).status == 422
    assert (await client.post("/signed?x=1")).status == 200


def test_what_is_stated_is_found_at_the_handler_and_nowhere_else() -> None:
    found = statement(order)
    assert found
    assert (list(found.takes), found.security) == (["body"], ("bearer",))
    assert statement(len) is None
