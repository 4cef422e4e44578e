"""A real gateway keeps the promises that the sandbox's is made to keep."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import pytest_asyncio

from services.session_bridge.domain.release import Release, parse
from tests.contract import talk_promises
from tests.contract.gateway_client import Connection, RefusedError, connected
from tests.contract.gateway_promises import (
    PROMISES,
    an_older_release_names_sessions_but_takes_no_transcripts,
)
from tests.contract.voice_session import Open
from tests.openclaw.openclaw import START_SECONDS, TOKEN, OpenClaw
from tests.session_bridge.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

OLDER: dict[Release | None, tuple[int, str]] = {
    (2026, 2, 2): (3, "operator.admin"),
    (2026, 7, 35): (4, "operator.write"),
}
PLAYED: Release = (2026, 9, 6)


@pytest_asyncio.fixture(loop_scope="session")
async def opened(openclaw: OpenClaw) -> Open:
    def open_(*scopes: str, token: str | None = TOKEN, **how: Any) -> AbstractAsyncContextManager[Connection]:
        return connected(openclaw.url, token, *scopes, **how)

    await until(lambda: _lets_in(open_), START_SECONDS)
    return open_


async def _lets_in(opened: Open) -> bool:
    """Tell whether the gateway has started altogether; its HTTP answers some seconds earlier."""
    try:
        async with opened("operator.read"):
            return True
    except RefusedError as error:
        if error.code != "UNAVAILABLE":
            raise
        return False


@pytest.mark.releases(are=lambda release: release >= PLAYED)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_the_gateway(promise: Callable[[Open], Awaitable[None]], opened: Open) -> None:
    await promise(opened)


@pytest.mark.releases(are=lambda release: release >= PLAYED)
async def test_a_voice_session_ends_by_itself(opened: Open) -> None:
    await talk_promises.a_voice_session_ends_by_itself(opened, seconds=60)


@pytest.mark.releases(are=lambda release: release in OLDER)
async def test_an_older_gateway(opened: Open, openclaw: OpenClaw) -> None:
    protocol, scope = OLDER[parse(openclaw.release.version)]
    await an_older_release_names_sessions_but_takes_no_transcripts(opened, protocol, scope)
