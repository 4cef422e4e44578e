"""The sandbox keeps what the real gateway promises."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from sandbox.app import running
from sandbox.settings import SandboxSettings
from tests.contract.gateway_client import Connection, connected
from tests.contract.gateway_promises import PROMISES, Open


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with running(SandboxSettings(port=0, gateway_release="2026.9.6")) as sandbox:
        own = sandbox.world.settings.openclaw_gateway_token.get_secret_value()

        def open_(
            *scopes: str, token: str | None = own, **how: Any
        ) -> AbstractAsyncContextManager[Connection]:
            return connected(sandbox.url, token, *scopes, **how)

        yield open_


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_the_gateway_of_the_sandbox(promise: Callable[[Open], Awaitable[None]], opened: Open) -> None:
    await promise(opened)
