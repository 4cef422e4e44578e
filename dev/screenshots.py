"""`make screenshots`: the pictures of the page in `docs/`, of calls that nobody has made."""

import asyncio
import sys
import tempfile
from pathlib import Path

import aiohttp

from dev import chat
from dev.browser import NoBrowserError, Page, chromium
from dev.demo import ANSWERED, OWNER, WROTE, free_ports
from dev.past import lay_out
from dev.programs import Ports, openclaw_folder, sandbox, sandbox_environment, services
from dev.stack import ROOT, DidNotStartError, running
from sandbox.settings import SandboxSettings

DOCS = ROOT / "docs"
GUEST = "+12125550148"
CALLS, DAYS = 220, 30
WITH_A_TOOL = 5
"""The place of a call in the history, whose past is always the same, in which the agent was asked."""

_ENDED = "document.querySelector('#now article:not(.running) .kept span').textContent.startsWith('In ')"
_TOOL_RUNS = "document.querySelector('#now li.runs .took').textContent.startsWith('running, 3')"


async def main() -> None:
    """Play two calls after a month of others, and take the pictures while the agent works for one."""
    port, bridge_port, sandbox_port = free_ports(3)
    ports = Ports(port=port, bridge_port=bridge_port)
    settings = SandboxSettings(port=sandbox_port, speed=1, public_url=f"http://127.0.0.1:{port}")
    with tempfile.TemporaryDirectory() as folder, chromium() as chrome:
        home = Path(folder)
        await lay_out(home, CALLS, days=DAYS)
        chat.write(openclaw_folder(home), "agent:main:main", WROTE, ANSWERED)
        environment = sandbox_environment(settings, ports, home) | {
            "LOG_LEVEL": "warning",
            "ALLOWED_CALLERS": GUEST,
        }
        bridge, voice = services(ports, environment, home)
        people = sandbox(settings, home)
        async with running([people, bridge, voice]), aiohttp.ClientSession() as http:
            page = Page(chrome, bridge.url)
            await page.open()
            await page.screen(1280, 1000)
            await _play(page, http, f"{people.url}/sandbox/calls")
            await _take(page)


async def _play(page: Page, http: aiohttp.ClientSession, phone: str) -> None:
    """Have somebody call, and call the owner; the agent then works on a question."""
    async with http.post(phone, json={"from": GUEST, "script": "keys"}) as answer:
        answer.raise_for_status()
    await page.until(_ENDED)
    await page.click_at(f"#history li:nth-child({WITH_A_TOOL}) summary")
    await page.fill("Number", OWNER)
    await page.fill("Message", "Good morning! You asked me to call.")
    await page.click("button", "Call")
    await page.until(_TOOL_RUNS, within=60)


async def _take(page: Page) -> None:
    await _save(page, "page.png")
    await page.colours("dark")
    await _save(page, "page-dark.png")
    await page.colours("light")
    await page.screen(390, 844, scale=2, mobile=True)
    await page.read("document.querySelector('#now').scrollIntoView()")
    await _save(page, "page-phone.png")


async def _save(page: Page, name: str) -> None:
    (DOCS / name).write_bytes(await page.picture())
    print(DOCS / name)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (NoBrowserError, DidNotStartError) as failed:
        sys.exit(f"No pictures were taken: {failed}")
