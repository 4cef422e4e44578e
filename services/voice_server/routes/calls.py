"""`/call` and `/calls`: place a call, end it, see what is running."""

import time
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from services.voice_server.keys import STORE, SWITCHBOARD
from services.voice_server.routes.views import summary
from shared import phone
from shared.events import CallStatus, EndReason
from shared.problems import NotFoundError, json_response, read_json

routes = web.RouteTableDef()

Number = Annotated[str, AfterValidator(phone.parse)]


def _plain(metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        orjson.dumps(metadata)
    except TypeError as error:
        raise ValueError("holds a number that is too large; write it as text") from error
    return metadata


class CallRequest(BaseModel):
    """Whom to call, and why. `message` is said first; `caller_id` replaces our own number as the caller's."""

    model_config = ConfigDict(extra="forbid")

    to: Number
    message: str | None = Field(None, min_length=1, max_length=2000)
    caller_id: Number | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_plain)] = Field({}, max_length=50)


_call_request = TypeAdapter(CallRequest)


@routes.post("/call")
async def place_call(request: web.Request) -> web.Response:
    """Have somebody called."""
    wanted = await read_json(request, _call_request)
    call_id = await request.app[SWITCHBOARD].place(
        wanted.to, wanted.message, wanted.caller_id, wanted.metadata
    )
    body = {"status": "initiated", "call_id": call_id, "message": f"Call initiated to {wanted.to}"}
    return json_response(body, status=202, headers={"Location": f"/history/{call_id}"})


@routes.delete("/call/{id}")
async def end_call(request: web.Request) -> web.Response:
    """End a call, whatever it is doing. Ending it again changes nothing."""
    call_id = request.match_info["id"]
    switchboard = request.app[SWITCHBOARD]
    if runner := switchboard.find(call_id):
        await switchboard.hang_up(runner, EndReason.HUNG_UP_BY_REQUEST)
    record = runner.record if runner else await request.app[STORE].call(call_id)
    if record is None:
        raise NotFoundError(f"There is no call {call_id!r}; GET /calls lists those running.")
    told = "canceled" if record.status is CallStatus.CANCELED else "completed"
    return json_response({"status": told, "call_id": record.call_id})


@routes.get("/calls")
async def running_calls(request: web.Request) -> web.Response:
    """List the calls that are not over."""
    calls = [summary(record, time.time()) for record in request.app[SWITCHBOARD].active if record.call_id]
    return json_response({"active_calls": len(calls), "calls": calls})
