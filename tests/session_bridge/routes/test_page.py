import re
from pathlib import Path

import pytest

from services import session_bridge
from tests.session_bridge.bridge import Start
from tests.session_bridge.browser import Browser

WEB = Path(session_bridge.__file__).parent / "web"
FILES = sorted(path.name for path in WEB.iterdir())
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


async def test_the_page_is_shown_to_whoever_comes_as_nothing_in_it_is_private(start: Start) -> None:
    shown = await Browser(await start()).ask("GET", "/")
    assert (shown.status, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert shown.body == (WEB / "index.html").read_bytes()


@pytest.mark.parametrize("name", FILES)
async def test_all_it_is_made_of_is_there_with_the_same_headers(start: Start, name: str) -> None:
    browser = Browser(await start())
    page, file = await browser.ask("GET", "/"), await browser.ask("GET", f"/web/{name}")
    assert (file.status, file.body) == (200, (WEB / name).read_bytes())
    assert file.headers["Content-Type"] == f"{TYPES[Path(name).suffix]}; charset=utf-8"
    for shown in (page, file):
        assert {header: shown.headers[header] for header in GUARDS} == GUARDS
        assert shown.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]


async def test_the_policy_allows_nothing_but_the_pages_own_files_and_no_text_that_becomes_code(
    start: Start,
) -> None:
    policy = (await Browser(await start()).ask("GET", "/")).headers["Content-Security-Policy"]
    told = dict(directive.strip().split(" ", 1) for directive in policy.split(";"))
    assert told.pop("default-src") == "'none'"
    assert told.pop("require-trusted-types-for") == "'script'"
    assert set(told.values()) == {"'self'", "'none'"}
    assert {"base-uri", "form-action", "frame-ancestors"} <= {
        name for name, source in told.items() if source == "'none'"
    }


async def test_what_has_not_changed_is_not_sent_again(start: Start) -> None:
    browser = Browser(await start())
    first = await browser.ask("GET", "/web/page.js")
    again = await browser.ask("GET", "/web/page.js", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert "Content-Security-Policy" in again.headers
    other = await browser.ask("GET", "/web/page.js", {"If-None-Match": '"of before"'})
    assert (other.status, other.body) == (200, first.body)


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fapp.py", "%2e%2e%2fsettings.py", "__init__.py"])
async def test_nothing_else_is_shown(start: Start, name: str) -> None:
    shown = await Browser(await start()).ask("GET", f"/web/{name}")
    assert (shown.status, shown.headers["Content-Type"]) == (404, "application/problem+json")


def test_whatever_a_file_names_is_there() -> None:
    named = {
        name
        for path in WEB.glob("*.*")
        for name in re.findall(r'(?:"/web/|from "\./)([\w.-]+)"', path.read_text(encoding="utf-8"))
    }
    assert named == set(FILES) - {"index.html"}
