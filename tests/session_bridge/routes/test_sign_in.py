import time
from http.cookies import SimpleCookie

import pytest
from pydantic import SecretStr

from services.session_bridge.domain.sign_in import SIGN_IN_SECONDS, issue
from tests.session_bridge.bridge import Bridge, Start, frames, take
from tests.session_bridge.browser import WRONG, Browser, Seen, cookie
from tests.session_bridge.calls import call

OTHER_KEY = SecretStr("secret2")
PROOF = "a" * 43


def set_cookie(answer: Seen) -> tuple[str, dict[str, object]]:
    """Read the one cookie that an answer sets: its value and what holds for it."""
    [header] = answer.headers.getall("Set-Cookie")
    [(name, morsel)] = SimpleCookie(header).items()
    assert name == "openclaw_phone"
    return morsel.value, {attribute: value for attribute, value in morsel.items() if value}


@pytest.fixture
def browser(bridge: Bridge) -> Browser:
    """Give a browser before a bridge with a key."""
    return Browser(bridge)


async def test_who_shows_the_key_gets_a_cookie_that_no_script_and_no_other_site_can_use(
    browser: Browser,
) -> None:
    answer = await browser.sign_in()
    value, attributes = set_cookie(answer)
    assert (answer.status, answer.body) == (204, b"")
    assert attributes == {
        "httponly": True,
        "samesite": "Strict",
        "path": "/",
        "max-age": str(SIGN_IN_SECONDS),
    }
    assert "secret" not in value
    assert await browser.told(cookie(value)) == (True, True)
    assert await browser.status("GET", "/sessions", cookie(value)) == 200


@pytest.mark.parametrize(
    ("forwarded", "secure"),
    [("https", True), ("HTTPS, http", True), ("http", False), ("http, https", False), ("", False)],
)
async def test_a_browser_that_came_over_tls_sends_its_cookie_over_nothing_else(
    browser: Browser, forwarded: str, secure: bool
) -> None:
    _, attributes = set_cookie(await browser.sign_in(headers={"X-Forwarded-Proto": forwarded}))
    assert ("secure" in attributes) is secure


async def test_who_shows_another_key_gets_none_and_is_told_which_is_wanted(browser: Browser) -> None:
    answer = await browser.sign_in("Secret")
    assert (answer.status, "Set-Cookie" in answer.headers) == (401, False)
    assert "BRIDGE_API_KEY" in answer.json["detail"]


@pytest.mark.parametrize("key", [None, 3, [], "x" * 1001])
async def test_what_cannot_be_a_key_is_refused_without_being_repeated(browser: Browser, key: object) -> None:
    answer = await browser.sign_in(key)
    assert answer.status == 422
    assert "xxx" not in answer.body.decode()


@pytest.mark.parametrize("key", ["", "ß\u20ac\U0001f4de", "\x00", "secret "])
async def test_any_other_text_is_a_wrong_key(browser: Browser, key: str) -> None:
    assert (await browser.sign_in(key)).status == 401


async def test_a_form_of_another_site_cannot_sign_in(browser: Browser) -> None:
    answer = await browser.ask("POST", "/sign-in", data={"key": "secret"})
    assert answer.status == 415


async def test_whoever_signs_out_shows_nothing_any_more(browser: Browser) -> None:
    answer = await browser.ask("DELETE", "/sign-in", cookie())
    value, attributes = set_cookie(answer)
    assert (answer.status, value, "max-age" in attributes or "expires" in attributes) == (204, "", True)
    assert (attributes["path"], attributes["samesite"]) == ("/", "Strict")
    assert (await browser.ask("DELETE", "/sign-in")).status == 204


async def test_a_browser_learns_that_it_has_to_sign_in(browser: Browser) -> None:
    answer = await browser.ask("GET", "/sign-in")
    assert answer.json == {"required": True, "signed_in": False}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


async def test_a_sign_in_that_holds_no_longer_is_ended(browser: Browser) -> None:
    old = issue("secret", time.time() - SIGN_IN_SECONDS)
    answer = await browser.ask("GET", "/sign-in", cookie(old))
    assert answer.json == {"required": True, "signed_in": False}
    assert set_cookie(answer)[0] == ""


async def test_a_sign_in_ends_after_thirty_days(browser: Browser) -> None:
    almost, over = (issue("secret", time.time() - SIGN_IN_SECONDS + more) for more in (60, 0))
    assert await browser.status("GET", "/sessions", cookie(almost)) == 200
    assert await browser.status("GET", "/sessions", cookie(over)) == 401


async def test_a_sign_in_outlives_a_restart_but_not_a_change_of_the_key(start: Start) -> None:
    first = await start()
    value, _ = set_cookie(await Browser(first).sign_in())
    await first.client.close()
    second = await start()
    assert await Browser(second).status("GET", "/sessions", cookie(value)) == 200
    await second.client.close()
    third = Browser(await start(bridge_api_key=OTHER_KEY))
    assert await third.status("GET", "/sessions", cookie(value)) == 401
    assert await third.told(cookie(value)) == (True, False)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "v1",
        "v1..",
        "v1.9999999999.",
        f"v1.9999999999.{PROOF}",
        f"v1.{'9' * 4000}.a",
        f"v1.99999999999\xff.{PROOF}",
        f'"v1.9999999999.{PROOF}"',
        "a=b; openclaw_phone",
        "=;,\\",
    ],
)
@pytest.mark.parametrize("path", ["/sessions", "/events", "/metrics", "/nothing"])
async def test_a_forged_or_broken_cookie_opens_nothing_and_breaks_nothing(
    browser: Browser, value: str, path: str
) -> None:
    assert await browser.status("GET", path, cookie(value)) == 401
    assert await browser.told(cookie(value)) == (True, False)


async def test_the_tries_to_sign_in_are_counted_with_all_other_guesses(start: Start) -> None:
    browser = Browser(await start(requests_per_minute=300))
    assert (await browser.sign_in("wrong")).status == 401
    assert await browser.status("GET", "/sessions", WRONG) == 401
    forged = cookie(issue("wrong", time.time()))
    assert await browser.status("GET", "/sessions", forged) == 401
    answer = await browser.sign_in()
    assert answer.status == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 20
    for path in ("/sessions", "/sign-in"):  # a cookie made with a guessed key would tell whether it is right
        assert await browser.status("GET", path, forged) == 429
        assert await browser.status("GET", path, cookie()) == 429


async def test_what_is_expired_broken_or_missing_is_no_guess(start: Start) -> None:
    browser = Browser(await start(requests_per_minute=100))
    for value in [issue("secret", 0), issue("wrong", 0), "x"] * 3:
        assert await browser.status("GET", "/sessions", cookie(value)) == 401
    assert (await browser.sign_in()).status == 204


async def test_who_has_signed_in_is_not_shut_out_by_guesses_from_the_same_address(start: Start) -> None:
    browser = Browser(await start(requests_per_minute=300))
    value, _ = set_cookie(await browser.sign_in())
    assert [(await browser.sign_in("wrong")).status for _ in range(5)] == [401] * 3 + [429] * 2
    assert await browser.status("GET", "/sessions", cookie(value)) == 200


async def test_a_signed_in_browser_may_ask_as_often_as_anybody(start: Start) -> None:
    browser = Browser(await start(requests_per_minute=3))
    assert [await browser.status("GET", "/sessions", cookie()) for _ in range(4)] == [200] * 3 + [429]


async def test_a_signed_in_browser_follows_the_calls_live(bridge: Bridge) -> None:
    given = {"Authorization": "", **cookie()}
    async with bridge.client.get("/events", headers=given) as stream:
        assert stream.status == 200
        await bridge.tell(call("user: hi"))
        assert len(await take(frames(stream), 2)) == 2
