import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from shared import bearer, problems
from shared.operation import OPEN, operation

KEY = SecretStr("geheim-ß")


async def asked(key: SecretStr | None, path: str, headers: dict[str, str]) -> int:
    """Ask a server behind the key, and return its status."""
    layers = [problems.middleware({}), bearer.middleware(key)]
    app = web.Application(middlewares=layers)

    async def fine(_: web.Request) -> web.Response:
        return web.Response()

    app.router.add_get("/health", operation({200: None}, security=OPEN)(fine))
    app.router.add_get("/signed", operation({200: None}, security=("twilio",))(fine))
    app.router.add_get("/calls", operation({200: None})(fine))
    app.router.add_get("/unstated", fine)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        return (await client.get(path, headers=headers)).status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer geheim-ß", 200),
        ("Bearer geheim", 401),
        ("Bearer geheim-ß ", 200),
        ("Bearer  geheim-ß", 401),
        ("Basic geheim-ß", 401),
        ("geheim-ß", 401),
        ("Bearer ", 401),
        ("Bearer \udcff", 401),
    ],
)
async def test_only_who_shows_the_key_comes_in(header: str, status: int) -> None:
    assert await asked(KEY, "/calls", {"Authorization": header}) == status


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
