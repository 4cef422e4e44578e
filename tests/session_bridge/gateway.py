"""OpenClaw's gateway as the sandbox plays it, and a connection to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from sandbox.app import Sandbox, running
from sandbox.settings import SandboxSettings
from services.session_bridge.adapters.openclaw.rpc import OpenClawRpc
from shared.tasks import Tasks


@asynccontextmanager
async def playing(release: str = "2026.9.6") -> AsyncIterator[Sandbox]:
    """Play the gateway of a release."""
    async with running(SandboxSettings(port=0, gateway_release=release)) as sandbox:
        yield sandbox


def token(sandbox: Sandbox) -> str:
    return sandbox.world.settings.openclaw_gateway_token.get_secret_value()


@asynccontextmanager
async def connected(sandbox: Sandbox, **changes: Any) -> AsyncIterator[OpenClawRpc]:
    """Keep a connection to it, of which it has been seen whether it is there."""
    address = (changes.get("url", sandbox.url), changes.get("token", token(sandbox)))
    async with aiohttp.ClientSession() as http, Tasks() as tasks:
        rpc = OpenClawRpc(http, lambda: address, changes.get("timeout_seconds", 5))
        tasks.start(rpc.run(), name="gateway")
        await rpc.tried()
        yield rpc


def said(sandbox: Sandbox, session_key: str) -> list[str]:
    """Tell what the agent remembers of a conversation."""
    return [f"{row.role}: {row.text}" for row in sandbox.gateway.rows(session_key)]
