"""Everybody gets everywhere: on a narrow screen, with the keys alone, with a screen reader."""

import pytest
from selenium.webdriver import Keys

from dev.browser import Page
from tests.page.card import ENDLESS, OWNER, Card, opened, place, transcript
from tests.page.conftest import KEY, LIVE
from tests.system.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOST_TABS = 60
NARROW = (360, 640)
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenständer" * 3

SIDEWAYS = """Array.from(document.querySelectorAll('html, body *'))
    .filter((one) => one.scrollWidth > one.clientWidth)
    .filter((one) => one.matches('html') || ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
    .map((one) => one.outerHTML.slice(0, 80))"""
OUT_OF_REACH = """Array.from(document.querySelectorAll('a, button, input, select, textarea, summary'))
    .filter((control) => control.checkVisibility())
    .map((control) => [control.textContent || control.name, control.getBoundingClientRect()])
    .filter(([, {left, right, height}]) => left < 0 || right > innerWidth || height < 24)
    .map(([name]) => name)"""
NAMED = [
    *[("heading", name) for name in ("Phone", "Call", "Now", "Before")],
    *[("region", name) for name in ("Health", "Call", "Now", "Before")],
    *[("textbox", name) for name in ("Number", "Message")],
    *[("combobox", name) for name in ("Person", "Direction", "Outcome")],
    *[("search", "Earlier calls"), ("searchbox", "Said"), ("button", "Call")],
]


async def test_before_signing_in_a_narrow_screen_shows_all_of_it(locked_page: Page) -> None:
    await locked_page.screen(*NARROW, mobile=True)
    assert await locked_page.read(f"[{SIDEWAYS}, {OUT_OF_REACH}]") == [[], []]


async def test_on_a_narrow_screen_nothing_is_out_of_reach_and_nothing_is_to_be_scrolled_sideways(
    page: Page,
) -> None:
    page.pardoned.append("the server responded with a status of 422")
    await page.screen(*NARROW, mobile=True)
    await page.click("DisclosureTriangle", "As a table")
    talk = await place(page, OWNER, LONG_WORD)
    await talk.until_turns(3)
    assert await page.read(f"[{SIDEWAYS}, {OUT_OF_REACH}]") == [[], []]
    await talk.until_over()
    await opened(page, talk.call_id)
    await page.fill("Number", LONG_WORD)
    await page.click("button", "Call")
    await page.until("document.querySelector('#call [role=alert]').textContent")
    assert await page.read(f"[{SIDEWAYS}, {OUT_OF_REACH}]") == [[], []]


async def tab_to(page: Page, role: str, name: str = "") -> None:
    """Press Tab until something has the focus whose name begins so."""
    passed = []
    for _ in range(MOST_TABS):
        await page.press(Keys.TAB)
        focus = await page.focus()
        if focus[0] == role and focus[1].startswith(name):
            return
        passed.append(focus)
    raise AssertionError(f"Tab leads to no {role} {name!r}, only to {passed}")


async def test_with_the_keys_alone_one_signs_in_calls_hangs_up_and_reads_what_was_said(
    locked_page: Page, locked: Stack
) -> None:
    page = locked_page
    await page.press(KEY, Keys.ENTER)
    await page.until(*LIVE)

    await tab_to(page, "textbox", "Number")
    await page.press(ENDLESS)
    await tab_to(page, "textbox", "Message")
    await page.press("Good morning!")
    await tab_to(page, "button", "Call")
    await page.press(Keys.ENTER)
    call_id = await page.until("document.querySelector('#now article')?.dataset.call")
    card = Card(page, call_id)
    await card.until_turns(2)

    await tab_to(page, "button", "Hang up")
    await page.press(Keys.ENTER)
    await card.until_over()
    await tab_to(page, "button", "Put away")
    await page.press(Keys.ENTER)
    await page.until("document.querySelector('#now article') === null")

    await page.until("document.querySelector(`#history li[data-call='${arguments[0]}']`)", call_id)
    await tab_to(page, "searchbox", "Said")
    await page.press(Keys.TAB, Keys.ENTER)
    earlier = Card(page, call_id, "#history")
    await earlier.until("turns", wanted=await transcript(locked, call_id))
    await tab_to(page, "button", "JSON")


async def test_who_has_hung_up_by_keys_is_where_the_call_is_put_away(page: Page) -> None:
    card = await place(page, ENDLESS)
    await card.until_turns(1)
    await tab_to(page, "button", "Hang up")
    await page.press(Keys.ENTER)
    await card.until_over()
    await page.press(Keys.TAB)
    assert await page.focus() == ("button", "Put away")


async def test_all_there_is_has_a_role_and_a_name(page: Page) -> None:
    for role, name in NAMED:
        await page.find(role, name)


async def test_a_screen_reader_is_told_turns_when_they_are_finished_and_the_state_of_the_line(
    page: Page,
) -> None:
    card = await place(page, ENDLESS)
    await card.until_turns(2)
    await page.find("article", ENDLESS)
    await page.find("log", "Transcript", card.selector)
    live = "document.querySelector(arguments[0]).closest('[role=log], [role=status], [role=alert]')?.role"
    assert await page.read(live, f"{card.selector} li:not(.growing)") == "log"
    assert await page.read(live, "#line") == "status"
    assert await page.read(live, "#now .count") == "status"
    await page.until("document.querySelector('#now .count').textContent", wanted="1 call on the line.")
    grows = "document.querySelector(arguments[0])?.ariaHidden"
    await page.until(grows, f"{card.selector} .growing", wanted="true")
    assert await page.read(grows, f"{card.selector} li:not(.growing)") is None
