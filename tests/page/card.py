"""A call as the page shows it."""

from dataclasses import dataclass
from typing import Any

from dev.browser import Page

ORDERED = "document.querySelector('#now article')?.dataset.call"
"""The call that is shown first."""

_PARTS = {
    "turns": """Array.from(card.querySelectorAll('li[data-item]:not(.growing)'),
        (turn) => [turn.classList.contains('caller') ? 'user' : 'assistant',
                   turn.querySelector('.words').textContent])""",
    "growing": "Array.from(card.querySelectorAll('.growing .words'), (words) => words.textContent)",
    "interrupted": "Array.from(card.querySelectorAll('.interrupted .words'), (words) => words.textContent)",
    "tools": """Array.from(card.querySelectorAll('li[data-tool]'),
        (tool) => [tool.querySelector('b').textContent, tool.classList.contains('runs')])""",
    "kept": "card.querySelector('.kept span').checkVisibility() && card.querySelector('.kept').innerText",
    "status": "card.querySelector('.status').textContent",
    "text": "card.innerText",
}
_IN_OPENCLAW = "In OpenClaw, in agent:main:main."


@dataclass(frozen=True)
class Card:
    """What is shown of a call now, or in the history."""

    page: Page
    call_id: str
    where: str = "#now"

    @property
    def selector(self) -> str:
        return f'{self.where} article[data-call="{self.call_id}"]'

    async def read(self, part: str) -> Any:
        """Read one of its parts as it is at this moment."""
        return await self.page.read(_script(part), self.selector)

    async def until(self, part: str, wanted: Any = ...) -> Any:
        """Wait until a part is there, or just as wanted."""
        return await self.page.until(_script(part), self.selector, wanted=wanted)

    async def until_over(self) -> None:
        """Wait until the call is in OpenClaw."""
        await self.until("kept", _IN_OPENCLAW)


def _script(part: str) -> str:
    return f"((card) => {_PARTS[part]})(document.querySelector(arguments[0]))"


async def place(page: Page, number: str, message: str = "") -> Card:
    """Fill in the form, send it, and wait until a call is shown."""
    await page.fill("Number", number)
    if message:
        await page.fill("Message", message)
    await page.click("button", "Call")
    return Card(page, await page.until(ORDERED))
