"""Over restarts, lost networks and sleep the page shows every turn once, and says when it is not live."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dev.browser import Page
from tests.page.card import ENDLESS, OWNER, Card, place, transcript
from tests.page.conftest import LIVE
from tests.system.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOT_LIVE = (
    "((line) => line.startsWith('Not live since ') && line)(document.querySelector('#line').textContent)"
)


@pytest_asyncio.fixture(loop_scope="session")
async def card(page: Page) -> AsyncIterator[Card]:
    """Give a call of which some has been said, while the rest is still to come."""
    shown = await place(page, OWNER)
    await shown.until_turns(2)
    yield shown


async def test_a_bridge_killed_in_mid_call_leaves_no_gap_and_repeats_nothing(
    page: Page, stack: Stack, card: Card
) -> None:
    page.pardoned += ["net::ERR_CONNECTION_REFUSED", "net::ERR_INCOMPLETE_CHUNKED_ENCODING"]
    assert stack.bridge.process
    stack.bridge.process.kill()
    await page.until(NOT_LIVE)
    await stack.bridge.process.wait()
    await stack.bridge.start()
    await page.until(*LIVE)
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, card.call_id)
    assert len(await card.read("tools")) == 2


async def test_what_is_said_while_the_network_is_away_is_there_when_it_is_back(
    page: Page, stack: Stack, card: Card
) -> None:
    page.pardoned.append("net::ERR_INTERNET_DISCONNECTED")
    await page.offline()
    assert "this device is offline" in await page.until(NOT_LIVE)
    await stack.until_synced(card.call_id)
    assert "Completed" not in await card.read("status")
    await page.online()
    await page.until(*LIVE)
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, card.call_id)


async def test_a_line_on_which_nothing_is_heard_for_long_is_not_called_live(
    page: Page, stack: Stack, card: Card
) -> None:
    assert stack.bridge.process
    stack.bridge.process.send_signal(signal.SIGSTOP)
    try:
        await page.read("((wakes) => { Date.now = () => wakes() + 41_000; })(Date.now.bind(Date))")
        assert "nothing is heard from the bridge" in await page.until(NOT_LIVE)
    finally:
        stack.bridge.process.send_signal(signal.SIGCONT)
    await page.until(*LIVE)
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, card.call_id)


async def test_a_page_that_is_loaded_anew_shows_a_call_from_its_first_word(page: Page, stack: Stack) -> None:
    card = await place(page, ENDLESS)
    await card.until_turns(3)
    await page.reload()
    await page.until(*LIVE)
    await card.until_turns(3)
    before = await transcript(stack, card.call_id)
    assert (await card.read("turns"))[:3] == before[:3]
    await page.click("button", "Hang up")
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, card.call_id)


async def test_a_call_goes_on_being_shown_when_the_voice_server_was_killed(page: Page, stack: Stack) -> None:
    page.pardoned.append("the server responded with a status of 50")
    card = await place(page, ENDLESS)
    await card.until_turns(2)
    await stack.kill_and_restart(stack.voice)
    await card.until_turns(5)
    await page.click("button", "Hang up")
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, card.call_id)
