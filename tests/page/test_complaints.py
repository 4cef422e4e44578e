"""What is wrong with a page is noticed: that nothing was wrong in all other tests is worth something."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from selenium.webdriver import Chrome

from dev.browser import WITHIN_SECONDS, NotSeenError, Page
from tests.page.axe import findings

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOREIGN = "http://127.0.0.1:9/elsewhere"
POLICY = (
    "default-src 'none'; img-src data:; script-src 'nonce-ours'; connect-src *; "
    "require-trusted-types-for 'script'"
)


@asynccontextmanager
async def a_page(chrome: Chrome, body: str) -> AsyncIterator[Page]:
    async def show(request: web.Request) -> web.Response:
        if request.path != "/":
            raise web.HTTPNotFound
        headers = {"Content-Security-Policy": POLICY}
        text = f"<!doctype html><html lang=en><title>A page</title><link rel=icon href=data:,><main>{body}"
        return web.Response(text=text, content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", show)
    async with TestServer(app, host="127.0.0.1") as server:
        page = Page(chrome, str(server.make_url("/")).rstrip("/"))
        await page.open()
        yield page


async def test_a_page_with_nothing_wrong_is_not_complained_of(chrome: Chrome, axe: str) -> None:
    async with a_page(chrome, "<h1>Well</h1><script nonce=ours>fetch('/')</script>") as page:
        await page.find("heading", "Well")
        assert await page.complaints() == []
        assert await findings(page, axe) == []


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('no good')", "no good"),
        ("undefined.nothing", "Cannot read properties of undefined"),
        ("Promise.reject(new Error('left alone'))", "left alone"),
        ("document.body.innerHTML = '<b>'", "TrustedHTML"),
        ("document.body.append(Object.assign(document.createElement('img'), {src: '/x'}))", "img-src"),
        ("document.body.setAttribute('onclick', '1')", "TrustedScript"),
        ("fetch('/nothing')", "status of 404"),
        (f"fetch('{FOREIGN}').catch(() => 0)", f"asked elsewhere: {FOREIGN}"),
    ],
)
async def test_an_error_a_breach_of_the_policy_and_a_foreign_request_are_complained_of(
    chrome: Chrome, script: str, complaint: str
) -> None:
    async with a_page(chrome, f"<script nonce=ours>{script}</script>") as page:
        complaints: list[str] = []
        async with asyncio.timeout(WITHIN_SECONDS):
            while not complaints:
                complaints = await page.complaints()
        assert complaint in "\n".join(complaints)


async def test_what_a_screen_reader_cannot_name_is_found(chrome: Chrome, axe: str) -> None:
    async with a_page(chrome, "<h1>A form</h1><input><button></button>") as page:
        assert [one.split(":")[0] for one in await findings(page, axe)] == [
            "button-name",
            "label",
            "target-size",
        ]


async def test_what_is_there_twice_or_hidden_is_not_found(
    chrome: Chrome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dev.browser.WITHIN_SECONDS", 0)
    body = "<button>Once</button><button>Twice</button><button>Twice</button><button hidden>Never</button>"
    async with a_page(chrome, body) as page:
        await page.click("button", "Once")
        for name in ("Twice", "Never"):
            with pytest.raises(NotSeenError):
                await page.find("button", name)
