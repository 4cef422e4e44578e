"""A call on the page, from the form to the finished transcript."""

import pytest

from dev.browser import Page
from tests.page.card import ENDLESS, OWNER, SLOW, Card, opened, place, transcript
from tests.system.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

BARGE_IN, BUSY = "+14155550102", "+14155550104"
WATCH = """(window.grown = {}, new MutationObserver(() => {
    for (const words of document.querySelectorAll('#now .growing .words')) {
        (grown[words.parentElement.dataset.item] ??= new Set()).add(words.textContent);
    }
}).observe(document.querySelector('#now'), {subtree: true, childList: true, characterData: true}))"""
GROWN = "Object.entries(grown).map(([id, texts]) => [id, [...texts]]).find(([, texts]) => texts.length > 1)"
FINISHED = """((said) => said[0] && !said[0].closest('.growing') && said.map((words) => words.textContent))
(Array.from(document.querySelectorAll(`${arguments[0]} [data-item="${arguments[1]}"] .words`)))"""

CALENDAR = "You have two appointments today: the dentist at 10 and lunch with Sam at 1."


async def test_a_call_goes_from_the_form_to_the_finished_transcript_and_into_openclaw(
    page: Page, stack: Stack
) -> None:
    card = await place(page, OWNER, "Good morning!")
    await card.until_over()
    told = await transcript(stack, card.call_id)
    assert [len(told), told[0]] == [8, ["assistant", "Good morning!", False]]
    assert await card.read("turns") == told
    assert await card.read("tools") == [["ask_openclaw", CALENDAR], ["end_call", ""]]
    assert await card.read("status") == "Completed: the assistant hung up"


async def test_what_is_being_said_grows_before_it_is_a_turn(page: Page) -> None:
    await page.read(WATCH)
    card = await place(page, ENDLESS)
    item, grown = await page.until(GROWN)
    [text] = await page.until(FINISHED, card.selector, item)
    assert [words for words in grown if not text.startswith(words)] == []
    assert grown == sorted(grown, key=len)


async def test_a_tool_call_is_seen_while_it_runs_and_when_it_is_done(page: Page) -> None:
    card = await place(page, SLOW)
    await card.until("tools", wanted=[["ask_openclaw", None]])
    assert "running" in await card.read("text")
    await card.until_over()
    [[name, answer], _] = await card.read("tools")
    assert (name, answer[:21]) == ("ask_openclaw", "Your flight to Berlin")


async def test_what_was_cut_short_is_marked(page: Page, stack: Stack) -> None:
    card = await place(page, BARGE_IN)
    await card.until_over()
    turns = await card.read("turns")
    assert turns == await transcript(stack, card.call_id)
    assert sum(cut for *_, cut in turns) == 2


async def test_a_call_is_hung_up_from_the_page(page: Page, stack: Stack) -> None:
    card = await place(page, ENDLESS)
    await card.until_turns(2)
    await page.click("button", "Hang up")
    await card.until("status", wanted="Completed: hung up from here")
    await card.until_over()
    assert (await stack.get(f"{stack.voice.url}/calls"))["calls"] == []


async def test_a_call_that_ended_stays_readable_until_it_is_put_away(page: Page, stack: Stack) -> None:
    card = await place(page, OWNER)
    await card.until_over()
    assert not await page.there_is("button", "Hang up")
    await page.click("button", "Put away")
    await page.until("document.querySelector('#now article') === null")
    assert await page.focus() == ("heading", "Now")
    again = await opened(page, card.call_id)
    assert await again.read("turns") == await transcript(stack, card.call_id)
    assert await again.read("kept") == "In OpenClaw, in agent:main:main."


async def test_a_line_that_is_busy_is_told_in_a_word(page: Page) -> None:
    card = await place(page, BUSY)
    await card.until("status", wanted="Busy")
    await card.until("kept", wanted="Nothing was said; there is nothing to keep.")
    assert await card.read("turns") == []


async def test_who_calls_in_is_seen_without_asking(page: Page, stack: Stack) -> None:
    phone = f"http://{stack.sandbox.host}:{stack.sandbox.port}/sandbox/calls"
    async with stack.http.post(phone, json={"from": OWNER, "script": "greeting"}) as answer:
        assert answer.status == 201
    call_id = await page.until("document.querySelector('#now article')?.dataset.call")
    card = Card(page, call_id)
    assert "Incoming" in await card.read("text")
    await card.until_over()
    assert await card.read("turns") == await transcript(stack, call_id)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("tomorrow", "That is not a phone number in international form"),
        ("+79161234567", "Numbers of RU may not be dialled, only of US"),
    ],
)
async def test_a_number_that_is_refused_is_refused_in_words(page: Page, number: str, words: str) -> None:
    page.pardoned.append("/phone/call - Failed to load resource: the server responded with a status of 4")
    await page.fill("Number", number)
    await page.click("button", "Call")
    said = "document.querySelector('#call [role=alert]').textContent"
    assert words in await page.until(said)
    assert await page.read("document.querySelector('#now article')") is None


async def test_a_refusal_is_gone_with_the_next_try(page: Page) -> None:
    page.pardoned.append("/phone/call - Failed to load resource: the server responded with a status of 4")
    await page.fill("Number", "tomorrow")
    await page.click("button", "Call")
    await page.until("document.querySelector('#call [role=alert]').textContent")
    await place(page, OWNER)
    assert await page.read("document.querySelector('#call [role=alert]').textContent") == ""


async def test_a_call_that_is_ended_elsewhere_ends_here(page: Page, stack: Stack) -> None:
    card = await place(page, ENDLESS)
    await card.until_turns(1)
    async with stack.http.delete(f"{stack.voice.url}/call/{card.call_id}") as ended:
        assert ended.status == 200
    await card.until_over()
