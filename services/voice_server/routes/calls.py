"""`/call` and `/calls`: place a call, end it, see what is running."""

import json
import time
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.voice_server.keys import ORDERS, STORE, SWITCHBOARD
from services.voice_server.orders import Order
from services.voice_server.routes.views import CallSummary, summary
from shared import phone
from shared.events import CallStatus, EndReason
from shared.operation import operation
from shared.problems import NotFoundError, json_response

routes = web.RouteTableDef()

Number = Annotated[str, AfterValidator(phone.parse), phone.AS_NUMBER]


def _plain(metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(metadata, allow_nan=False)
        orjson.dumps(metadata)
    except (TypeError, ValueError) as error:
        raise ValueError("holds a number that is too large, or none at all; write it as text") from error
    return metadata


class CallRequest(BaseModel):
    """Whom to call, and why. `message` is said first; `caller_id` replaces our own number as the caller's."""

    model_config = ConfigDict(extra="forbid")

    to: Number
    message: str | None = Field(None, min_length=1, max_length=2000)
    caller_id: Number | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_plain)] = Field({}, max_length=50)


class CallHeaders(BaseModel):
    """The caller's own name for a request, so that it can be repeated safely."""

    idempotency_key: str | None = Field(
        None, alias="Idempotency-Key", pattern=r"^[ -~]+$", min_length=1, max_length=255
    )


class CallInitiated(BaseModel):
    """The call is being dialled; `Location` leads to it."""

    status: Literal["initiated"] = "initiated"
    call_id: str
    message: str


class CallEnded(BaseModel):
    """What the call has come to: `canceled` if nobody had picked up."""

    status: Literal["canceled", "completed"]
    call_id: str


class RunningCalls(BaseModel):
    """The calls that are not over, oldest first."""

    active_calls: int
    calls: list[CallSummary]


@routes.post("/call")
@operation({202: CallInitiated}, sends=("Location",), problems=(403, 409, 429, 500, 502, 503))
async def place_call(request: web.Request, body: CallRequest, headers: CallHeaders) -> web.Response:
    """Have somebody called.

    Under one `Idempotency-Key` a call is placed once within 24 hours, however often it is asked for.
    """
    order = Order(body.to, body.message, body.caller_id, body.metadata)
    call_id = await request.app[ORDERS].place(order, headers.idempotency_key)
    initiated = CallInitiated(call_id=call_id, message=f"Call initiated to {body.to}")
    return json_response(initiated, status=202, headers={"Location": f"/history/{call_id}"})


@routes.delete("/call/{id}")
@operation({200: CallEnded}, problems=(404, 503))
async def end_call(request: web.Request) -> web.Response:
    """End a call, whatever it is doing. Ending it again changes nothing."""
    call_id = request.match_info["id"]
    switchboard = request.app[SWITCHBOARD]
    if runner := switchboard.find(call_id):
        await switchboard.hang_up(runner, EndReason.HUNG_UP_BY_REQUEST)
    record = runner.record if runner else await request.app[STORE].call(call_id)
    if record is None:
        raise NotFoundError(f"There is no call {call_id!r}; GET /calls lists those running.")
    canceled = record.status is CallStatus.CANCELED
    return json_response(
        CallEnded(status="canceled" if canceled else "completed", call_id=record.call_id or call_id)
    )


@routes.get("/calls")
@operation({200: RunningCalls})
async def running_calls(request: web.Request) -> web.Response:
    """List the calls that are not over."""
    calls = [summary(record, time.time()) for record in request.app[SWITCHBOARD].active if record.call_id]
    return json_response(RunningCalls(active_calls=len(calls), calls=calls))
