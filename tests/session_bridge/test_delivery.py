import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry

from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.adapters.session_keys import SessionKeys
from services.session_bridge.delivery import Delivery, backoff
from services.session_bridge.domain.session import Session, State
from services.session_bridge.domain.session_key import Callers
from services.session_bridge.metrics import Metrics
from shared.database import DatabaseError
from shared.transcript import Turn
from tests.session_bridge.calls import CALL, NUMBER, call, read
from tests.session_bridge.openclaw import MAIN, NO_COMMAND, Home
from tests.session_bridge.unreliable import UnreliableJournal
from tests.session_bridge.waiting import until

KEY = f"agent:main:voice:direct:{NUMBER}"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[UnreliableJournal]:
    opened = UnreliableJournal(tmp_path / "bridge.sqlite")
    opened.failing = set()
    yield opened
    await opened.close()


@pytest.fixture
async def delivery(journal: Journal, home: Home) -> AsyncIterator[Delivery]:
    made = deliver(journal, home)
    yield made
    await made.close()


def deliver(journal: Journal, home: Home, pause: Callable[[int], float] = lambda _failures: 0.01) -> Delivery:
    folder = OpenClawFolder(home.root, NO_COMMAND)
    store = JsonlStore(folder, lost_write_seconds=0.01)

    async def choose(agent_id: str) -> JsonlStore:
        if not folder.evidence(agent_id).has_files:
            raise CannotWriteYetError("start OpenClaw once")
        return store

    return Delivery(
        journal,
        Deliveries(journal),
        SessionKeys(Callers("main"), folder),
        choose,
        Metrics(CollectorRegistry()),
        pause,
    )


async def end_call(
    journal: Journal, *texts: str, call_id: str = CALL, session_key: str | None = None
) -> None:
    for event in call(*texts, call_id=call_id):
        await journal.accept(read(event), session_key)


async def state(journal: Journal) -> Session:
    session = await journal.session(CALL)
    assert session is not None
    return session


async def test_a_crash_between_the_write_and_its_record_ends_in_one_block(
    journal: UnreliableJournal, home: Home, delivery: Delivery
) -> None:
    await end_call(journal, "user: hi", "assistant: hello")
    journal.failing = {"synced"}
    with pytest.raises(DatabaseError):
        await delivery.attempt(CALL)
    assert (await state(journal)).state is State.SYNCING
    session, injected = await delivery.attempt(CALL)
    assert (session.state, injected) == (State.SYNCED, 2)
    assert home.texts(KEY) == ["user: hi", "assistant: hello"]


async def test_a_call_without_a_word_is_synced_without_a_line(
    journal: Journal, home: Home, delivery: Delivery
) -> None:
    await end_call(journal, "user:  ")
    session, injected = await delivery.attempt(CALL)
    assert (session.state, injected) == (State.SYNCED, 0)
    assert home.entries() == {}


async def test_what_is_in_the_way_is_waited_for(journal: Journal, home: Home, delivery: Delivery) -> None:
    home.sessions.rmdir()
    await end_call(journal, "user: hi")
    delivery.start(CALL, None)
    delivery.start(CALL, None)

    async def tried_thrice() -> bool:
        return (await state(journal)).attempts >= 3

    await until(tried_thrice)
    assert (await state(journal)).state is State.FAILED
    home.sessions.mkdir()

    async def done() -> bool:
        return (await state(journal)).state is State.SYNCED

    await until(done)
    assert (await state(journal)).last_error is None


async def test_an_unusable_journal_is_tried_again(journal: UnreliableJournal, delivery: Delivery) -> None:
    await end_call(journal, "user: hi")
    journal.failing = {"turns"}
    delivery.start(CALL, None)

    async def done() -> bool:
        return (await state(journal)).state is State.SYNCED

    await until(done)


async def test_what_an_earlier_process_left_is_taken_up_again(journal: Journal, home: Home) -> None:
    for place in range(3):
        await end_call(journal, f"user: {place}", call_id=f"CA{place}")
    delivery = deliver(journal, home)
    await delivery.resume()

    async def done() -> bool:
        return len(await journal.sessions(State.SYNCED)) == 3

    await until(done)
    await delivery.close()
    assert [text for text in home.texts(KEY) if text.startswith("user")] == ["user: 0", "user: 1", "user: 2"]


async def test_a_running_call_is_not_written(journal: Journal, home: Home, delivery: Delivery) -> None:
    await journal.accept(read(call()[0]), None)
    session, injected = await delivery.attempt(CALL)
    assert (session.state, injected) == (State.ACTIVE, 0)
    assert home.entries() == {}


def test_the_pause_grows_to_a_minute_and_no_further() -> None:
    assert [backoff(attempts) for attempts in (1, 2, 3, 9, 10, 10_000)] == [0.2, 0.4, 0.8, 51.2, 60, 60]


async def test_no_call_of_a_conversation_overtakes_an_earlier_one(
    journal: Journal, home: Home, delivery: Delivery
) -> None:
    path = home.sessions / "s1.jsonl.lock"
    home.enter(KEY, sessionId="s1", updatedAt=time.time() * 1000)
    path.write_bytes(orjson.dumps({"pid": os.getppid(), "createdAt": "2026-11-22T14:00:00Z"}))
    for place in range(3):
        await end_call(journal, f"user: {place}", call_id=f"CA{place}", session_key=KEY)
        delivery.start(f"CA{place}", KEY)
    session, injected = await delivery.attempt("CA2")
    assert (session.state, injected) == (State.SYNCING, 0)
    path.unlink()
    session, injected = await delivery.attempt("CA2")
    assert (session.state, injected) == (State.SYNCED, 2)
    assert [text for text in home.texts(KEY) if text.startswith("user")] == ["user: 0", "user: 1", "user: 2"]


async def test_a_forced_attempt_does_not_wait_for_the_pause_to_end(journal: Journal, home: Home) -> None:
    delivery = deliver(journal, home, lambda _failures: 3600)
    home.sessions.rmdir()
    await end_call(journal, "user: hi")
    assert (await delivery.attempt(CALL))[0].state is State.FAILED
    home.sessions.mkdir()
    assert (await delivery.attempt(CALL))[0].state is State.SYNCED
    await delivery.close()


async def test_a_block_is_written_as_it_was_when_its_writing_began(
    journal: UnreliableJournal, home: Home, delivery: Delivery
) -> None:
    await end_call(journal, "user: hi", "assistant: hello")
    journal.failing = {"synced"}
    with pytest.raises(DatabaseError):
        await delivery.attempt(CALL)
    begun = await Deliveries(journal).begun(CALL)
    assert begun is not None
    assert [message.text for message in begun.messages] == ["hi", "hello"]
    assert (begun.store, begun.session_key) == ("jsonl", KEY)
    assert home.entries()[KEY]["sessionId"] == begun.place


async def test_a_bug_of_ours_ends_no_line(
    journal: UnreliableJournal, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    await end_call(journal, "user: hi", session_key=KEY)
    broken = iter([True])

    async def broken_once(call_id: str) -> list[Turn]:
        if next(broken, False):
            raise KeyError("a bug")
        return await Journal.turns(journal, call_id)

    monkeypatch.setattr(journal, "turns", broken_once)
    with pytest.raises(KeyError):
        await delivery.attempt(CALL)

    async def done() -> bool:
        return (await state(journal)).state is State.SYNCED

    await until(done)


async def test_a_call_that_waits_for_its_key_is_not_overtaken_by_a_later_one(
    journal: Journal, home: Home
) -> None:
    delivery = deliver(journal, home, lambda _failures: 3600)
    owners = Callers("main", frozenset({NUMBER}))
    delivery._keys = SessionKeys(owners, OpenClawFolder(home.root, NO_COMMAND))
    (home.root / "openclaw.json").write_text("{broken", encoding="utf-8")
    await end_call(journal, "user: first", call_id="CA1")
    delivery.start("CA1", None)

    async def tried() -> bool:
        return bool(await journal.sessions(State.FAILED))

    await until(tried)
    home.configure()
    await end_call(journal, "user: second", call_id="CA2", session_key=MAIN)
    delivery.start("CA2", MAIN)

    async def done() -> bool:
        return len(await journal.sessions(State.SYNCED)) == 2

    await until(done)
    await delivery.close()
    assert [text for text in home.texts(MAIN) if text.startswith("user")] == ["user: first", "user: second"]


async def test_what_came_in_came_in_for_one_of_those_who_asked(
    journal: Journal, home: Home, delivery: Delivery
) -> None:
    await end_call(journal, "user: hi", "assistant: hello", session_key=KEY)
    answers = await asyncio.gather(*(delivery.attempt(CALL) for _ in range(4)))
    assert sorted(injected for _, injected in answers) == [0, 0, 0, 2]
