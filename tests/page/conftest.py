"""The page of a real bridge, with a real voice server and the sandbox behind, in a real Chromium.

Each worker has one Chromium and one of each stack for all its tests; each test has an empty browser.
"""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from selenium.webdriver import Chrome

from dev.browser import NoBrowserError, Page, chromium
from tests.system.conftest import Stack, a_stack

KEY = "a key of the bridge"
SPEED = 8

MUST_BE_THERE = os.environ.get("MUST_BE_THERE", "").split()  # noqa: TID251 - CI tells what it has installed


def lacking(what: str, why: str) -> None:
    """Skip what cannot be tested here, unless this machine was told to have it."""
    if what in MUST_BE_THERE:
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    try:
        with chromium() as driver:
            yield driver
    except NoBrowserError as error:
        lacking("chromium", str(error))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give what runs; what was called before may be in its history."""
    async with a_stack(tmp_path_factory.mktemp("page"), SPEED) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def page(chrome: Chrome, stack: Stack) -> AsyncIterator[Page]:
    """Give the page with nobody on the line; in the end nothing was wrong with it, and all calls are over."""
    shown = Page(chrome, stack.bridge.url)
    await shown.open()
    await shown.until("document.querySelector('#line').textContent", wanted="Live")
    yield shown
    complaints = await shown.complaints()
    await nobody_on_the_line(stack)
    assert complaints == []


async def nobody_on_the_line(stack: Stack) -> None:
    """End all calls, and wait until they are over."""

    async def none() -> bool:
        calls = (await stack.get(f"{stack.voice.url}/calls"))["calls"]
        for call in calls:
            async with stack.http.delete(f"{stack.voice.url}/call/{call['call_id']}"):
                pass
        return not calls

    await stack.until(none)
