"""The golden files fix, byte for byte, the form that OpenClaw 2026.2.2 and 2026.7.35 are known to read."""

from pathlib import Path
from threading import Event

import pytest

from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.adapters.openclaw.store import CannotWriteYetError
from services.session_bridge.domain.transcript import session_id
from shared.tasks import Tasks
from tests.session_bridge.calls import CALL, START
from tests.session_bridge.openclaw import (
    ENDINGS,
    GOLDEN,
    MAIN,
    NO_COMMAND,
    NOW,
    SPOKEN,
    TALK,
    VOICE,
    Home,
    enter,
    write,
)


def golden(name: str, path: Path, home: Home) -> None:
    written = path.read_bytes().replace(str(home.root).encode(), b"/openclaw")
    assert written == (GOLDEN / f"{name}.jsonl").read_bytes()


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_call_in_a_new_file(store: JsonlStore, home: Home, name: str) -> None:
    await write(store, *ENDINGS[name])
    golden(name, home.sessions / f"{session_id(MAIN, CALL)}.jsonl", home)


async def test_a_call_behind_what_is_there(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    await write(store, *SPOKEN)
    golden("appended", path, home)


async def test_a_torn_last_line_is_left_alone(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK + b'{"type":"message","id":"cc","parentId":"bb","timest')
    await write(store, *SPOKEN)
    golden("torn_last_line", path, home)


async def test_two_calls_hang_on_each_other(store: JsonlStore, home: Home) -> None:
    await write(store, "user: one", "assistant: two")
    await write(store, "user: three", "assistant: four", call_id="CA2")
    assert home.texts(MAIN) == ["user: one", "assistant: two", "user: three", "assistant: four"]


async def test_an_entry_of_ours_describes_the_call_and_the_shared_one_does_not(
    store: JsonlStore, home: Home
) -> None:
    await write(store, *SPOKEN)
    await write(store, *SPOKEN, key=VOICE)
    times = {"updatedAt": NOW, "sessionStartedAt": NOW, "lastInteractionAt": NOW}
    described = {"label": "Phone +14155550123", "channel": "voice", "chatType": "direct"}
    assert home.entries() == {
        MAIN: {"sessionId": session_id(MAIN, CALL), **times},
        VOICE: {"sessionId": session_id(VOICE, CALL), **times, **described},
    }
    assert (home.sessions / "sessions.json").stat().st_mode & 0o777 == 0o600


async def test_what_openclaw_keeps_in_an_entry_survives(store: JsonlStore, home: Home) -> None:
    enter(home, TALK, skillsSnapshot={"a": [1]}, sessionStartedAt=NOW - 1)
    home.enter("agent:main:other", sessionId="s2", updatedAt=1)
    await write(store, *SPOKEN)
    entry = home.entries()[MAIN]
    assert (entry["skillsSnapshot"], entry["sessionStartedAt"]) == ({"a": [1]}, NOW - 1)
    assert home.entries()["agent:main:other"] == {"sessionId": "s2", "updatedAt": 1}


async def test_a_conversation_due_for_its_daily_reset_is_begun_anew(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK, sessionStartedAt=NOW - 40 * 3_600_000, sessionFile="s1.jsonl", model="m")
    await write(store, *SPOKEN)
    entry = home.entries()[MAIN]
    assert (entry["sessionId"], entry["sessionStartedAt"]) == (session_id(MAIN, CALL), NOW)
    assert (entry["model"], "sessionFile" in entry) == ("m", False)
    assert home.texts(MAIN) == list(SPOKEN)
    assert path.read_bytes() == TALK


async def test_a_file_named_by_the_entry_counts_only_inside_the_folder(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK, sessionFile=str(home.sessions / "s1-topic-7.jsonl"))
    path.rename(home.sessions / "s1-topic-7.jsonl")
    await write(store, *SPOKEN)
    assert (home.sessions / "s1-topic-7.jsonl").read_bytes() != TALK
    path = enter(home, TALK, sessionFile="/elsewhere/agents/main/sessions/s1-topic-7.jsonl")
    before = (home.sessions / "s1-topic-7.jsonl").read_bytes()
    await write(store, *SPOKEN, call_id="CA2")
    assert (home.sessions / "s1-topic-7.jsonl").read_bytes() != before
    outside = home.root / "elsewhere.jsonl"
    path = enter(home, TALK, sessionFile=str(outside))
    await write(store, *SPOKEN)
    assert not outside.exists()
    assert path.read_bytes() != TALK


async def test_a_session_id_that_leads_out_of_the_folder_is_not_followed(
    store: JsonlStore, home: Home
) -> None:
    home.enter(MAIN, sessionId="../../x", updatedAt=NOW)
    await write(store, *SPOKEN)
    assert home.entries()[MAIN]["sessionId"] == session_id(MAIN, CALL)


async def test_nothing_is_ever_written_beside_a_sqlite_store(store: JsonlStore, home: Home) -> None:
    home.become_sqlite()
    with pytest.raises(CannotWriteYetError, match="SQLite"):
        await write(store, *SPOKEN)
    assert not list(home.sessions.iterdir())


async def test_folders_are_made_where_there_are_none(tmp_path: Path) -> None:
    store = JsonlStore(OpenClawFolder(tmp_path / "new", NO_COMMAND), lambda: START)
    await write(store, *SPOKEN)
    await store.close()
    assert (tmp_path / "new" / "agents" / "main" / "sessions" / "sessions.json").exists()


async def test_an_unwritable_folder_is_told_not_raised_raw(store: JsonlStore, home: Home) -> None:
    home.enter(MAIN, sessionId="s1", updatedAt=NOW)
    (home.sessions / "s1.jsonl").mkdir()
    with pytest.raises(CannotWriteYetError, match="cannot be written"):
        await write(store, *SPOKEN)


async def test_the_key_of_a_withheld_number_is_spelt_as_openclaw_looks_it_up(
    store: JsonlStore, home: Home
) -> None:
    await write(store, *SPOKEN, key="agent:main:voice:direct:anonymous-CA1")
    assert list(home.entries()) == ["agent:main:voice:direct:anonymous-ca1"]


async def test_a_conversation_that_is_due_for_its_reset_has_no_newest_turns(
    store: JsonlStore, home: Home
) -> None:
    enter(home, TALK, sessionStartedAt=NOW)
    assert [said.text for said in await store.newest(MAIN, 16)] == ["hi", "hello"]
    enter(home, TALK, sessionStartedAt=NOW - 40 * 3600_000)
    assert await store.newest(MAIN, 16) == []


async def test_the_newest_turns_are_read_while_a_write_and_a_turn_are_under_way(
    store: JsonlStore, home: Home
) -> None:
    path = enter(home, TALK, sessionStartedAt=NOW, status="running", startedAt=NOW)
    path.with_name("s1.jsonl.lock").write_text("{}")
    gate = Event()
    async with Tasks() as tasks:
        tasks.start(store._run(gate.wait), name="a long write")
        try:
            assert [said.text for said in await store.newest(MAIN, 1)] == ["hello"]
        finally:
            gate.set()


async def test_session_files_that_cannot_be_read_are_told_not_raised_raw(
    store: JsonlStore, home: Home
) -> None:
    home.enter(MAIN, sessionId="s1", updatedAt=NOW)
    (home.sessions / "s1.jsonl").mkdir()
    with pytest.raises(CannotWriteYetError, match="cannot be read"):
        await store.newest(MAIN, 16)
