"""The sandbox's own API: let somebody phone in, hang up, and see what happened."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.exchange import Exchange, NoSuchCallError
from sandbox.scripts import SCRIPTS
from shared.problems import InvalidRequestError, json_response, middleware, read_json

Number = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|anonymous)$")]


class IncomingCall(BaseModel):
    """Somebody phones in."""

    model_config = ConfigDict(extra="forbid")

    caller: Number = Field("+14155550123", alias="from")
    script: str = "talk"
    via: Literal["trunk", "number"] = "trunk"
    hang_up_after: float | None = Field(None, ge=0)


_INCOMING = TypeAdapter(IncomingCall)


def control_api(exchange: Exchange) -> web.Application:
    """Serve `POST /calls`, `GET /calls`, `GET /calls/{id}` and `POST /calls/{id}/hang-up`."""

    async def phone_in(request: web.Request) -> web.Response:
        wanted = await read_json(request, _INCOMING)
        if wanted.script not in SCRIPTS:
            raise InvalidRequestError(f"script: must be one of {', '.join(SCRIPTS)}")
        call = exchange.phone_in(
            wanted.caller, SCRIPTS[wanted.script], wanted.via, hang_up_after=wanted.hang_up_after
        )
        return json_response(call.as_json(), status=201)

    async def calls(_request: web.Request) -> web.Response:
        return json_response({"calls": [call.as_json() for call in exchange.calls()]})

    async def call(request: web.Request) -> web.Response:
        return json_response(exchange.find(request.match_info["id"]).as_json())

    async def hang_up(request: web.Request) -> web.Response:
        exchange.hang_up(request.match_info["id"])
        return json_response(exchange.find(request.match_info["id"]).as_json())

    app = web.Application(middlewares=[middleware({NoSuchCallError: (404, "No such call")})])
    app.router.add_post("/calls", phone_in)
    app.router.add_get("/calls", calls)
    app.router.add_get("/calls/{id}", call)
    app.router.add_post("/calls/{id}/hang-up", hang_up)
    return app
