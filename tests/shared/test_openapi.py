from typing import Any, Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, Field

from shared import openapi
from shared.operation import OPEN, operation


class Thing(BaseModel):
    """A thing."""

    name: str = Field(serialization_alias="from")


class Query(BaseModel):
    limit: int = Field(20, ge=1, description="At most so many.")
    kind: Literal["a", "b"] | None = None
    number: str


class Headers(BaseModel):
    key: str | None = Field(None, alias="Idempotency-Key")


@operation({202: Thing}, problems=(404,), sends=("Location",))
async def make(request: web.Request, query: Query, headers: Headers, body: list[int]) -> web.Response:
    """Make a thing.

    It takes a while.
    """
    return web.Response()


@operation({200: "text/plain", 204: None}, security=OPEN)
async def show(request: web.Request) -> web.Response:
    """Show a thing."""
    return web.Response()


@operation({200: None}, security=("openai", "twilio"), signed={"text/plain": str})
async def take(request: web.Request) -> web.Response:
    """Take a thing."""
    return web.Response()


class Place(BaseModel):
    place: str = Field(pattern="^[a-z]+$")


@operation({200: None}, security=OPEN)
async def find(request: web.Request, path: Place) -> web.Response:
    """Find a thing."""
    return web.Response()


async def unstated(request: web.Request) -> web.Response:
    """Do something nobody knows of."""
    return web.Response()


def document(*routes: web.RouteDef) -> Any:
    """Draw the document of a service with these routes."""
    app = web.Application()
    app.add_routes(routes)
    return openapi.document(app, "Things")


def test_an_operation_is_described_by_its_docstring_and_its_models() -> None:
    drawn = document(web.put("/things/{id}", make))
    described = drawn["paths"]["/things/{id}"]["put"]
    assert (described["operationId"], described["summary"]) == ("make", "Make a thing")
    assert described["description"] == "It takes a while."
    array = {"items": {"type": "integer"}, "type": "array"}
    assert described["requestBody"] == {"required": True, "content": {"application/json": {"schema": array}}}
    accepted = described["responses"]["202"]
    assert accepted["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
    assert list(accepted["headers"]) == ["Location"]
    thing = drawn["components"]["schemas"]["Thing"]
    assert (list(thing["properties"]), thing["description"]) == (["from"], "A thing.")


def test_every_parameter_is_described_and_none_may_be_null() -> None:
    (found,) = document(web.put("/things/{id}", make))["paths"]["/things/{id}"].values()
    told = {parameter["name"]: parameter for parameter in found["parameters"]}
    assert {name: (one["in"], one["required"]) for name, one in told.items()} == {
        "id": ("path", True),
        "limit": ("query", False),
        "kind": ("query", False),
        "number": ("query", True),
        "Idempotency-Key": ("header", False),
    }
    assert told["limit"]["schema"]["minimum"] == 1
    assert told["kind"]["schema"] == {"title": "Kind", "type": "string", "enum": ["a", "b"]}


def test_a_part_of_the_path_is_described_as_stated() -> None:
    (found,) = document(web.get("/places/{place}", find))["paths"]["/places/{place}"].values()
    [place] = found["parameters"]
    assert (place["name"], place["in"], place["required"]) == ("place", "path", True)
    assert place["schema"]["pattern"] == "^[a-z]+$"
    assert list(found["responses"]) == ["200", "422"]


def test_the_refusals_follow_from_who_may_ask_and_what_is_taken() -> None:
    paths = document(web.put("/make", make), web.get("/show", show), web.post("/take", take))["paths"]
    statuses = {path: list(op["responses"]) for path, ops in paths.items() for op in ops.values()}
    assert statuses == {
        "/make": ["202", "400", "401", "404", "413", "415", "422", "429"],
        "/show": ["200", "204"],
        "/take": ["200", "400", "401", "403", "413", "422"],
    }
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    assert paths["/make"]["put"]["responses"]["404"]["content"] == problem
    assert paths["/show"]["get"]["responses"]["200"]["content"] == {"text/plain": {}}
    assert paths["/show"]["get"]["summary"] == "Show a thing"


def test_who_may_ask_is_told_by_the_schemes_that_are_used() -> None:
    drawn = document(web.put("/make", make), web.get("/show", show), web.post("/take", take))
    security = {path: op["security"] for path, ops in drawn["paths"].items() for op in ops.values()}
    assert security == {"/make": [{"bearer": []}], "/show": [], "/take": [{"openai": []}, {"twilio": []}]}
    assert list(drawn["components"]["securitySchemes"]) == ["bearer", "openai", "twilio"]


def test_where_browsers_sign_in_their_cookie_is_as_good_as_the_key() -> None:
    app = web.Application()
    app.add_routes([web.put("/make", make), web.get("/show", show), web.post("/take", take)])
    drawn = openapi.document(app, "Things", browsers=True)
    security = {path: op["security"] for path, ops in drawn["paths"].items() for op in ops.values()}
    assert security["/make"] == [{"bearer": []}, {"cookie": []}]
    assert (security["/show"], security["/take"]) == ([], [{"openai": []}, {"twilio": []}])
    assert drawn["components"]["securitySchemes"]["cookie"]["name"] == "openclaw_phone"
    assert {"401", "403", "429"} <= set(drawn["paths"]["/make"]["put"]["responses"])


def test_a_route_that_states_nothing_stops_the_start() -> None:
    with pytest.raises(TypeError, match="GET /secret states nothing"):
        document(web.get("/secret", unstated))


def test_two_models_of_one_name_stop_the_start() -> None:
    def another() -> type[BaseModel]:
        class Thing(BaseModel):
            size: int

        return Thing

    async def handler(request: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(TypeError, match="Thing"):
        document(web.put("/make", make), web.get("/other", operation({200: another()})(handler)))


async def test_the_document_is_served_and_describes_itself() -> None:
    app = web.Application()
    openapi.publish(app, "Things")
    async with TestClient(TestServer(app, host="127.0.0.1")) as client, client.get("/openapi.json") as answer:
        served = await answer.json()
    assert (served["openapi"], served["info"]["title"]) == ("3.1.0", "Things")
    assert list(served["paths"]) == ["/openapi.json"]
