"""What the doctor looks at, and what it has found on the way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from services.voice_server.adapters.openai_project import OpenAIProject
from services.voice_server.adapters.openclaw import OpenClaw
from services.voice_server.adapters.twilio_account import TwilioAccount
from services.voice_server.domain.agent import Agent
from services.voice_server.domain.diagnosis import Finding
from services.voice_server.domain.twilio_setup import Number, Wanted
from services.voice_server.settings import VoiceSettings
from shared import bearer

LOOKING_SECONDS = 10


@dataclass
class Case:
    """A set-up.

    Attributes:
        config: its settings.
        agent: for whom it speaks.
        http: the client to look with.
        account: the Twilio account, asked with the auth token.
        rest: the same, asked as the voice server asks it: maybe with an API key.
        project: the OpenAI project.
        openclaw: the agent's gateway.
        wanted: where calls are to go.
        number: our number, as soon as it has been looked at.
        bridge: what the bridge says about itself, as soon as it has been asked.
    """

    config: VoiceSettings
    agent: Agent
    http: aiohttp.ClientSession
    account: TwilioAccount
    rest: TwilioAccount
    project: OpenAIProject
    openclaw: OpenClaw
    wanted: Wanted
    number: Number | None = None
    bridge: dict[str, Any] = field(default_factory=dict)

    @property
    def own_url(self) -> str:
        """Where this machine reaches the voice server."""
        host = "127.0.0.1" if self.config.host in {"0.0.0.0", "::"} else self.config.host  # noqa: S104 - compared
        return f"http://{host}:{self.config.port}"

    async def ask_bridge(self, path: str, **query: str) -> tuple[int, Any]:
        """Ask the bridge, with its key; status and JSON. Raises `aiohttp.ClientError`, `TimeoutError`."""
        return await self.get(self.config.bridge_url + path, query, bearer.header(self.config.bridge_api_key))

    async def get(
        self, url: str, query: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask for JSON, None where it is something else; no redirect is followed. Raises as `ask_bridge`."""
        limit = aiohttp.ClientTimeout(total=LOOKING_SECONDS)
        async with self.http.get(
            url, params=query, headers=headers, timeout=limit, allow_redirects=False
        ) as answer:
            try:
                return answer.status, await answer.json(content_type=None)
            except ValueError:
                return answer.status, None


@dataclass(frozen=True, slots=True)
class Check:
    """One prerequisite: its name, how it is looked at, and what has to be well before."""

    name: str
    look: Callable[[Case], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
