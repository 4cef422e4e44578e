"""What was before: found, paged through, added up and taken away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from selenium.webdriver import Chrome
from selenium.webdriver.support.select import Select

from dev.browser import WITHIN_SECONDS, Page
from dev.past import lay_out
from dev.stack import Program
from tests.page.card import opened
from tests.page.conftest import SPEED, watched
from tests.session_bridge.waiting import until
from tests.system.conftest import Stack, a_stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLS, DAYS, PAGE = 130, 20, 50
GREETING = "+14155550101"
SHOWN = "Array.from(document.querySelectorAll('#history > li'), (row) => row.dataset.call)"
CHOICES = [("Direction", "incoming", "direction=inbound"), ("Outcome", "no answer", "status=no-answer")]
FIELDS = [("combobox", "Person", "+493055501872", "number"), ("searchbox", "Said", "GARDEN fence", "text")]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def elder(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Give what runs with a past, while OpenClaw's gateway does not."""
    folder = tmp_path_factory.mktemp("elder")
    await lay_out(folder, CALLS, days=DAYS, unwritten=1)
    async with a_stack(folder, SPEED, without_gateway) as one:
        yield one


def without_gateway(programs: list[Program]) -> None:
    for program in programs:
        program.environment = {**program.environment, "OPENCLAW_STORE": "gateway"}


@pytest_asyncio.fixture(loop_scope="session")
async def page(chrome: Chrome, elder: Stack) -> AsyncIterator[Page]:
    async with watched(chrome, elder) as shown:
        await shown.until(f"{SHOWN}.length", wanted=PAGE)
        yield shown


async def history(stack: Stack, query: str = "") -> list[str]:
    """Tell all calls that are like that, newest first, as the voice server does."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        url = f"{stack.voice.url}/history?limit=100&{query}{cursor and f'&cursor={cursor}'}"
        found = await stack.get(url)
        ids += [call["call_id"] for call in found["calls"]]
        cursor = found["next_cursor"]
    return ids


async def test_older_calls_follow_until_the_first_of_all(page: Page, elder: Stack) -> None:
    expected = await history(elder)
    assert len(expected) >= CALLS
    assert await page.read(SHOWN) == expected[:PAGE]
    await page.click("button", "Older calls")
    await page.until(SHOWN, wanted=expected[: 2 * PAGE])
    await page.click("button", "Older calls")
    await page.until(SHOWN, wanted=expected)
    assert await page.there_is("button", "Older calls") is False


async def test_a_call_that_ends_is_put_on_top_of_all_that_is_shown(page: Page, elder: Stack) -> None:
    await page.click("button", "Older calls")
    shown = await page.until(f"{SHOWN}.length > {PAGE} && {SHOWN}")
    call_id = await elder.call(GREETING)
    await page.until(SHOWN, wanted=[call_id, *shown])


@pytest.mark.parametrize(("name", "choice", "query"), CHOICES)
async def test_only_calls_of_a_direction_or_outcome_are_shown(
    page: Page, elder: Stack, name: str, choice: str, query: str
) -> None:
    field = await page.find("combobox", name)
    await asyncio.to_thread(Select(field).select_by_visible_text, choice)
    expected = await history(elder, query)
    assert 0 < len(expected) < CALLS
    await page.until(SHOWN, wanted=expected[:PAGE])


@pytest.mark.parametrize(("role", "name", "words", "parameter"), FIELDS)
async def test_only_calls_with_a_person_or_of_what_was_said_are_shown(
    page: Page, elder: Stack, role: str, name: str, words: str, parameter: str
) -> None:
    await page.fill(name, f"{words}\n", role)
    expected = await history(elder, f"{parameter}={words.replace('+', '%2B')}")
    assert 0 < len(expected) < CALLS
    await page.until(SHOWN, wanted=expected[:PAGE])


async def test_the_days_are_added_up_in_words_and_in_a_table(page: Page, elder: Stack) -> None:
    days = (await elder.get(f"{elder.voice.url}/days"))["days"]
    calls = sum(day["calls"] for day in days)
    told = await page.until("document.querySelector('#days figcaption')?.textContent")
    assert told.startswith(f"{calls} calls in 30 days, ")
    assert f"${sum(day['cost_usd'] or 0 for day in days):.2f}" in told
    await page.click("DisclosureTriangle", "As a table")
    rows = "Array.from(document.querySelectorAll('#days tbody tr'), (row) => +row.cells[1].textContent)"
    assert await page.read(rows) == [day["calls"] for day in reversed(days) if day["calls"]]


async def test_an_opened_call_shows_what_it_came_to_and_its_tools_on_a_timeline(
    page: Page, elder: Stack
) -> None:
    call = await with_a_tool(elder)
    card = await opened(page, call["call_id"])
    text = await card.read("text")
    assert f"${call['cost_usd']:.2f}" in text
    assert f"{call['usage']['input_audio_tokens']} audio in" in text
    [line] = await page.read(
        "Array.from(document.querySelectorAll(arguments[0]), (one) => one.ariaLabel)",
        f"{card.selector} .timeline svg",
    )
    assert line.startswith("Timeline of ")
    assert "ask_openclaw at " in line
    assert [name for name, _ in await card.read("tools")] == [tool["name"] for tool in call["tool_calls"]]


async def test_why_a_call_is_not_in_openclaw_is_told_with_it_and_when_it_is_tried_again(
    page: Page, elder: Stack
) -> None:
    *_, waiting = (await elder.get(f"{elder.bridge.url}/sessions?state=failed"))["sessions"]
    card = await opened(page, waiting["callId"])
    why = f"Not in OpenClaw yet: {waiting['lastError']} Try again"
    assert await card.read("kept") == why
    await page.read("document.querySelector(arguments[0]).id = 'stale'", card.selector)
    await page.click("button", "Try again", card.selector)
    await page.until("document.querySelector('#stale') === null")
    await card.until("kept", wanted=why)


async def test_what_is_not_well_says_what_to_do(page: Page, elder: Stack) -> None:
    check = (await elder.get(f"{elder.bridge.url}/health"))["checks"]["openclaw"]
    assert check["status"] == "failed"
    told = "document.querySelector('#health .failed')?.textContent"
    await page.until(told, wanted=f"OpenClaw {check['detail']}")


async def test_a_call_is_taken_away_as_text_and_as_json(page: Page, elder: Stack, tmp_path: Path) -> None:
    await page.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    call = await with_a_tool(elder)
    card = await opened(page, call["call_id"])
    said = await elder.get(f"{elder.voice.url}/history/{card.call_id}/transcript")

    await page.click("button", "JSON", card.selector)
    assert json.loads(await downloaded(tmp_path / f"{card.call_id}.json")) == {
        **call,
        "transcript": said["transcript"],
    }
    await page.click("button", "Text", card.selector)
    text = await downloaded(tmp_path / f"{card.call_id}.txt")
    places = [text.index(turn["content"]) for turn in said["transcript"]]
    assert places == sorted(places)


async def with_a_tool(stack: Stack) -> dict[str, Any]:
    """Find a call of the first page in which the agent was asked."""
    for call_id in (await history(stack))[:PAGE]:
        call = await stack.get(f"{stack.voice.url}/history/{call_id}")
        if call["tool_calls"]:
            return dict(call)
    raise AssertionError("There is none.")


async def downloaded(file: Path) -> str:
    """Wait until a file is there; its text."""
    await until(lambda: asyncio.to_thread(file.exists), WITHIN_SECONDS)
    return await asyncio.to_thread(file.read_text, encoding="utf-8")
