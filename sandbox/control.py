"""The sandbox's own API: let somebody phone in, hang up, see what happened, and choose what goes wrong."""

from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.accounts import Accounts
from sandbox.armed import Armed
from sandbox.exchange import Exchange, NoSuchCallError, Via
from sandbox.faults import FAULTS, Fault
from sandbox.gateway.peer import Gateway
from sandbox.routing import NowhereError
from sandbox.scripts import SCRIPTS, with_fault
from sandbox.steps import Script
from sandbox.switches import Switches
from sandbox.world import World
from shared.problems import InvalidRequestError, StatusTable, explain, json_response, middleware, read_json

T = TypeVar("T", Switches, Accounts)

Number = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|anonymous)$")]


class IncomingCall(BaseModel):
    """Somebody phones in; without a script it is the fault's, or the talk."""

    model_config = ConfigDict(extra="forbid")

    caller: Number = Field("+14155550123", alias="from")
    script: str | None = None
    fault: str | None = None
    via: Via = "account"
    hang_up_after: float | None = Field(None, ge=0)

    def played(self) -> Script:
        """Find what is going to happen.

        Raises:
            InvalidRequestError: there is no such thing.
        """
        if self.script is not None and self.script not in SCRIPTS:
            raise InvalidRequestError(f"script: must be one of {', '.join(SCRIPTS)}")
        if self.fault is None:
            return SCRIPTS[self.script or "talk"]
        if _known(self.fault).peer == "twilio" and self.via != "number":
            raise InvalidRequestError(
                'fault: a call through the trunk never meets Twilio; use "via": "number"'
            )
        return with_fault(self.fault, self.script)


class ArmedFault(BaseModel):
    """A fault for the next calls, out or in."""

    model_config = ConfigDict(extra="forbid")

    fault: str
    calls: int = Field(1, ge=1, le=100_000)


class TypedRow(BaseModel):
    """Something typed into a conversation of the agent's, or its answer to that."""

    model_config = ConfigDict(extra="forbid")

    session_key: str = Field(min_length=1, alias="sessionKey")
    role: Literal["user", "assistant"] = "user"
    text: str = Field(min_length=1)


class KeptInFilesError(Exception):
    """This OpenClaw keeps its conversations in files: start with SANDBOX_GATEWAY_RELEASE=2026.9.6 instead."""


_INCOMING = TypeAdapter(IncomingCall)
_TYPED = TypeAdapter(TypedRow)
_ARMED = TypeAdapter(ArmedFault)
_CHANGES = TypeAdapter(dict[str, Any])
_SWITCHES = TypeAdapter(Switches)
_ACCOUNTS = TypeAdapter(Accounts)
_PROBLEMS: StatusTable = {
    NoSuchCallError: (404, "No such call"),
    NowhereError: (409, "The call gets nowhere"),
    KeptInFilesError: (409, "Conversations are kept in files"),
}


def control_api(exchange: Exchange, world: World, gateway: Gateway) -> web.Application:
    """Serve `/calls`, `/faults`, `/switches`, `/accounts`, `/conversations`, `/chats`: docs/sandbox.md."""
    app = web.Application(middlewares=[middleware(_PROBLEMS)])
    _add_calls(app.router, exchange)
    _add_faults(app.router, world.armed)
    _add_switches(app.router, world.switches, gateway)
    _add_accounts(app.router, world.accounts)
    _add_conversations(app.router, gateway)
    return app


def _add_calls(router: web.UrlDispatcher, exchange: Exchange) -> None:
    async def phone_in(request: web.Request) -> web.Response:
        wanted = await read_json(request, _INCOMING)
        call = exchange.phone_in(
            wanted.caller, wanted.played(), wanted.via, hang_up_after=wanted.hang_up_after
        )
        return json_response(call.as_json(), status=201)

    async def calls(_request: web.Request) -> web.Response:
        return json_response({"calls": [call.as_json() for call in exchange.calls()]})

    async def call(request: web.Request) -> web.Response:
        return json_response(exchange.find(request.match_info["id"]).as_json())

    async def hang_up(request: web.Request) -> web.Response:
        exchange.hang_up(request.match_info["id"])
        return json_response(exchange.find(request.match_info["id"]).as_json())

    router.add_post("/calls", phone_in)
    router.add_get("/calls", calls)
    router.add_get("/calls/{id}", call)
    router.add_post("/calls/{id}/hang-up", hang_up)


def _add_faults(router: web.UrlDispatcher, armed: Armed) -> None:
    async def faults(_request: web.Request) -> web.Response:
        listed = [{"name": name, **asdict(fault)} for name, fault in FAULTS.items()]
        return json_response({"faults": listed, "armed": armed.as_json()})

    async def arm(request: web.Request) -> web.Response:
        wanted = await read_json(request, _ARMED)
        _known(wanted.fault)
        armed.arm(wanted.fault, wanted.calls)
        return json_response({"armed": armed.as_json()}, status=201)

    async def disarm(_request: web.Request) -> web.Response:
        armed.disarm()
        return json_response({"armed": armed.as_json()})

    router.add_get("/faults", faults)
    router.add_post("/faults", arm)
    router.add_delete("/faults", disarm)


def _add_switches(router: web.UrlDispatcher, switches: Switches, gateway: Gateway) -> None:
    async def positions(_request: web.Request) -> web.Response:
        return json_response(asdict(switches))

    async def turn(request: web.Request) -> web.Response:
        before = switches.gateway_release
        await _change(request, switches, _SWITCHES)
        if switches.gateway_release != before:
            gateway.cut_lines()  # No process becomes another release while somebody is connected.
        return json_response(asdict(switches))

    router.add_get("/switches", positions)
    router.add_patch("/switches", turn)


def _add_accounts(router: web.UrlDispatcher, accounts: Accounts) -> None:
    async def show(_request: web.Request) -> web.Response:
        return json_response(asdict(accounts))

    async def change(request: web.Request) -> web.Response:
        await _change(request, accounts, _ACCOUNTS)
        return json_response(asdict(accounts))

    router.add_get("/accounts", show)
    router.add_patch("/accounts", change)


async def _change(request: web.Request, target: T, adapter: TypeAdapter[T]) -> None:
    """Change the fields of a dataclass that are named in the body; what is wrong with them is refused."""
    changes, now = await read_json(request, _CHANGES), asdict(target)
    if unknown := sorted(changes.keys() - now.keys()):
        raise InvalidRequestError(f"{unknown[0]}: there is no such thing; use {', '.join(now)}")
    try:
        changed = adapter.validate_python(now | changes)
    except ValidationError as error:
        raise InvalidRequestError(explain(error)) from error
    for name in changes:
        setattr(target, name, getattr(changed, name))


def _add_conversations(router: web.UrlDispatcher, gateway: Gateway) -> None:
    async def conversations(_request: web.Request) -> web.Response:
        return json_response({"conversations": gateway.as_json()})

    async def type_in(request: web.Request) -> web.Response:
        typed = await read_json(request, _TYPED)
        if not gateway.keeps_conversations:
            raise KeptInFilesError
        gateway.add(typed.session_key, typed.role, typed.text)
        return json_response({"conversations": gateway.as_json()}, status=201)

    async def chats(_request: web.Request) -> web.Response:
        return json_response({"chats": [sent.as_json() for sent in gateway.sent]})

    router.add_get("/conversations", conversations)
    router.add_post("/conversations", type_in)
    router.add_get("/chats", chats)


def _known(name: str) -> Fault:
    if name not in FAULTS:
        raise InvalidRequestError(f"fault: there is no {name!r}; GET /sandbox/faults lists them")
    return FAULTS[name]
