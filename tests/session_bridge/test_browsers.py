import pytest
from pydantic import SecretStr

from tests.session_bridge.bridge import Bridge, Start
from tests.session_bridge.browser import NO_CALL, WRONG, Browser, cookie
from tests.session_bridge.calls import call

KEY = SecretStr("secret")
OWN, NEIGHBOUR, OTHER = "same-origin", "same-site", "cross-site"


@pytest.fixture
def browser(bridge: Bridge) -> Browser:
    """Give a browser before a bridge with a key."""
    return Browser(bridge)


@pytest.fixture
async def keyless(start: Start) -> Browser:
    """Give a browser before a bridge that wants no key."""
    return Browser(await start(bridge_api_key=None))


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_wrong_key_is_refused_whatever_the_cookie_says(browser: Browser, method: str) -> None:
    path = "/sessions" if method == "GET" else "/sync-transcript"
    assert await browser.status(method, path, cookie() | WRONG) == 401


async def test_a_proxy_with_a_password_of_its_own_is_no_obstacle(browser: Browser) -> None:
    assert await browser.status("GET", "/sessions", cookie(Authorization="Basic dTpw")) == 200
    assert await browser.status("GET", "/sessions", {"Authorization": "Basic dTpw"}) == 401


MATRIX = [
    ({"Sec-Fetch-Site": OWN}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": NEIGHBOUR}, False),
    ({"Sec-Fetch-Site": OTHER}, False),
    ({"Sec-Fetch-Site": OTHER, "Origin": "http://{host}"}, False),
    ({"Origin": "http://{host}"}, True),
    ({"Origin": "https://{host}"}, True),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "null"}, False),
    ({}, True),
]
"""What a browser says of the page that asks, and whether it is ours."""


@pytest.mark.parametrize(("headers", "own"), MATRIX)
@pytest.mark.parametrize("key", [KEY, None])
async def test_only_the_bridges_own_page_changes_anything_by_cookie_or_without_a_key(
    start: Start, key: SecretStr | None, headers: dict[str, str], own: bool
) -> None:
    bridge = await start(bridge_api_key=key)
    browser, host = Browser(bridge), bridge.client.make_url("").authority
    given = {name: value.format(host=host) for name, value in headers.items()}
    let_in = given | (cookie() if key else {})
    answer = await browser.ask("POST", "/call-event", let_in, json=call()[0])
    assert answer.status == (200 if own else 403)
    if not own:
        told = answer.json
        assert (answer.headers["Content-Type"], told["title"]) == (
            "application/problem+json",
            "Cross-site request",
        )
        assert "own page" in told["detail"]
    assert await browser.status("GET", "/sessions", let_in) == 200
    right = {"Authorization": "Bearer secret"} if key else {}
    assert (await browser.sign_in(headers=given)).status == (204 if own else 403)
    assert (await browser.ask("DELETE", "/sign-in", given | right)).status == (204 if own else 403)


@pytest.mark.parametrize(("headers", "_own"), MATRIX)
async def test_who_shows_the_key_is_never_asked_for_its_origin(
    browser: Browser, headers: dict[str, str], _own: bool
) -> None:
    given = {"Authorization": "Bearer secret", **headers}
    answer = await browser.ask("POST", "/call-event", given, json=call()[0])
    assert answer.status == 200


async def test_where_no_key_is_set_nobody_has_to_sign_in(keyless: Browser) -> None:
    assert await keyless.told() == (False, False)
    answer = await keyless.sign_in("anything")
    assert (answer.status, "Set-Cookie" in answer.headers) == (204, False)
    assert await keyless.status("GET", "/sessions") == 200
    assert await keyless.status("GET", "/sessions", cookie("x")) == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_where_no_key_is_set_a_name_that_points_here_opens_nothing(
    keyless: Browser, method: str
) -> None:
    """To a browser, a page of a name that was made to point here is our own: no other header tells."""
    path = "/sessions" if method == "GET" else "/sync-transcript"
    given = {"Host": "evil.example:8082", "Sec-Fetch-Site": OWN, "Origin": "http://evil.example:8082"}
    answer = await keyless.ask(method, path, given, **({"json": NO_CALL} if method == "POST" else {}))
    told = answer.json
    assert (answer.status, told["title"]) == (403, "Strange host")
    assert "BRIDGE_API_KEY" in told["detail"]


async def test_where_no_key_is_set_the_bridge_is_asked_by_its_own_name(start: Start) -> None:
    browser = Browser(await start(bridge_api_key=None, bridge_url="http://session-bridge:8082"))
    for host in ("session-bridge:8082", "localhost:8082", "192.168.1.7"):
        assert await browser.status("GET", "/sessions", {"Host": host}) == 200


async def test_with_a_key_any_name_will_do(browser: Browser) -> None:
    assert await browser.status("GET", "/sessions", cookie(Host="phone.example")) == 200
