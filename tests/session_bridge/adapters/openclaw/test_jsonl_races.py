"""What else happens while a call is written: crashes, OpenClaw itself, another writer."""

import asyncio
import os
from datetime import timedelta

import orjson
import pytest

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.transcript import session_id
from tests.session_bridge.calls import CALL, START
from tests.session_bridge.openclaw import (
    MAIN,
    NO_COMMAND,
    NOW,
    SPOKEN,
    TALK,
    Home,
    enter,
    made,
    when_asked,
    write,
)
from tests.session_bridge.waiting import until


async def test_a_block_written_again_changes_nothing(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    await write(store, *SPOKEN)
    before = path.read_bytes()
    await write(store, *SPOKEN)
    assert path.read_bytes() == before


async def test_a_write_cut_short_anywhere_is_completed_not_doubled(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    await write(store, *SPOKEN)
    whole = path.read_bytes()
    for cut in range(len(TALK), len(whole), 5):
        path.write_bytes(whole[:cut])
        await write(store, *SPOKEN)
        assert home.texts(MAIN) == ["user: hi", "assistant: hello", *SPOKEN]


async def test_a_new_file_cut_short_anywhere_is_completed(store: JsonlStore, home: Home) -> None:
    path = home.sessions / f"{session_id(MAIN, CALL)}.jsonl"
    home.enter(MAIN, sessionId=path.stem, updatedAt=NOW)
    await write(store, *SPOKEN)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 5):
        path.write_bytes(whole[:cut])
        await write(store, *SPOKEN)
        assert home.texts(MAIN) == list(SPOKEN)


async def test_a_crash_before_the_entry_ends_in_one_file(store: JsonlStore, home: Home) -> None:
    await write(store, *SPOKEN)
    (home.sessions / "sessions.json").unlink()
    await write(store, *SPOKEN)
    assert home.texts(MAIN) == list(SPOKEN)
    assert len(list(home.sessions.glob("*.jsonl"))) == 1


async def test_a_session_openclaw_began_meanwhile_gets_the_block_instead(
    store: JsonlStore, home: Home
) -> None:
    await write(store, *SPOKEN)
    path = enter(home, TALK)
    await write(store, *SPOKEN)
    assert home.texts(MAIN)[2:] == list(SPOKEN)
    assert list(home.sessions.glob("*.jsonl")) == [path]


async def test_a_session_openclaw_begins_while_we_begin_one_wins(home: Home) -> None:
    def begin() -> None:
        enter(home, TALK)

    store = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), when_asked(1, begin))
    with pytest.raises(CannotWriteYetError, match="new session just now"):
        await write(store, *SPOKEN)
    await write(store, *SPOKEN)
    await store.close()
    assert home.texts(MAIN) == ["user: hi", "assistant: hello", *SPOKEN]
    assert len(list(home.sessions.glob("*.jsonl"))) == 1


async def test_a_session_replaced_before_we_hold_its_lock_is_left(home: Home) -> None:
    path = enter(home, TALK)

    def begin() -> None:
        home.enter(MAIN, sessionId="s2", updatedAt=NOW)

    store = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), when_asked(1, begin))
    with pytest.raises(CannotWriteYetError, match="new session just now"):
        await write(store, *SPOKEN)
    await store.close()
    assert path.read_bytes() == TALK


async def test_a_reset_right_after_the_write_is_the_users_and_stays(home: Home) -> None:
    path = enter(home, TALK)

    def reset() -> None:
        home.enter(MAIN, sessionId="s2", updatedAt=NOW)

    store = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), when_asked(3, reset))
    await write(store, *SPOKEN)
    await store.close()
    assert home.entries()[MAIN] == {"sessionId": "s2", "updatedAt": NOW}
    assert path.read_bytes().count(b"\n") == 5


@pytest.mark.parametrize("archive", ["s1.jsonl", "s1.jsonl.reset.2026-11-22T14-05-00.000Z"])
async def test_a_block_is_known_again_though_its_conversation_was_put_away(
    store: JsonlStore, home: Home, archive: str
) -> None:
    path = enter(home, TALK)
    place = await write(store, *SPOKEN)
    path.rename(home.sessions / archive)
    home.enter(MAIN, sessionId="s2", updatedAt=NOW)
    assert await write(store, *SPOKEN, place=place) == "s1"
    assert not (home.sessions / "s2.jsonl").exists()
    [kept] = await store.kept([made(*SPOKEN, place=place)])
    assert kept.seen == tuple(message.id for message in made(*SPOKEN).messages)


async def test_a_block_is_known_again_though_the_day_has_changed(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    place = await write(store, *SPOKEN)
    before = path.read_bytes()
    tomorrow = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), lambda: START + timedelta(days=1))
    assert await write(tomorrow, *SPOKEN, place=place) == place
    await tomorrow.close()
    assert path.read_bytes() == before
    assert home.entries()[MAIN]["sessionId"] == "s1"


@pytest.mark.parametrize(("hours", "busy"), [(0.1, True), (5, False)])
async def test_a_running_turn_is_waited_for_unless_it_has_run_for_hours(
    store: JsonlStore, home: Home, hours: float, busy: bool
) -> None:
    path = enter(home, TALK, status="running", startedAt=NOW - hours * 3_600_000)
    if busy:
        with pytest.raises(CannotWriteYetError, match="middle of a turn"):
            await write(store, *SPOKEN)
    else:
        await write(store, *SPOKEN)
    assert (path.read_bytes() == TALK) is busy
    assert not list(home.sessions.glob("*.lock"))


async def test_a_lock_somebody_living_holds_is_respected(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    lock = home.sessions / "s1.jsonl.lock"
    lock.write_bytes(orjson.dumps({"pid": os.getppid(), "createdAt": "2026-11-22T14:00:00Z"}))
    with pytest.raises(CannotWriteYetError, match=r"s1\.jsonl\.lock is held"):
        await write(store, *SPOKEN)
    assert path.read_bytes() == TALK
    lock.unlink()
    await write(store, *SPOKEN)
    assert home.texts(MAIN)[2:] == list(SPOKEN)


async def test_two_writers_of_one_conversation_lose_nothing_and_mix_nothing(
    store: JsonlStore, home: Home
) -> None:
    other = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), lambda: START)
    enter(home, TALK)

    async def insist(writer: JsonlStore, call_id: str) -> str:
        while True:
            try:
                return await write(writer, f"user: {call_id}", f"assistant: {call_id}", call_id=call_id)
            except CannotWriteYetError:
                await asyncio.sleep(0)

    await asyncio.gather(*(insist(writer, f"{place}{name}") for place in range(8)
                           for name, writer in (("a", store), ("b", other))))  # fmt: skip
    await other.close()
    said = [text.split(": ")[1] for text in home.texts(MAIN)[2:]]
    assert said[::2] == said[1::2]
    assert sorted(said[::2]) == sorted(f"{place}{name}" for place in range(8) for name in "ab")


async def test_an_entry_openclaw_overwrote_is_made_again(home: Home) -> None:
    patient = JsonlStore(OpenClawFolder(home.root, NO_COMMAND), lambda: START, lost_write_seconds=0.3)
    writing = asyncio.gather(write(patient, *SPOKEN))

    async def entered() -> bool:
        return MAIN in home.entries()

    await until(entered)
    (home.sessions / "sessions.json").write_bytes(b"{}")
    await writing
    await patient.close()
    assert home.texts(MAIN) == list(SPOKEN)


async def test_half_a_character_in_openclaws_own_line_is_no_torn_line(store: JsonlStore, home: Home) -> None:
    said = b'{"role":"assistant","content":"PIN \\ud83d"}'
    last = b'{"type":"message","id":"cc","parentId":"bb","message":' + said + b"}\n"
    path = enter(home, TALK + last)
    await write(store, *SPOKEN)
    assert orjson.loads(path.read_bytes()[len(TALK + last) :].splitlines()[0])["parentId"] == "cc"


async def test_a_disk_that_is_full_in_the_middle_of_a_block_leaves_nothing_of_it(
    store: JsonlStore, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write_whole = enter(home, TALK), os.write
    monkeypatch.setattr(
        os, "write", lambda file, data: write_whole(file, data[:100] if b"message" in data else data)
    )
    with pytest.raises(CannotWriteYetError, match="is the disk full"):
        await write(store, *SPOKEN)
    assert path.read_bytes() == TALK
    monkeypatch.undo()
    await write(store, *SPOKEN)
    assert home.texts(MAIN)[2:] == list(SPOKEN)
