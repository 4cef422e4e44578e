from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from shared import bearer, problems
from shared.operation import OPEN, operation

KEY = SecretStr("geheim-ß")
RIGHT, WRONG = {"Authorization": "Bearer geheim-ß"}, {"Authorization": "Bearer geheim"}

Client = TestClient[web.Request, web.Application]


async def fine(_: web.Request) -> web.Response:
    return web.Response()


@asynccontextmanager
async def door(key: SecretStr | None = KEY, per_minute: int = 6000) -> AsyncIterator[Client]:
    """Serve behind the key."""
    layers = [problems.middleware({}), bearer.middleware(key, per_minute, frozenset({"/delivery"}))]
    app = web.Application(middlewares=layers)
    app.router.add_get("/health", operation({200: None}, security=OPEN)(fine))
    app.router.add_get("/signed", operation({200: None}, security=("twilio",))(fine))
    app.router.add_get("/calls", operation({200: None})(fine))
    app.router.add_get("/delivery", operation({200: None})(fine))
    app.router.add_get("/unstated", fine)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def asked(key: SecretStr | None, path: str, headers: dict[str, str]) -> int:
    """Ask a server behind the key, and return its status."""
    async with door(key) as client:
        return (await client.get(path, headers=headers)).status


async def statuses(client: Client, times: int, headers: dict[str, str], path: str = "/calls") -> list[int]:
    return [(await client.get(path, headers=headers)).status for _ in range(times)]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer geheim-ß", 200),
        ("Bearer geheim", 401),
        ("Bearer geheim-ß ", 200),
        ("Bearer  geheim-ß", 401),
        ("bearer geheim-ß", 401),
        ("Bearer geheim-s\u0308", 401),
        ("Bearer geheim-\u1e9e", 401),
        ("Basic geheim-ß", 401),
        ("geheim-ß", 401),
        ("Bearer ", 401),
        ("Bearer \udcff", 401),
    ],
)
async def test_only_who_shows_the_key_comes_in(header: str, status: int) -> None:
    assert await asked(KEY, "/calls", {"Authorization": header}) == status


async def test_the_key_is_compared_in_constant_time_whatever_its_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`hmac.compare_digest` takes as long for a near miss as for a far one; of text it takes ASCII alone."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append((given, expected))
        return given == expected

    monkeypatch.setattr("hmac.compare_digest", compare)
    for header in ("Bearer geheim-ß", "Bearer geheim-ss", "x"):
        await asked(KEY, "/calls", {"Authorization": header})
        assert compared.pop() == (header.encode(), "Bearer geheim-ß".encode())
    assert compared == []


async def test_without_a_header_nobody_comes_in() -> None:
    assert await asked(KEY, "/calls", {}) == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [("/health", 200), ("/signed", 200), ("/health/", 401), ("/nothing", 401), ("/unstated", 401)],
)
async def test_only_what_states_so_is_open(path: str, status: int) -> None:
    assert await asked(KEY, path, {}) == status


async def test_where_no_key_is_set_everybody_comes_in() -> None:
    assert await asked(None, "/calls", {}) == 200


async def test_the_header_one_service_sends_is_the_one_the_other_wants() -> None:
    assert await asked(KEY, "/calls", bearer.header(KEY)) == 200
    assert bearer.header(None) == {}


@pytest.mark.parametrize("key", [KEY, None])
async def test_who_asks_too_often_is_told_how_long_to_wait(key: SecretStr | None) -> None:
    async with door(key, per_minute=3) as client:
        assert await statuses(client, 4, RIGHT) == [200, 200, 200, 429]
        answer = await client.get("/calls", headers=RIGHT)
        assert (await answer.json())["title"] == "Too many requests"
        assert "REQUESTS_PER_MINUTE" in await answer.text()
        assert 1 <= int(answer.headers["Retry-After"]) <= 20


async def test_what_is_open_or_delivers_is_never_limited_and_counts_for_nothing() -> None:
    async with door(per_minute=1) as client:
        assert set(await statuses(client, 20, {}, "/health")) == {200}
        assert set(await statuses(client, 20, RIGHT, "/delivery")) == {200}
        assert await statuses(client, 2, RIGHT) == [200, 429]


async def test_who_guesses_is_soon_not_even_listened_to() -> None:
    async with door(per_minute=300) as client:
        assert await statuses(client, 5, WRONG) == [401, 401, 401, 429, 429]
        answer = await client.get("/calls", headers=RIGHT)
        assert answer.status == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 20
        assert await statuses(client, 1, RIGHT, "/delivery") == [429]
        assert await statuses(client, 1, {}) == [401]


async def test_who_has_shown_the_key_is_not_shut_out_by_who_guesses_from_the_same_address() -> None:
    async with door(per_minute=300) as client:
        assert await statuses(client, 1, RIGHT) == [200]
        assert await statuses(client, 5, WRONG) == [401, 401, 401, 429, 429]
        assert await statuses(client, 1, RIGHT) == [200]


async def test_who_asks_without_a_key_guesses_nothing() -> None:
    async with door(per_minute=100) as client:
        assert set(await statuses(client, 20, {})) == {401}
        assert await statuses(client, 1, RIGHT) == [200]


async def test_only_so_many_addresses_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "_KNOWN_ADDRESSES", 1)
    async with door() as client:
        assert await statuses(client, 3, RIGHT) == [200] * 3
