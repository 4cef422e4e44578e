"""Who has the key signs in; who has not, or no longer, sees nothing."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from dev.browser import Page
from tests.page.card import OWNER, place
from tests.page.conftest import KEY, LIVE, SPEED, watched, with_key
from tests.system.conftest import Stack, a_stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = "document.querySelector('#sign-in [role=alert]').textContent"
MAIN_IS_SEEN = "document.querySelector('main').checkVisibility()"


async def sign_in(page: Page, key: str = KEY) -> None:
    await page.fill("Key", key)
    await page.click("button", "Sign in")


async def test_a_wrong_key_is_refused_in_words_and_shows_nothing(locked_page: Page) -> None:
    await sign_in(locked_page, "a wrong key")
    assert "BRIDGE_API_KEY" in await locked_page.until(REFUSED)
    assert await locked_page.read(MAIN_IS_SEEN) is False
    assert await locked_page.there_is("button", "Sign out") is False


async def test_the_right_key_signs_in_also_after_a_wrong_one_and_for_the_next_visit(
    locked_page: Page,
) -> None:
    assert await locked_page.focus() == ("textbox", "Key")
    await sign_in(locked_page, "a wrong key")
    await locked_page.until(REFUSED)
    await sign_in(locked_page)
    await locked_page.until(*LIVE)
    await locked_page.reload()
    await locked_page.until(*LIVE)
    assert await locked_page.read(MAIN_IS_SEEN) is True


async def test_signing_out_shows_nothing_any_more_until_one_signs_in_again(locked_page: Page) -> None:
    await sign_in(locked_page)
    await locked_page.click("button", "Sign out")
    await locked_page.find("button", "Sign in")
    await locked_page.reload()
    await locked_page.find("button", "Sign in")
    assert await locked_page.read(MAIN_IS_SEEN) is False
    assert (await locked_page.devtools("Network.getCookies"))["cookies"] == []


async def test_the_sign_in_is_a_cookie_that_no_script_and_no_other_site_gets(locked_page: Page) -> None:
    await sign_in(locked_page)
    await locked_page.until(*LIVE)
    [cookie] = (await locked_page.devtools("Network.getCookies"))["cookies"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    assert KEY not in cookie["value"]
    assert await locked_page.read("document.cookie") == ""


async def test_the_key_is_kept_nowhere_in_the_page(locked_page: Page) -> None:
    await sign_in(locked_page)
    await locked_page.until(*LIVE)
    assert await locked_page.read("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert KEY not in await locked_page.read("document.documentElement.outerHTML + location.href")
    assert await locked_page.read("document.querySelector('#sign-in input[name=key]').value") == ""


async def test_with_another_key_the_page_asks_for_it_and_shows_nothing_of_a_call(
    chrome: Chrome, tmp_path: Path
) -> None:
    async with a_stack(tmp_path, SPEED, with_key) as stack:
        stack.http.headers["Authorization"] = f"Bearer {KEY}"
        async with watched(chrome, stack) as page:
            page.pardoned += ["status of 401", "net::ERR_CONNECTION_REFUSED", "CHUNKED_ENCODING"]
            await sign_in(page)
            card = await place(page, OWNER)
            await card.until_over()
            stack.bridge.environment = {**stack.bridge.environment, "BRIDGE_API_KEY": "another key"}
            await stack.kill_and_restart(stack.bridge)
            await page.find("button", "Sign in")
            assert await page.read(MAIN_IS_SEEN) is False
            assert card.call_id not in await page.read("document.documentElement.outerHTML")
            stack.http.headers["Authorization"] = "Bearer another key"


async def test_where_no_key_is_set_nobody_has_to_sign_in_or_can_sign_out(page: Page, stack: Stack) -> None:
    assert await page.read(MAIN_IS_SEEN) is True
    assert await page.there_is("button", "Sign in") is False
    assert await page.there_is("button", "Sign out") is False
