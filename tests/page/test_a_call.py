"""A call, from the form to the finished transcript."""

import pytest

from dev.browser import Page
from tests.page.card import place
from tests.system.conftest import Stack

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWNER = "+14155550123"


async def said(stack: Stack, call_id: str) -> list[list[str]]:
    document = await stack.get(f"{stack.voice.url}/history/{call_id}/transcript")
    return [[turn["speaker"], turn["content"]] for turn in document["transcript"]]


async def test_a_call_goes_from_the_form_to_the_finished_transcript(page: Page, stack: Stack) -> None:
    card = await place(page, OWNER)
    await card.until_over()
    shown = await card.read("turns")
    assert len(shown) == 8
    assert shown == await said(stack, card.call_id)
