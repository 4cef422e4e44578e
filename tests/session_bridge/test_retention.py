"""The bridge forgets old calls that are in OpenClaw; who follows it loses nothing that is left."""

from pathlib import Path

from services.session_bridge.adapters.deliveries import Deliveries
from services.session_bridge.adapters.journal import Journal
from tests.session_bridge.bridge import Start, take
from tests.session_bridge.calls import CALL, START, call, read
from tests.session_bridge.waiting import until

LATER = START.timestamp() + 7200


async def journal_with(path: Path, *, synced: bool) -> Journal:
    journal = Journal(path / "bridge.sqlite")
    for event in call("user: a", "assistant: b"):
        await journal.accept(read(event), "agent:main:main")
    if synced:
        await journal.synced(CALL, "agent:main:main", 2)
    return journal


async def test_a_call_that_is_not_in_openclaw_is_kept_however_old(tmp_path: Path) -> None:
    journal = await journal_with(tmp_path, synced=False)
    assert await journal.forget(LATER) == 0
    await Deliveries(journal).failed(CALL, "locked")
    assert await journal.forget(LATER) == 0
    assert len(await journal.turns(CALL)) == 2
    await journal.close()


async def test_a_call_is_forgotten_by_its_end(tmp_path: Path) -> None:
    journal = await journal_with(tmp_path, synced=True)
    assert await journal.forget(START.timestamp()) == 0
    assert await journal.forget(LATER) == 1
    assert await journal.session(CALL) is None
    assert await journal.after(0, 10) == ([], 5)
    await journal.close()


async def test_the_numbers_of_what_was_forgotten_are_not_given_again(tmp_path: Path) -> None:
    journal = await journal_with(tmp_path, synced=True)
    last = await journal.last_number()
    await journal.forget(LATER)
    assert await journal.last_number() == last == 5
    await journal.accept(read(call(call_id="CA2")[0]), None)
    records, _ = await journal.after(last, 10)
    assert [record.number for record in records] == [last + 1]
    await journal.close()


async def test_who_resumes_behind_a_forgotten_event_goes_on_with_what_is_there(start: Start) -> None:
    bridge = await start(history_days=0)
    await bridge.tell(call("user: a"))
    await bridge.until_all_are("synced")
    # The calls of the tests are old: a bridge with a limit forgets them when it starts.
    again = await start(history_days=1)

    async def forgotten() -> bool:
        return await again.sessions() == []

    await until(forgotten)
    async with again.events("/events", **{"Last-Event-ID": "2"}) as stream:
        await again.tell(call(call_id="CA2")[:1])
        (frame,) = await take(stream, 1)
    assert (frame["id"], frame["event"]) == ("5", "call_started")
    status, _ = await again.get(f"/calls/{CALL}/events")
    assert status == 404
