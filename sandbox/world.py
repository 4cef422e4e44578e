"""What every part of the sandbox stands in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession, TCPConnector

from sandbox.accounts import Accounts
from sandbox.armed import Armed
from sandbox.clock import Clock
from sandbox.settings import SandboxSettings
from sandbox.switches import Switches
from sandbox.watch import Watch
from shared.tasks import Tasks


@dataclass
class World:
    """Accounts, pace, switches, armed faults, background tasks and the way out to the service under test.

    `public_url` may change while the sandbox runs: the service often starts after it.
    """

    settings: SandboxSettings
    clock: Clock
    switches: Switches
    armed: Armed
    watch: Watch
    tasks: Tasks
    http: ClientSession
    public_url: str
    accounts: Accounts = field(default_factory=Accounts)

    def filled(self, text: str) -> str:
        """Put what is so here into a text of the accounts, for the words in braces."""
        theirs = self.settings
        words = {
            "public_url": self.public_url,
            "phone_number": theirs.twilio_phone_number,
            "project_id": theirs.openai_project_id,
            "auth_token": theirs.twilio_auth_token.get_secret_value(),
            "openai_api_key": theirs.openai_api_key.get_secret_value(),
            "webhook_secret": theirs.openai_webhook_secret.get_secret_value(),
        }
        for word, meaning in words.items():
            text = text.replace(f"{{{word}}}", meaning)
        return text

    def is_ours(self, url: str) -> bool:
        """Tell whether a URL of the accounts leads to the service: nobody else is ever sent anything."""
        return self.filled(url).startswith(f"{self.public_url}/")


@asynccontextmanager
async def world(settings: SandboxSettings) -> AsyncIterator[World]:
    """Make a world; when the block ends, nothing of it runs any more."""
    async with ClientSession(connector=TCPConnector(limit=0)) as http, Tasks() as tasks:
        switches = Switches(gateway_release=settings.gateway_release)
        yield World(
            settings, Clock(settings.speed), switches, Armed(), Watch(), tasks, http, settings.public_url
        )
