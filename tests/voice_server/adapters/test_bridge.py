"""Events on their way to a bridge that is down, slow, forgetful or of another opinion."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from services.voice_server.adapters.bridge import Outbox
from services.voice_server.adapters.store import Store
from services.voice_server.domain.record import CallRecord
from services.voice_server.metrics import Metrics
from shared.events import KeptEvent
from shared.tasks import Tasks
from tests.voice_server.calls import begun, record, said, so_far, turn
from tests.voice_server.recording_bridge import Fault, RecordingBridge
from tests.voice_server.serving import Answer, free_port, scripted, until


def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def resolved() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def outbox(
    store: Store, bridge: RecordingBridge, http: ClientSession, tasks: Tasks, resolved: list[tuple[str, str]]
) -> Outbox:
    headers = {"Authorization": "Bearer key"}
    return Outbox(
        http, bridge.url, headers, store, tasks, lambda *known: resolved.append(known), metrics(), 0.05
    )


async def publish(
    store: Store, outbox: Outbox, call: CallRecord, events: list[KeptEvent]
) -> tuple[str, list[str]]:
    """Save and deliver; the call's id and the events' ids."""
    await store.save(call, events)
    outbox.deliver(call.call_id or "")
    return call.call_id or "", [event.event_id for event in events]


async def delivered(store: Store, call_id: str) -> None:
    async def all_there() -> bool:
        return not await store.undelivered(call_id)

    await until(all_there)


async def test_events_arrive_in_order_and_once_with_the_key(
    store: Store, outbox: Outbox, bridge: RecordingBridge, resolved: list[tuple[str, str]]
) -> None:
    call_id, ids = await publish(store, outbox, *begun(record(1), turns=70))
    await delivered(store, call_id)
    assert bridge.posted == ids
    assert bridge.headers[0]["Authorization"] == "Bearer key"
    assert set(resolved) == {(call_id, "agent:main:main")}
    assert outbox.health.status == "ok"


async def test_what_is_published_during_a_delivery_follows_it(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    call = record(1)
    ids: list[str] = []
    for number in range(30):
        call, events = said(call, turn(f"item_{number}", None))
        call_id, more = await publish(store, outbox, call, events)
        ids += more
    await delivered(store, call_id)
    assert bridge.posted == ids


async def test_a_call_whose_event_is_refused_holds_up_no_other(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    bridge.faults = [422]
    first, _ = await publish(store, outbox, *begun(record(1)))
    await bridge.watch.until(lambda: bool(bridge.posted))
    second, ids = await publish(store, outbox, *begun(record(2)))
    await delivered(store, second)
    assert [event["eventId"] for event in bridge.events] == ids
    assert len(await store.undelivered(first)) == 2


@pytest.mark.parametrize("faults", [[422], ["forget"], ["drop"]])
async def test_an_event_is_repeated_until_it_is_taken_and_is_kept_once(
    store: Store, outbox: Outbox, bridge: RecordingBridge, faults: list[Fault]
) -> None:
    bridge.faults = faults.copy()
    call_id, ids = await publish(store, outbox, *begun(record(1), turns=1))
    await bridge.watch.until(lambda: bool(bridge.posted))
    if faults == [422]:
        await until_failed(outbox)
        assert len(await store.undelivered(call_id)) == 3
    await delivered(store, call_id)
    assert [event["eventId"] for event in bridge.events] == ids
    assert bridge.posted == [ids[0]] * len(faults) + ids
    assert outbox.health.status == "ok"


async def until_failed(outbox: Outbox) -> None:
    async def failed() -> bool:
        return outbox.health.status == "failed"

    await until(failed)


async def test_a_bridge_that_comes_up_late_gets_everything(
    store: Store, http: ClientSession, tasks: Tasks, bridge: RecordingBridge
) -> None:
    down = Outbox(
        http,
        f"http://127.0.0.1:{free_port()}",
        {},
        store,
        tasks,
        lambda *_: pytest.fail("nobody answered"),
        metrics(),
    )
    call_id, ids = await publish(store, down, *begun(record(1)))
    await until_failed(down)
    assert "cannot be reached" in down.health.detail
    later = Outbox(http, bridge.url, {}, store, tasks, lambda *_: None, metrics(), 0.05)
    await later.start()
    await delivered(store, call_id)
    assert bridge.posted == ids


async def test_a_disk_that_fails_for_a_while_loses_no_event(
    store: Store, outbox: Outbox, bridge: RecordingBridge, tmp_path: Path
) -> None:
    call, events = begun(record(1), turns=1)
    await store.save(call, events)
    with sqlite3.connect(tmp_path / "voice.sqlite") as other:
        other.execute("ALTER TABLE events RENAME TO gone")
        other.commit()
        outbox.deliver(str(call.call_id))
        await until_failed(outbox)
        assert "no such table" in outbox.health.detail
        other.execute("ALTER TABLE gone RENAME TO events")
    other.close()
    await delivered(store, str(call.call_id))
    assert bridge.posted == [event.event_id for event in events]
    assert outbox.health.status == "ok"


async def test_pauses_grow_while_the_bridge_refuses(store: Store, http: ClientSession, tasks: Tasks) -> None:
    async with scripted(Answer(503)) as peer:
        outbox = Outbox(http, peer.url, {}, store, tasks, lambda *_: None, metrics(), 0.05)
        await publish(store, outbox, *begun(record(1)))
        await outbox.settle(0.35)
        assert len(peer.received) == 2  # at 0 and 0.2 s; the third comes at 0.6 s
        await tasks.cancel()


async def test_a_bridge_that_lost_events_gets_them_again(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    call, events = begun(record(1), turns=3)
    call_id, _ = await publish(store, outbox, call, events)
    await delivered(store, call_id)
    del bridge.events[2:]
    call, more = said(call, turn("item_3", "item_2"))
    await publish(store, outbox, call, more)
    await bridge.watch.until(lambda: len(bridge.events) == 6)
    assert [event["sequence"] for event in bridge.events] == [1, 2, 3, 4, 5, 6]
    await delivered(store, call_id)


async def test_an_answer_that_is_no_answer_is_none(store: Store, http: ClientSession, tasks: Tasks) -> None:
    async with scripted(Answer(200, b"<html>", "text/html"), Answer(200, b"[]"), Answer(204)) as peer:
        outbox = Outbox(http, peer.url, {}, store, tasks, lambda *_: None, metrics(), 0.05)
        call_id, _ = await publish(store, outbox, *said(record(1), turn("item_0", None)))
        await delivered(store, call_id)
        assert len(peer.received) == 2  # a 2xx without a word is a yes, one in HTML came from somebody else


async def test_a_gap_the_bridge_cannot_name_is_a_refusal(
    store: Store, http: ClientSession, tasks: Tasks
) -> None:
    async with scripted(Answer(409, b'{"expectedSequence": "one"}'), Answer(200, b"{}")) as peer:
        outbox = Outbox(http, peer.url, {}, store, tasks, lambda *_: None, metrics(), 0.05)
        call_id, _ = await publish(store, outbox, *begun(record(1)))
        await delivered(store, call_id)
        assert len(peer.received) == 3


async def test_of_partials_only_the_newest_is_shown(outbox: Outbox, bridge: RecordingBridge) -> None:
    call = record(1)
    words = [f"word {number}" for number in range(50)]
    for one in words:
        outbox.show(so_far(call, one))
    await bridge.watch.until(lambda: bool(bridge.partials))
    assert [partial["data"]["content"] for partial in bridge.partials] == [words[-1]]
    outbox.show(so_far(call, "next"))
    await bridge.watch.until(lambda: len(bridge.partials) == 2)


async def test_a_finished_turn_takes_the_place_of_its_partials(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    call, events = begun(record(1), turns=1)
    outbox.show(so_far(call, "Hel"))
    call_id, _ = await publish(store, outbox, call, events)
    await delivered(store, call_id)
    await outbox.settle(1)
    shown = len(bridge.partials)
    outbox.deliver(call_id)
    await outbox.settle(1)
    assert len(bridge.partials) == shown


async def test_a_partial_the_bridge_does_not_take_is_forgotten(
    store: Store, http: ClientSession, tasks: Tasks
) -> None:
    async with scripted(Answer(drop=True), Answer(200, b"{}")) as peer:
        outbox = Outbox(http, peer.url, {}, store, tasks, lambda *_: None, metrics(), 0.05)
        outbox.show(so_far(record(1), "Hel"))

        async def asked() -> bool:
            return len(peer.received) == 1

        await until(asked)
        call_id, _ = await publish(store, outbox, *said(record(1), turn("item_0", None)))
        await delivered(store, call_id)
        assert len(peer.received) == 2


async def test_settling_waits_for_what_is_on_its_way(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    await outbox.settle(0)
    bridge.faults = [500]
    _, ids = await publish(store, outbox, *begun(record(1)))
    await outbox.settle(5)
    assert [event["eventId"] for event in bridge.events] == ids


async def test_settling_does_not_wait_for_ever(store: Store, outbox: Outbox, bridge: RecordingBridge) -> None:
    bridge.faults = [500] * 100
    call_id, _ = await publish(store, outbox, *begun(record(1)))
    await outbox.settle(0.05)
    assert len(await store.undelivered(call_id)) == 2


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
async def test_an_event_that_is_refused_rests_is_named_and_holds_up_its_own_call_alone(
    store: Store, http: ClientSession, tasks: Tasks, status: int
) -> None:
    refused, taken = Answer(status, b'{"detail": "No."}'), Answer(200, b"{}")
    async with scripted(refused, taken) as peer:
        registry = CollectorRegistry()
        outbox = Outbox(http, peer.url, {}, store, tasks, lambda *_: None, Metrics(registry))
        stuck, _ = await publish(store, outbox, *begun(record(1)))
        await until_failed(outbox)
        other, _ = await publish(store, outbox, *begun(record(2)))
        await delivered(store, other)
        assert len(await store.undelivered(stuck)) == 2
        assert outbox.health.status == "failed"
        assert f"refused: 1. {stuck}: The bridge answered {status} to event 1: No." in outbox.health.detail
        labels = {"reason": "EventRefusedError"}
        assert registry.get_sample_value("openclaw_phone_event_delivery_failures_total", labels) == 1
        assert len(peer.received) == 3


async def test_once_a_refused_event_is_taken_after_all_everything_is_well(
    store: Store, outbox: Outbox, bridge: RecordingBridge
) -> None:
    bridge.faults = [422]
    call_id, ids = await publish(store, outbox, *begun(record(1)))
    await bridge.watch.until(lambda: bool(bridge.posted))
    await delivered(store, call_id)
    assert [event["eventId"] for event in bridge.events] == ids
    assert outbox.health.status == "ok"
    assert outbox.stuck_calls == 0
