"""A long history and long calls stay smooth. The limits are thrice what is wanted: CI's machines are slow."""

import asyncio
import time
from pathlib import Path
from random import Random

import pytest
from selenium.webdriver import Chrome

from dev.browser import Page
from dev.past import lay_out
from dev.past_calls import made
from services.voice_server.domain.record import CallRecord
from services.voice_server.domain.reporter import partial
from shared.events import CallEvent, Speaker, TranscriptUpdate, TurnData
from tests.page.conftest import SPEED
from tests.system.conftest import Stack, a_stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

SLOW = 3
CALLS, TURNS, PAGE, ROWS = 10_000, 500, 50, 2000
PARTIALS_A_SECOND, SECONDS = 20, 3

# From a deed to the frame in which its consequence is painted, in milliseconds.
TOOK = """(async (act, seen) => {
  const from = performance.now();
  act();
  do {
    await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  } while (!seen());
  return performance.now() - from;
})"""
ROWS_SHOWN = "document.querySelector('#history').childElementCount"
LOADED = f"{TOOK}(() => {{}}, () => {ROWS_SHOWN} === {PAGE}).then(() => performance.now())"
OLDER = f"""((rows) => {TOOK}(
  () => document.querySelector('#older').click(),
  () => {ROWS_SHOWN} > rows,
))({ROWS_SHOWN})"""
SAID = f"""{TOOK}(() => {{
  const said = document.querySelector('#before input[name=text]');
  said.value = arguments[0];
  said.dispatchEvent(new Event('input', {{bubbles: true}}));
}}, () => {ROWS_SHOWN} === {PAGE})"""
OPENED = f"""{TOOK}(
  () => document.querySelector('#history summary').click(),
  () => document.querySelectorAll('#history article li[data-item]').length >= {TURNS},
)"""

FINISHED = "document.querySelectorAll('#now li[data-item]:not(.growing)').length"
GROWING = "document.querySelector('#now .growing .words')?.textContent"
WATCHED = """new PerformanceObserver((list) => {
  window.longest = Math.max(window.longest, ...list.getEntries().map((task) => task.duration));
}).observe({type: 'longtask'}), window.longest = 0"""


async def test_ten_thousand_calls_and_one_of_500_turns_are_shown_at_once(
    chrome: Chrome, tmp_path: Path
) -> None:
    await lay_out(tmp_path, CALLS, longest_turns=TURNS)
    async with a_stack(tmp_path, SPEED) as stack:
        page = Page(chrome, stack.bridge.url)
        await page.open()
        assert await page.read(LOADED) < SLOW * 1000
        older = [await page.read(OLDER) for _ in range(PAGE, ROWS, PAGE)]
        assert await page.read(ROWS_SHOWN) == ROWS
        assert sorted(older)[len(older) // 2] < SLOW * 200
        assert max(older[-5:]) < SLOW * 200
        assert await page.read(OPENED) < SLOW * 500
        assert await page.read(SAID, "garden") < SLOW * 500
        assert await page.complaints() == []


async def test_a_running_call_of_500_turns_leaves_the_page_idle_while_somebody_speaks(
    page: Page, stack: Stack
) -> None:
    page.pardoned.append("404")  # the voice server knows nothing of this call
    call, events = made(Random(1), time.time() - 3600, TURNS)
    try:
        await tell(stack, *events[:-1])
        await page.reload()
        await page.until(FINISHED, wanted=sum(isinstance(event, TranscriptUpdate) for event in events))
        await page.devtools("Performance.enable")
        await page.read(WATCHED)
        busy = await busy_seconds(page)
        last = await speak(stack, call)
        await page.until(GROWING, wanted=last)
        assert await busy_seconds(page) - busy < SLOW * 0.3 * SECONDS
        assert await page.read("window.longest") < SLOW * 100
    finally:
        await tell(stack, events[-1])


async def tell(stack: Stack, *events: CallEvent) -> None:
    for event in events:
        url, body = f"{stack.bridge.url}/call-event", event.model_dump(mode="json")
        async with stack.http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()


async def speak(stack: Stack, call: CallRecord) -> str:
    """Speak one turn, word by word and as fast as people do at most; all its words."""
    words = ""
    for number in range(PARTIALS_A_SECOND * SECONDS):
        words += f"{number} "
        turn = TurnData(speaker=Speaker.ASSISTANT, content=words, item_id="item_last")
        await tell(stack, partial(call, turn, time.time()))
        await asyncio.sleep(1 / PARTIALS_A_SECOND)  # a metronome: nothing is waited for
    return words


async def busy_seconds(page: Page) -> float:
    """Tell for how long the page's main thread has been at work."""
    metrics = (await page.devtools("Performance.getMetrics"))["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))
