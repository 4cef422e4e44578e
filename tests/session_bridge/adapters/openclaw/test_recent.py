"""An owner's newest turns are at hand, however long the gateway takes to read a conversation."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from sandbox.app import Sandbox
from services.session_bridge.adapters.openclaw.gateway import GatewayStore
from services.session_bridge.adapters.openclaw.recent import RecentTurns
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.said import Said
from shared.tasks import Tasks
from tests.session_bridge.gateway import connected, playing
from tests.session_bridge.openclaw import MAIN
from tests.session_bridge.waiting import until

SLOW = 0.3


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with playing() as running:
        running.gateway.add(MAIN, "user", "Hello.")
        yield running


@asynccontextmanager
async def following(sandbox: Sandbox, *keys: str, waiting_seconds: float = 5) -> AsyncIterator[RecentTurns]:
    async def owners() -> tuple[str, ...]:
        return keys or (MAIN,)

    async with connected(sandbox) as rpc, Tasks() as tasks:
        recent = RecentTurns(rpc, GatewayStore(rpc).newest, owners, waiting_seconds)
        rpc.told, rpc.connected = recent.told, recent.connected
        tasks.start(recent.run(), name="recent turns")
        await until(lambda: knows(recent, "Hello."))
        yield recent


async def texts(recent: RecentTurns, limit: int = 16) -> list[str] | None:
    said = await recent.newest(MAIN, limit)
    return None if said is None else [turn.text for turn in said]


async def knows(recent: RecentTurns, *wanted: str) -> bool:
    return await texts(recent) == list(wanted)


async def test_what_is_at_hand_is_told_at_once_where_the_gateway_is_slow(sandbox: Sandbox) -> None:
    async with following(sandbox) as recent:
        sandbox.world.switches.gateway_history_seconds = 60
        began = time.monotonic()
        assert await texts(recent) == ["Hello."]
        assert time.monotonic() - began < 0.05


async def test_what_was_added_just_now_is_waited_for(sandbox: Sandbox) -> None:
    async with following(sandbox) as recent:
        sandbox.world.switches.gateway_history_seconds = SLOW
        sandbox.gateway.add(MAIN, "user", "What is it?")
        sandbox.gateway.add(MAIN, "assistant", "A cat.")
        await until(lambda: knows(recent, "Hello.", "What is it?", "A cat."))
        assert await texts(recent, 1) == ["A cat."]


async def test_what_takes_too_long_to_read_is_told_as_it_was_before(sandbox: Sandbox) -> None:
    async with following(sandbox, waiting_seconds=0.05) as recent:
        sandbox.world.switches.gateway_history_seconds = 60
        sandbox.gateway.add(MAIN, "user", "Again.")
        assert await texts(recent) == ["Hello."]


async def test_turns_that_others_have_followed_long_ago_are_not_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.session_bridge.adapters.openclaw.recent._OLDEST_SECONDS", 0.02)
    async with following(sandbox, waiting_seconds=0.05) as recent:
        sandbox.world.switches.gateway_history_seconds = 60
        sandbox.gateway.add(MAIN, "user", "Again.")

        async def untold() -> bool:
            return await texts(recent) is None

        await until(untold)


async def test_a_conversation_that_began_anew_is_forgotten_at_once(sandbox: Sandbox) -> None:
    async with following(sandbox) as recent:
        sandbox.gateway.reset(MAIN)
        await until(lambda: knows(recent))


async def test_a_reading_that_a_reset_overtook_does_not_count(sandbox: Sandbox) -> None:
    async with following(sandbox, waiting_seconds=0.01) as recent:
        sandbox.world.switches.gateway_history_seconds = SLOW
        sandbox.gateway.add(MAIN, "user", "Again.")
        await until(lambda: knows(recent, "Hello."))  # so the gateway has been asked again
        sandbox.gateway.reset(MAIN)
        told: list[list[str] | None] = []

        async def done() -> bool:
            told.append(await texts(recent))
            return told[-1] == []

        await until(done)
        assert ["Hello.", "Again."] not in told


async def test_after_a_broken_connection_all_is_read_anew(sandbox: Sandbox) -> None:
    async with following(sandbox) as recent:
        sandbox.gateway.cut_lines()
        sandbox.gateway.add(MAIN, "user", "Meanwhile.")
        await until(lambda: knows(recent, "Hello.", "Meanwhile."))
        sandbox.gateway.add(MAIN, "user", "Since.")
        await until(lambda: knows(recent, "Hello.", "Meanwhile.", "Since."))


async def test_a_reading_that_failed_is_done_again(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.session_bridge.adapters.openclaw.recent._PAUSE_SECONDS", 0.05)
    async with connected(sandbox, timeout_seconds=0.2) as rpc, Tasks() as tasks:
        sandbox.world.switches.gateway_history_seconds = 60
        recent = RecentTurns(rpc, GatewayStore(rpc).newest, _owner, 0.05)
        rpc.told, rpc.connected = recent.told, recent.connected
        tasks.start(recent.run(), name="recent turns")
        assert await texts(recent) is None
        sandbox.world.switches.gateway_history_seconds = 0
        await until(lambda: knows(recent, "Hello."))


async def test_a_conversation_that_cannot_be_read_keeps_no_other_from_it(sandbox: Sandbox) -> None:
    async with connected(sandbox) as rpc, Tasks() as tasks:

        async def read(session_key: str, limit: int) -> list[Said]:
            if session_key != MAIN:
                raise CannotWriteYetError("There is no such agent.")
            return await GatewayStore(rpc).newest(session_key, limit)

        async def owners() -> tuple[str, ...]:
            return ("agent:nobody:main", MAIN, "agent:nothing:main")

        recent = RecentTurns(rpc, read, owners)
        tasks.start(recent.run(), name="recent turns")
        await until(lambda: knows(recent, "Hello."))


async def _owner() -> tuple[str, ...]:
    return (MAIN,)


@pytest.mark.parametrize(("key", "limit"), [("agent:main:telegram:direct:42", 16), (MAIN, 17)])
async def test_what_is_not_kept_is_not_at_hand(sandbox: Sandbox, key: str, limit: int) -> None:
    async with following(sandbox) as recent:
        assert await recent.newest(key, limit) is None


async def test_a_key_is_the_same_in_any_case(sandbox: Sandbox) -> None:
    async with following(sandbox, "agent:main:MAIN") as recent:
        assert await recent.newest("agent:main:Main", 1) == await recent.newest(MAIN, 1)


async def test_what_we_wrote_ourselves_is_read_before_the_gateway_tells_of_it(sandbox: Sandbox) -> None:
    async with following(sandbox) as recent:
        sandbox.gateway.add(MAIN, "user", "Said.")
        recent.written(MAIN)  # nothing has been awaited, so the gateway's push has not come
        assert await texts(recent) == ["Hello.", "Said."]
