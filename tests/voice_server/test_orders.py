"""One `Idempotency-Key`, one call: asked for twice, at once, over a restart, and when Twilio is unclear."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.app import Sandbox
from services.voice_server import keys, orders
from services.voice_server.orders import Order
from shared.events import EndReason
from tests.voice_server.running_server import KEY, OWNER, RunningServer, Start, problem
from tests.voice_server.serving import Answer, ScriptedPeer, scripted, until
from tests.voice_server.test_switchboard import slow_twilio

NO_ANSWER, PREMIUM = "+14155550105", "+19002345678"
PLACED = Answer(201, b'{"sid": "CA%b", "status": "queued"}' % (b"4" * 32))


async def ordered(
    server: RunningServer, key: str = "k1", to: str = NO_ANSWER, **more: Any
) -> tuple[int, dict[str, Any], str | None]:
    """Order a call under a key: status, answer, and where it leads or when to come back."""
    body = orjson.dumps({"to": to, **more})
    async with server.raw("POST", "/call", body, Idempotency_Key=key) as response:
        headers = response.headers
        led = headers.get("Location") or headers.get("Retry-After")
        return response.status, await response.json(content_type=None), led


async def test_the_same_order_under_the_same_key_is_answered_with_the_same_call(
    server: RunningServer, sandbox: Sandbox
) -> None:
    first = await ordered(server, metadata={"a": 1, "b": 2})
    again = await ordered(server, to="+1 (415) 555-0105", metadata={"b": 2, "a": 1})
    assert again == first
    assert (first[0], first[2]) == (202, f"/history/{first[1]['call_id']}")
    assert len(sandbox.twilio.legs) == 1


async def test_a_call_that_is_over_is_still_the_answer(server: RunningServer, sandbox: Sandbox) -> None:
    first = await ordered(server)
    await server.ask("DELETE", f"/call/{first[1]['call_id']}")
    assert await ordered(server) == first
    assert len(sandbox.twilio.legs) == 1


async def test_orders_of_the_same_instant_place_one_call(server: RunningServer, sandbox: Sandbox) -> None:
    answers = await asyncio.gather(*(ordered(server) for _ in range(10)))
    assert answers == [answers[0]] * 10
    assert answers[0][0] == 202
    assert len(sandbox.twilio.legs) == 1


async def test_after_a_restart_the_key_is_still_known(start: Start, sandbox: Sandbox) -> None:
    first = await start()
    answer = await ordered(first)
    await first.crash()
    assert await ordered(await start()) == answer
    assert len(sandbox.twilio.legs) == 1


@pytest.mark.parametrize("change", [{"to": OWNER}, {"message": "Hi."}, {"metadata": {"a": 1}}])
async def test_a_key_does_not_stand_for_another_order(
    server: RunningServer, sandbox: Sandbox, change: dict[str, Any]
) -> None:
    await ordered(server)
    status, answer, _ = await ordered(server, **change)
    assert (status, answer["title"]) == (422, "Key used before")
    assert len(sandbox.twilio.legs) == 1


async def test_other_keys_and_no_key_are_other_calls(server: RunningServer, sandbox: Sandbox) -> None:
    ids = [(await ordered(server, key))[1]["call_id"] for key in ("k1", "k2", "K1")]
    ids.append(await server.dial(NO_ANSWER))
    ids.append(await server.dial(NO_ANSWER))
    assert len(set(ids)) == len(sandbox.twilio.legs) == 5


async def test_after_a_day_a_key_is_forgotten(
    server: RunningServer, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ordered(server)
    monkeypatch.setattr(orders, "KEPT_SECONDS", 0)
    await ordered(server)
    assert len(sandbox.twilio.legs) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00e9"])
async def test_a_key_that_is_none_is_refused(server: RunningServer, sandbox: Sandbox, key: str) -> None:
    status, answer, _ = await ordered(server, key)
    assert (status, "Idempotency-Key" in answer["detail"]) == (422, True)
    assert sandbox.twilio.received == []


async def test_two_keys_for_one_order_are_refused(server: RunningServer, sandbox: Sandbox) -> None:
    headers = [("Authorization", f"Bearer {KEY}"), ("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    async with server.http.post(f"{server.url}/call", json={"to": OWNER}, headers=headers) as response:
        status, detail = await problem(response)
    assert (status, "Idempotency-Key" in detail) == (422, True)
    assert sandbox.twilio.received == []


async def test_the_longest_key_will_do(server: RunningServer) -> None:
    assert (await ordered(server, "~" * 255))[0] == 202


def attempts(twilio: ScriptedPeer) -> int:
    return len([request for request in twilio.received if request.path.endswith("/Calls.json")])


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Answer(401, b'{"code": 20003, "status": 401}'), 502),
        (Answer(400, b'{"code": 21215, "status": 400}'), 403),
        (Answer(400, b'{"code": 21211, "status": 400}'), 422),
    ],
)
async def test_where_nothing_was_placed_the_key_may_be_used_again(
    start: Start, refusal: Answer, status: int
) -> None:
    async with scripted(refusal, PLACED) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        assert (await ordered(server))[0] == status
        assert (await ordered(server))[0] == 202
        assert attempts(twilio) == 2


async def test_where_we_refused_the_key_may_be_used_again_even_for_another_order(
    start: Start, sandbox: Sandbox
) -> None:
    server = await start(MAX_CONCURRENT_CALLS="1")
    assert (await ordered(server, to=PREMIUM))[0] == 403
    first = (await ordered(server))[1]["call_id"]
    assert (await ordered(server, "k2"))[0] == 429
    await server.ask("DELETE", f"/call/{first}")
    assert (await ordered(server, "k2"))[0] == 202
    assert len(sandbox.twilio.legs) == 2


async def test_what_twilio_perhaps_placed_is_never_placed_again_under_its_key(start: Start) -> None:
    async with scripted(Answer(500)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        assert (await ordered(server))[0] == 502
        status, answer, wait = await ordered(server)
        assert (status, answer["title"], wait) == (409, "Still being placed", "5")
        (runner,) = server.app[keys.SWITCHBOARD]._running
        await server.app[keys.SWITCHBOARD].hang_up(runner, EndReason.NOT_REACHED)
        for one in (server, None):
            asked = one or await start(TWILIO_BASE_URL=twilio.url)
            status, answer, _ = await ordered(asked)
            assert (status, answer["title"]) == (502, "Twilio did not answer clearly")
            await asked.crash()
        assert attempts(twilio) == 1


async def test_what_twilio_placed_after_all_is_the_answer_from_then_on(start: Start) -> None:
    async with scripted(Answer(500)) as twilio:
        server = await start(TWILIO_BASE_URL=twilio.url)
        assert (await ordered(server))[0] == 502
        (url,) = parse_qs(twilio.received[0].body.decode())["StatusCallback"]
        path = url.removeprefix(server.url).partition("#")[0]
        sid = "CA" + "7" * 32
        await server.status_callback(path, CallSid=sid, CallStatus="ringing")

        async def adopted() -> bool:
            return (await ordered(server))[0] == 202

        await until(adopted)
        assert (await ordered(server))[1]["call_id"] == sid
        assert attempts(twilio) == 1


async def test_a_call_that_was_being_placed_when_the_server_died_is_not_placed_again(start: Start) -> None:
    async with slow_twilio() as (twilio, url):
        server = await start(TWILIO_BASE_URL=url)
        asking = asyncio.gather(ordered(server), return_exceptions=True)
        await twilio.asked.wait()
        await server.crash()
        twilio.asked.clear()
        again = await start(TWILIO_BASE_URL=url)
        status, _, wait = await ordered(again)
        assert (status, wait) == (409, "5")
        assert not twilio.asked.is_set()
        twilio.may_answer.set()
        await asking


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)
metadatas = st.dictionaries(st.text(st.characters(codec="utf-8")), values, max_size=4)


@given(metadatas, metadatas)
def test_two_orders_have_one_fingerprint_exactly_if_they_mean_the_same(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    reversed_one = dict(reversed(list(one.items())))
    assert Order(OWNER, None, None, one).digest == Order(OWNER, None, None, reversed_one).digest
    same = orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    assert (Order(OWNER, None, None, one).digest == Order(OWNER, None, None, other).digest) is same
    assert Order(OWNER, "x", None, one).digest != Order(OWNER, None, None, one).digest
