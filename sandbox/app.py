"""The sandbox as a whole: every stand-in on one port, as a process of its own or inside a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from sandbox.control import control_api
from sandbox.exchange import Exchange, PhoneCall, Via
from sandbox.gateway.peer import Gateway
from sandbox.openai.peer import OpenAI
from sandbox.scripts import SCRIPTS
from sandbox.settings import SandboxSettings
from sandbox.steps import Script
from sandbox.switches import Switches
from sandbox.twilio.rest import Twilio
from sandbox.world import World, world
from shared.problems import json_response


class Sandbox:
    """Twilio, OpenAI, OpenClaw's gateway and the people who telephone.

    Attributes:
        url: where it is served; Twilio's base URL, and with `/v1` OpenAI's.
        openai: call control, sidebands and the model.
        twilio: REST and the telephone network.
        gateway: OpenClaw's gateway.
        exchange: calls as a whole.
    """

    def __init__(self, surroundings: World) -> None:
        settings = surroundings.settings
        self.world = surroundings
        self.url = f"http://{settings.host}:{settings.port}"
        self.openai = OpenAI(surroundings)
        self.twilio = Twilio(surroundings, self.openai)
        self.gateway = Gateway(surroundings)
        self.exchange = Exchange(surroundings, self.twilio, self.openai)
        self.app = self._application()

    @property
    def switches(self) -> Switches:
        """What can be turned while it runs."""
        return self.world.switches

    @property
    def public_url(self) -> str:
        """Where the service under test is; may be set while the sandbox runs."""
        return self.world.public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self.world.public_url = url.rstrip("/")

    def service_environment(self) -> dict[str, str]:
        """Give the environment that points a service at this sandbox as it is served now."""
        port = int(self.url.rpartition(":")[2])
        return self.world.settings.as_service_environment(port) | {"PUBLIC_URL": self.public_url}

    def phone_in(
        self,
        caller: str = "+14155550123",
        script: str | Script = "talk",
        via: Via = "account",
        *,
        hang_up_after: float | None = None,
    ) -> PhoneCall:
        """Let a person call the service, with a script or the name of one; see `Exchange.phone_in`."""
        chosen = SCRIPTS[script] if isinstance(script, str) else script
        return self.exchange.phone_in(caller, chosen, via, hang_up_after=hang_up_after)

    def call(self, call_id: str) -> PhoneCall:
        """Show a call as it stands, by Twilio's SID or OpenAI's id."""
        return self.exchange.find(call_id)

    async def call_over(self, call_id: str, *, within: float = 10.0) -> PhoneCall:
        """Wait until a call is over and show it; see `Exchange.over`."""
        return await self.exchange.over(call_id, within=within)

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_get("/health", _health)
        for peer in (self.openai, self.twilio, self.gateway):
            peer.add_routes(app.router)
        app.add_subapp("/sandbox", control_api(self.exchange, self.world, self.gateway))
        app.on_shutdown.append(self._hang_up_all)
        return app

    async def _hang_up_all(self, _app: web.Application) -> None:
        for call in self.exchange.calls():
            if not call.is_over:
                self.exchange.hang_up(call.id)


async def _health(_request: web.Request) -> web.Response:
    return json_response({"status": "ok"})


@asynccontextmanager
async def opened(settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    """Build a sandbox that somebody else serves."""
    async with world(settings) as surroundings:
        yield Sandbox(surroundings)


@asynccontextmanager
async def running(settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    """Build a sandbox and serve it; port 0 picks a free one, `Sandbox.url` tells which."""
    async with opened(settings) as sandbox:
        runner = web.AppRunner(sandbox.app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, settings.host, settings.port)
            await site.start()
            sandbox.url = f"http://{settings.host}:{runner.addresses[0][1]}"
            yield sandbox
        finally:
            await runner.cleanup()
