"""A call as the page shows it."""

from dataclasses import dataclass
from typing import Any

from dev.browser import Page
from tests.system.conftest import Stack

OWNER, SLOW, ENDLESS, MARKUP = (f"+141555501{digits}" for digits in ("23", "10", "06", "26"))
"""People, by what happens when they are called: a talk, a slow question, a talk without end, HTML."""

_ORDERED = "document.querySelector('#now article')?.dataset.call"
_PARTS = {
    "turns": """Array.from(card.querySelectorAll('li[data-item]:not(.growing)'),
        (turn) => [turn.classList.contains('caller') ? 'user' : 'assistant',
                   turn.querySelector('.words').textContent,
                   turn.classList.contains('interrupted')])""",
    "growing": "Array.from(card.querySelectorAll('.growing .words'), (words) => words.textContent)",
    "tools": """Array.from(card.querySelectorAll('li[data-tool]'),
        (tool) => [tool.querySelector('b').textContent,
                   tool.classList.contains('runs') ? null : tool.querySelector('.words').textContent])""",
    "kept": "card.querySelector('.kept').checkVisibility() && card.querySelector('.kept').innerText",
    "status": "card.querySelector('.status').textContent",
    "text": "card.innerText",
}


@dataclass(frozen=True)
class Card:
    """What is shown of a call now, or in the history."""

    page: Page
    call_id: str
    where: str = "#now"

    @property
    def selector(self) -> str:
        return f'{self.where} article[data-call="{self.call_id}"]'

    async def read(self, *parts: str) -> Any:
        """Read one of its parts as it is at this moment, or several at once."""
        return await self.page.read(_script(parts), self.selector)

    async def until(self, *parts: str, wanted: Any = ...) -> Any:
        """Wait until parts are there, or just as wanted."""
        return await self.page.until(_script(parts), self.selector, wanted=wanted)

    async def until_turns(self, count: int) -> None:
        """Wait until so many turns are finished."""
        at_least = f"{_script(('turns',))}.length >= arguments[1]"
        await self.page.until(at_least, self.selector, count)

    async def until_over(self) -> None:
        """Wait until the call is in OpenClaw."""
        await self.until("kept", wanted="In OpenClaw, in agent:main:main.")


def _script(parts: tuple[str, ...]) -> str:
    read = _PARTS[parts[0]] if len(parts) == 1 else f"[{', '.join(_PARTS[part] for part in parts)}]"
    return f"((card) => {read})(document.querySelector(arguments[0]))"


async def place(page: Page, number: str, message: str = "") -> Card:
    """Fill in the form, send it, and wait until a call is shown."""
    await page.fill("Number", number)
    if message:
        await page.fill("Message", message)
    await page.click("button", "Call")
    return Card(page, await page.until(_ORDERED))


async def opened(page: Page, call_id: str) -> Card:
    """Open a call of the history, and wait until it is shown."""
    await page.click_at(f'#history li[data-call="{call_id}"] summary')
    card = Card(page, call_id, "#history")
    await card.until("text")
    return card


async def transcript(stack: Stack, call_id: str) -> list[list[Any]]:
    """Tell the turns as the voice server does, as a card shows them."""
    document = await stack.get(f"{stack.voice.url}/history/{call_id}/transcript")
    return [[turn["speaker"], turn["content"], turn["interrupted"]] for turn in document["transcript"]]
