"""axe-core finds nothing serious or critical, whatever is shown: on either screen, in either colours."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from dev.browser import Page
from tests.page.axe import findings
from tests.page.card import ENDLESS, SLOW, opened, place
from tests.page.conftest import KEY, LIVE, SPEED, watched, with_key
from tests.system.conftest import a_stack

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def everywhere(page: Page, axe: str) -> list[str]:
    """Tell what is found on either screen in either colours."""
    found = []
    for width, mobile in ((1280, False), (360, True)):
        await page.screen(width, 740, mobile=mobile)
        for scheme in ("light", "dark"):
            await page.colours(scheme)
            found += [f"{width} px, {scheme}: {told}" for told in await findings(page, axe)]
    return found


async def test_nothing_before_signing_in_nor_where_there_has_been_no_call(
    chrome: Chrome, tmp_path: Path, axe: str
) -> None:
    async with a_stack(tmp_path, SPEED, with_key) as stack:
        stack.http.headers["Authorization"] = f"Bearer {KEY}"
        async with watched(chrome, stack) as page:
            page.pardoned.append("status of 401")
            await page.fill("Key", "a wrong one")
            await page.click("button", "Sign in")
            await page.until("document.querySelector('#sign-in [role=alert]').textContent")
            assert await everywhere(page, axe) == []
            await page.fill("Key", KEY)
            await page.click("button", "Sign in")
            await page.until(*LIVE)
            await page.until(
                "document.querySelector('.none').textContent", wanted="There has been no call yet."
            )
            assert await everywhere(page, axe) == []


async def test_nothing_in_a_call_that_runs_while_the_agent_works(page: Page, axe: str) -> None:
    page.pardoned.append("/phone/call - Failed to load resource: the server responded with a status of 4")
    asks, talks = await place(page, SLOW), await place(page, ENDLESS)
    await asks.until("tools", wanted=[["ask_openclaw", None]])
    await talks.until("growing")
    await page.fill("Number", "tomorrow")
    await page.click("button", "Call")
    await page.until("document.querySelector('#call [role=alert]').textContent")
    assert await everywhere(page, axe) == []


async def test_nothing_in_an_earlier_call_and_in_one_that_has_just_ended(page: Page, axe: str) -> None:
    card = await place(page, SLOW)
    await card.until_over()
    await opened(page, card.call_id)
    await page.click("DisclosureTriangle", "As a table")
    assert await everywhere(page, axe) == []
