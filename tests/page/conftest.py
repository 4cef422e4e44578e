"""The page of a real bridge, with a real voice server and the sandbox behind, in a real Chromium.

Each worker has one Chromium and one of each stack for all its tests; each test has an empty browser.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from selenium.webdriver import Chrome

from dev.browser import NoBrowserError, Page, chromium, programs
from dev.stack import Program
from tests.page.axe import NoAxeError, source
from tests.system.conftest import Stack, a_stack

KEY = "a key of the bridge"
SPEED = 8
LIVE = ("document.querySelector('#line').textContent === 'Live'",)

MUST_BE_THERE = os.environ.get("MUST_BE_THERE", "").split()  # noqa: TID251 - CI tells what it has installed


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what cannot be tested here; not in a fixture, so that the reason is told once for all tests."""
    wanted = getattr(item, "fixturenames", ())
    try:
        if "chrome" in wanted:
            programs()
        if "axe" in wanted:
            source()
    except (NoBrowserError, NoAxeError) as error:
        if ("chrome" if isinstance(error, NoBrowserError) else "axe") in MUST_BE_THERE:
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="session")
def axe() -> str:
    """Give axe-core's code."""
    return source()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give what runs; what was called before may be in its history."""
    async with a_stack(tmp_path_factory.mktemp("page"), SPEED) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def page(chrome: Chrome, stack: Stack) -> AsyncIterator[Page]:
    """Give the page with nobody on the line; in the end nothing was wrong with it, and all calls are over."""
    async with watched(chrome, stack) as shown:
        await shown.until(*LIVE)
        yield shown


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def locked(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give what runs where the bridge has a key."""
    async with a_stack(tmp_path_factory.mktemp("locked"), SPEED, with_key) as one:
        one.http.headers["Authorization"] = f"Bearer {KEY}"
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def locked_page(chrome: Chrome, locked: Stack) -> AsyncIterator[Page]:
    """Give the page before anybody has signed in; what was wrong with it is told as of `page`."""
    async with watched(chrome, locked) as shown:
        shown.pardoned.append("status of 401")
        await shown.find("button", "Sign in")
        yield shown


def with_key(programs: list[Program]) -> None:
    """Give the bridge a key, and tell it the voice server."""
    for program in programs:
        program.environment = {**program.environment, "BRIDGE_API_KEY": KEY}


@asynccontextmanager
async def watched(chrome: Chrome, stack: Stack) -> AsyncIterator[Page]:
    """Open the page; at the end of the block nothing was wrong with it, and all calls are ended."""
    shown = Page(chrome, stack.bridge.url)
    await shown.open()
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
        active = (await stack.get(f"{stack.bridge.url}/sessions?state=active"))["sessions"]
        return not calls and not active

    await stack.until(none)
