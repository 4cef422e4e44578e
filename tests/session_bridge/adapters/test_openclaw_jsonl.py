"""The golden files are what OpenClaw 2026.2.2 and 2026.7.35 were seen to read."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from services.session_bridge.adapters import openclaw_sessions_json as sessions_json
from services.session_bridge.adapters.openclaw_folder import CannotWriteYetError, OpenClawFolder
from services.session_bridge.adapters.openclaw_jsonl import JsonlStore
from services.session_bridge.domain.transcript import block, session_id
from tests.session_bridge.calls import CALL, START, Home, turns

GOLDEN = Path(__file__).parents[1] / "golden"
MAIN = "agent:main:main"
VOICE = "agent:main:voice:direct:+14155550123"
NOW = int(START.timestamp() * 1000)
HEADER = b'{"type":"session","version":3,"id":"s1","timestamp":"2026-11-22T13:00:00.000Z","cwd":"/w"}\n'
TALK = (
    HEADER
    + b'{"type":"message","id":"aa","parentId":null,"timestamp":"2026-11-22T13:00:01.000Z",'
    + b'"message":{"role":"user","content":"hi","timestamp":1795352401000}}\n'
    + b'{"type":"message","id":"bb","parentId":"aa","timestamp":"2026-11-22T13:00:02.000Z",'
    + b'"message":{"role":"assistant","content":[{"type":"text","text":"hello"}],"usage":{}}}\n'
)
SPOKEN = ("user: What is on my calendar?", "assistant: Nothing today.")


@pytest.fixture
async def store(home: Home) -> AsyncIterator[JsonlStore]:
    made = JsonlStore(OpenClawFolder(home.root, "auto"), lambda: START)
    yield made
    await made.close()


async def write(store: JsonlStore, *texts: str, key: str = MAIN, call_id: str = CALL) -> None:
    await store.write(key, call_id, block(call_id, turns(*texts)))


def enter(home: Home, content: bytes, **entry: object) -> Path:
    home.enter(MAIN, sessionId="s1", updatedAt=NOW, **entry)
    path = home.sessions / "s1.jsonl"
    path.write_bytes(content)
    return path


def golden(name: str, path: Path, home: Home) -> None:
    written = path.read_bytes().replace(str(home.root).encode(), b"/openclaw")
    assert written == (GOLDEN / f"{name}.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("talk", SPOKEN),
        ("caller_last", (*SPOKEN, "user: Thank you.")),
        ("assistant_never_spoke", ("user: Hello?", "user: Anybody there?")),
        ("interrupted", ("assistant: On Monday you have /", "user: Skip Monday.", "assistant: All right.")),
    ],
)
async def test_a_call_in_a_new_file(store: JsonlStore, home: Home, name: str, texts: tuple[str, ...]) -> None:
    await write(store, *texts)
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


async def test_a_block_is_known_again_though_the_day_has_changed(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK)
    await write(store, *SPOKEN)
    before = path.read_bytes()
    tomorrow = JsonlStore(OpenClawFolder(home.root, "auto"), lambda: START + timedelta(days=1))
    await write(tomorrow, *SPOKEN)
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
    other = JsonlStore(OpenClawFolder(home.root, "auto"), lambda: START)
    enter(home, TALK)

    async def insist(writer: JsonlStore, call_id: str) -> None:
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


async def test_an_entry_openclaw_overwrote_is_made_again(
    store: JsonlStore, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, seen = sessions_json.change, []

    def overwritten(folder: Path, key: str, how: Callable[..., sessions_json.Entry | None]) -> None:
        change(folder, key, how)
        seen.append(key)
        if len(seen) == 1:
            (folder / "sessions.json").write_bytes(b"{}")

    monkeypatch.setattr(sessions_json, "change", overwritten)
    await write(store, *SPOKEN)
    assert home.texts(MAIN) == list(SPOKEN)


async def test_a_file_named_by_the_entry_counts_only_inside_the_folder(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK, sessionFile=str(home.sessions / "s1-topic-7.jsonl"))
    path.rename(home.sessions / "s1-topic-7.jsonl")
    await write(store, *SPOKEN)
    assert (home.sessions / "s1-topic-7.jsonl").read_bytes() != TALK
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


async def test_nothing_is_ever_written_beside_a_sqlite_store(home: Home) -> None:
    database = home.root / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    database.parent.mkdir()
    database.touch()
    for setting in ("auto", "jsonl"):
        store = JsonlStore(OpenClawFolder(home.root, setting), lambda: START)
        with pytest.raises(CannotWriteYetError, match="SQLite"):
            await write(store, *SPOKEN)
        await store.close()
    assert not list(home.sessions.iterdir())


async def test_folders_are_made_where_the_user_says_jsonl(tmp_path: Path) -> None:
    store = JsonlStore(OpenClawFolder(tmp_path / "new", "jsonl"), lambda: START)
    await write(store, *SPOKEN)
    await store.close()
    assert (tmp_path / "new" / "agents" / "main" / "sessions" / "sessions.json").exists()


async def test_an_unwritable_folder_is_told_not_raised_raw(store: JsonlStore, home: Home) -> None:
    home.enter(MAIN, sessionId="s1", updatedAt=NOW)
    (home.sessions / "s1.jsonl").mkdir()
    with pytest.raises(CannotWriteYetError, match="cannot be written"):
        await write(store, *SPOKEN)
