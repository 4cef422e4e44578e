"""OpenAI as a peer: the calls it knows, and the routes under `/v1` that control them."""

import asyncio
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.openai import client_events, session_config
from sandbox.openai.call import EndCause, RealtimeCall
from sandbox.openai.errors import OpenAIRefusalError, call_not_found
from sandbox.openai.ledger import Ledger
from sandbox.openai.performance import Performance
from sandbox.openai.project import Project
from sandbox.openai.sideband import Sideband
from sandbox.openai.troubles import NONE, TROUBLES
from sandbox.openai.webhooks import Webhooks
from sandbox.reception import Received, Reception
from sandbox.sip import Invite
from sandbox.world import World


class OpenAI:
    """Take INVITEs, ring for them at the service, and do what it decides.

    Attributes:
        calls: every call by its id.
        webhooks: what was announced, attempt by attempt.
    """

    def __init__(self, world: World) -> None:
        self.calls: dict[str, RealtimeCall] = {}
        self.webhooks = Webhooks(world)
        self._project = Project(world, self.webhooks)
        self._world = world
        self._reception = Reception(world.watch)

    @property
    def received(self) -> list[Received]:
        """Every request, in order of arrival."""
        return self._reception.received

    def ledger(self, call_id: str) -> Ledger:
        """Give the counted tokens of a call."""
        return self.calls[call_id].ledger

    def invite(self, invite: Invite) -> RealtimeCall:
        """Let a call ring: the service is told, and has `pending_seconds` to accept it."""
        call = RealtimeCall(self._world, invite)
        self.calls[call.call_id] = call
        if call.trouble.gives_up_first:
            call.end(EndCause.CALLER_HUNG_UP)
        self._world.tasks.start(self.webhooks.announce(call), name=f"webhook of {call.call_id}")
        self._world.tasks.start(self._ring(call), name=f"ringing of {call.call_id}")
        return call

    async def _ring(self, call: RealtimeCall) -> None:
        try:
            await asyncio.wait_for(call.decided.wait(), self._world.switches.pending_seconds)
        except TimeoutError:
            call.end(EndCause.NEVER_ACCEPTED, sip_status=480)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve call control, the sideband socket and what the project has."""
        handlers: dict[str, Handler] = {
            "accept": self._accept,
            "reject": self._reject,
            "hangup": self._hangup,
            "refer": self._refer,
        }
        for verb, handler in handlers.items():
            path = f"/v1/realtime/calls/{{call_id}}/{verb}"
            router.add_post(path, self._reception.recorded(self._troubled(verb, handler)))
        router.add_get("/v1/realtime", self._reception.recorded(self._sideband))
        self._project.add_routes(router, self._reception)

    def _troubled(self, verb: str, handler: Handler) -> Handler:
        """Let a call's trouble delay a request about it, or refuse it, before or after it is carried out."""

        async def control(request: web.Request) -> web.StreamResponse:
            call = self.calls.get(request.match_info["call_id"])
            trouble = call.trouble if call else NONE
            await self._world.clock.pause(trouble.delays.get(verb, 0))
            refusals = trouble.refuses.get(verb)
            if call is None or refusals is None or call.refused[verb] >= refusals.times:
                return await handler(request)
            call.refused[verb] += 1
            if refusals.taken:
                await handler(request)
            raise OpenAIRefusalError(refusals.status, None, "The server had an error; try again.")

        return control

    async def _accept(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        call = self._known(request.match_info["call_id"])
        if call.is_live and self._world.switches.second_accept == "conflict":
            raise OpenAIRefusalError(
                409, "decision_already_made", "A decision was already made for this call."
            )
        if call.is_live and self._world.switches.second_accept == "ok":
            return web.Response()
        if call.decided.is_set():
            raise call_not_found()
        call.accept(self._session(call, body))
        call.tasks.start(Performance(call).run(), name=f"script of {call.call_id}")
        return web.Response()

    def _session(self, call: RealtimeCall, body: Any) -> dict[str, Any]:
        try:
            session = session_config.check(body, self._world.switches)
            self._project.check_models(session)
        except OpenAIRefusalError:
            if self._world.switches.bad_session == "refused":
                raise
            call.trouble = TROUBLES["sideband-never"]
            return {}
        return session

    async def _reject(self, request: web.Request) -> web.Response:
        body = await self._body(request) or {}
        call = self._known(request.match_info["call_id"])
        if unknown := sorted(body.keys() - {"status_code"}):
            raise OpenAIRefusalError(
                400, "unknown_parameter", f"Unknown parameter: '{unknown[0]}'.", unknown[0]
            )
        status = body.get("status_code", 603)
        if not isinstance(status, int) or not 300 <= status <= 699:
            raise OpenAIRefusalError(
                400, "invalid_value", f"Invalid value for 'status_code': {status}.", "status_code"
            )
        if call.decided.is_set():
            raise call_not_found()
        call.end(EndCause.REJECTED, sip_status=status)
        return web.Response()

    async def _hangup(self, request: web.Request) -> web.Response:
        await self._body(request)
        self._live(request.match_info["call_id"]).end(EndCause.HUNG_UP_BY_API)
        return web.Response()

    async def _refer(self, request: web.Request) -> web.Response:
        body = await self._body(request) or {}
        if not isinstance(target := body.get("target_uri"), str):
            raise OpenAIRefusalError(
                400, "missing_required_parameter", "Missing required parameter: 'target_uri'.", "target_uri"
            )
        self._live(request.match_info["call_id"]).referred_to = target
        return web.Response()

    async def _sideband(self, request: web.Request) -> web.StreamResponse:
        self._project.authorize(request)
        if "OpenAI-Beta" in request.headers:
            raise call_not_found()
        call = self._live(request.query.get("call_id", ""))
        call.missed += 1
        if call.missed <= call.trouble.misses:
            raise call_not_found()
        sideband = Sideband(request, call.told)
        socket = await sideband.open()
        call.attach(sideband)
        try:
            await sideband.serve(lambda origin, text: client_events.receive(call, origin, text))
        finally:
            call.detach(sideband)
        return socket

    async def _body(self, request: web.Request) -> Any:
        self._project.authorize(request)
        try:
            return orjson.loads(await request.read() or b"null")
        except ValueError as error:
            raise OpenAIRefusalError(
                400, None, "We could not parse the JSON body of your request."
            ) from error

    def _known(self, call_id: str) -> RealtimeCall:
        call = self.calls.get(call_id)
        if call and self._project.is_ours:
            return call
        raise call_not_found()

    def _live(self, call_id: str) -> RealtimeCall:
        call = self._known(call_id)
        if not call.is_live:
            raise call_not_found()
        return call
