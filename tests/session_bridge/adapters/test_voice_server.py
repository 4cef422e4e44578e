import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from multidict import MultiDict
from pydantic import SecretStr

from services.session_bridge.adapters.voice_server import VoiceServer, VoiceServerError, VoiceServerSlowError
from shared.problems import NotFoundError
from tests.voice_server.serving import Answer, scripted

CALL = {
    "call_id": "CA1",
    "direction": "outbound",
    "status": "completed",
    "from": "+14155550199",
    "to": "+14155550123",
    "started_at": "2026-11-22T14:03:11Z",
    "duration_seconds": 8,
}


async def asked(answer: web.Response, timeout_seconds: float = 5) -> object:
    """Ask a voice server that answers this."""

    async def history(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer secret"
        return answer

    app = web.Application()
    app.router.add_get("/history/{id}", history)
    async with TestServer(app, host="127.0.0.1") as server, ClientSession() as http:
        url = str(server.make_url("")).rstrip("/")
        return await VoiceServer(http, url, SecretStr("secret"), timeout_seconds).call("CA1")


async def test_the_other_person_is_the_one_who_was_called() -> None:
    call = await asked(web.json_response(CALL))
    session = call.session(3)  # type: ignore[attr-defined] # what `asked` answers is as wide as its tests
    assert (session.phone_number, session.turns, session.state) == ("+14155550123", 3, "syncing")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (web.json_response({}), "another form: call_id"),
        (web.Response(text="<html>"), "another form"),
        (web.Response(status=500), "answered 500"),
        (web.Response(status=401), "VOICE_API_KEY"),
    ],
)
async def test_an_unusable_answer_says_what_to_do(answer: web.Response, text: str) -> None:
    with pytest.raises(VoiceServerError, match=text):
        await asked(answer)


async def test_an_unknown_call_is_unknown_here_too() -> None:
    with pytest.raises(NotFoundError):
        await asked(web.Response(status=404))


async def test_a_voice_server_that_is_not_there_is_told_by_its_setting() -> None:
    async with ClientSession() as http:
        voice_server = VoiceServer(http, "http://127.0.0.1:9", None, 5)
        with pytest.raises(VoiceServerError, match="set VOICE_SERVER_URL"):
            await voice_server.call("CA1")
        assert (await voice_server.check()).status == "failed"


async def test_a_voice_server_that_is_slow_is_told_by_its_setting() -> None:
    async with scripted(Answer(silent=True)) as peer, ClientSession() as http:
        with pytest.raises(VoiceServerSlowError, match=r"within 0\.05 s.*VOICE_SERVER_TIMEOUT"):
            await VoiceServer(http, peer.url, None, 0.05).call("CA1")


async def test_a_voice_server_that_breaks_off_may_have_done_what_it_was_asked() -> None:
    async with scripted(Answer(drop=True)) as peer, ClientSession() as http:
        with pytest.raises(VoiceServerError, match="look before you ask again"):
            await VoiceServer(http, peer.url, None, 5).forward("POST", "/call", MultiDict(), b"{}", {})
        assert len(peer.received) == 1
