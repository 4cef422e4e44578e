"""What people, the model and the agent say stays text, wherever the page shows it."""

import pytest

from dev.browser import Page
from tests.page.card import MARKUP, opened, place, transcript
from tests.system.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = "<img src=x onerror='broken=1'></li></ol></article><script>broken=1</script>&lt;&amp;"
BROKEN = "window.broken ?? document.querySelectorAll('main img, main script, main [onerror]').length"


async def test_html_stays_text_while_it_is_said(page: Page, stack: Stack) -> None:
    card = await place(page, MARKUP, HOSTILE)
    await card.until_over()
    turns = await card.read("turns")
    assert turns == await transcript(stack, card.call_id)
    assert sum(HOSTILE in text for _, text, _ in turns) == 3
    [[_, output], _] = await card.read("tools")
    assert HOSTILE in output
    assert (await card.read("text")).count(HOSTILE) == 5
    assert await page.read(BROKEN) == 0


async def test_html_stays_text_in_the_history(page: Page, stack: Stack) -> None:
    order = {"to": MARKUP, "message": HOSTILE, "metadata": {"note": HOSTILE}}
    async with stack.http.post(f"{stack.bridge.url}/phone/call", json=order) as answer:
        call_id = (await answer.json())["call_id"]
    await stack.until_synced(call_id)
    await page.until(f"document.querySelector('#history li[data-call=\"{call_id}\"]')")
    card = await opened(page, call_id)
    assert await card.read("turns") == await transcript(stack, call_id)
    assert (await card.read("text")).count(HOSTILE) == 6
    assert await page.read(BROKEN) == 0


async def test_html_that_is_looked_for_or_called_stays_text(page: Page) -> None:
    page.pardoned.append("the server responded with a status of 422")
    await page.fill("Number", HOSTILE)
    await page.click("button", "Call")
    await page.until("document.querySelector('#call [role=alert]').textContent")
    await page.fill("Said", f"Nobody said {HOSTILE}", role="searchbox")
    await page.until("document.querySelector('.none').textContent", wanted="No call is like that.")
    assert await page.read(BROKEN) == 0
