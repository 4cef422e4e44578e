"""The sandbox keeps what the real gateway promises."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from sandbox.app import Sandbox, running
from sandbox.gateway.releases import Release
from sandbox.settings import SandboxSettings
from tests.contract import gateway_promises, talk_promises
from tests.contract.gateway_client import Connection, connected
from tests.contract.gateway_promises import PROMISES
from tests.contract.voice_session import Open


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(SandboxSettings(port=0, gateway_release="2026.9.6")) as sandbox:
        yield sandbox


@pytest.fixture
def opened(sandbox: Sandbox) -> Open:
    own = sandbox.world.settings.openclaw_gateway_token.get_secret_value()

    def open_(*scopes: str, token: str | None = own, **how: Any) -> AbstractAsyncContextManager[Connection]:
        return connected(sandbox.url, token, *scopes, **how)

    return open_


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_the_gateway_of_the_sandbox(promise: Callable[[Open], Awaitable[None]], opened: Open) -> None:
    await promise(opened)


async def test_without_a_key_no_voice_session_opens(sandbox: Sandbox, opened: Open) -> None:
    sandbox.switches.gateway_provider = "none"
    await talk_promises.without_a_key_no_voice_session_opens(opened)


async def test_with_the_plugin_a_voice_session_is_nobodys(sandbox: Sandbox, opened: Open) -> None:
    sandbox.switches.gateway_provider = "voice-bridge"
    await talk_promises.with_the_plugin_a_voice_session_is_nobodys(opened)


async def test_a_voice_session_ends_by_itself(sandbox: Sandbox, opened: Open) -> None:
    sandbox.switches.gateway_talk_seconds = 0.2
    await talk_promises.a_voice_session_ends_by_itself(opened, seconds=0.2)


@pytest.mark.parametrize(
    ("release", "protocol", "patch_scope"),
    [("2026.2.2", 3, "operator.admin"), ("2026.7.35", 4, "operator.write")],
)
async def test_an_older_release_names_sessions_but_takes_no_transcripts(
    release: Release, protocol: int, patch_scope: str, sandbox: Sandbox, opened: Open
) -> None:
    sandbox.switches.gateway_release = release
    await gateway_promises.an_older_release_names_sessions_but_takes_no_transcripts(
        opened, protocol, patch_scope
    )
