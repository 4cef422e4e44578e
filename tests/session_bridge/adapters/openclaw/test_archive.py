"""What became of a block that was written into session files."""

from pathlib import Path

import orjson
import pytest

from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.domain.transcript import line
from services.session_bridge.domain.verdict import Finding, Kept, Verdict, judge
from tests.session_bridge.openclaw import HEADER, MAIN, NOW, SPOKEN, TALK, Home, enter, made, write

BLOCK = made(*SPOKEN)
IDS = tuple(message.id for message in BLOCK.messages)


async def found(store: JsonlStore, place: str | None) -> tuple[Kept, Verdict]:
    [kept] = await store.kept([made(*SPOKEN, store="jsonl", place=place)])
    return kept, judge(kept, is_synced=True)


def lines(*parents: str | None) -> bytes:
    """Make the block's lines, each with this parent."""
    return b"".join(
        orjson.dumps(line(message, parent)) + b"\n"
        for message, parent in zip(BLOCK.messages, parents, strict=True)
    )


WHOLE = lines("bb", IDS[0])
LEAF = b'{"type":"leaf","id":"l","parentId":"bb","targetId":"' + IDS[1].encode() + b'"}\n'


async def test_a_block_as_it_was_written_is_found_whole(store: JsonlStore, home: Home) -> None:
    enter(home, TALK)
    place = await write(store, *SPOKEN)
    assert await found(store, place) == (Kept(IDS, IDS), {})


@pytest.mark.parametrize(
    ("content", "findings"),
    [
        (TALK, {Finding.LOST}),
        (TALK + lines("bb", IDS[0]).splitlines(keepends=True)[0], {Finding.LOST}),
        (TALK + WHOLE + WHOLE, {Finding.DOUBLED}),
        (TALK + b"".join(lines(IDS[1], "bb").splitlines(keepends=True)[::-1]), {Finding.OUT_OF_ORDER}),
        (TALK + WHOLE + b'{"type":"message","id":"cc","parentId":"bb"}\n', {Finding.LOST}),
        (TALK + WHOLE + LEAF, set()),
        (TALK + WHOLE + b'{"type":"mess', set()),
    ],
    ids=["nothing", "half", "twice", "turned round", "side branch", "leaf", "torn later"],
)  # fmt: skip
async def test_a_file_is_read_as_openclaw_reads_it(
    store: JsonlStore, home: Home, content: bytes, findings: set[Finding]
) -> None:
    enter(home, content)
    assert set((await found(store, "s1"))[1]) == findings


@pytest.mark.parametrize("other", ["s2.jsonl", "s2.jsonl.reset.2026-11-22T14-05-00.000Z"])
async def test_a_second_copy_in_another_conversation_is_doubled(
    store: JsonlStore, home: Home, other: str
) -> None:
    enter(home, TALK + WHOLE)
    (home.sessions / other).write_bytes(TALK + WHOLE)
    assert set((await found(store, "s1"))[1]) == {Finding.DOUBLED}


@pytest.mark.parametrize(
    "copy",
    [
        "s1.checkpoint.6f6a4f0e-2b0d-4c1f-9a37-7f5d3c1e8b42.jsonl",
        "s1.jsonl.bak-12-1795352401000",
        "s1.jsonl.corrupt-1795352401000.jsonl",
        "s1.jsonl.lock",
        "s1.trajectory.jsonl",
    ],
)
async def test_what_openclaw_keeps_beside_is_no_second_copy(store: JsonlStore, home: Home, copy: str) -> None:
    enter(home, TALK + WHOLE)
    (home.sessions / copy).write_bytes(TALK + WHOLE)
    assert await found(store, "s1") == (Kept(IDS, IDS), {})


async def test_a_branch_repeats_without_doubling_and_remembers_of_its_own(
    store: JsonlStore, home: Home
) -> None:
    branch = HEADER.replace(b'"cwd"', b'"parentSession":"/x/s1.jsonl","cwd"')
    enter(home, TALK + WHOLE)
    path = home.sessions / "s2.jsonl"
    path.write_bytes(branch + TALK.removeprefix(HEADER) + WHOLE)
    assert await found(store, "s1") == (Kept(IDS, IDS), {})
    (home.sessions / "s1.jsonl").write_bytes(TALK)
    assert await found(store, "s2") == (Kept(IDS, IDS), {})


async def test_a_reset_conversation_is_what_the_agent_remembered(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK + WHOLE)
    path.rename(home.sessions / "s1.jsonl.reset.2026-11-22T14-05-00.000Z")
    home.enter(MAIN, sessionId="s2", updatedAt=NOW)
    assert await found(store, "s1") == (Kept(IDS, IDS), {})


async def test_a_deleted_conversation_is_removed_not_lost(store: JsonlStore, home: Home) -> None:
    path = enter(home, TALK + WHOLE)
    path = path.rename(home.sessions / "s1.jsonl.deleted.2026-11-22T14-05-00.000Z")
    home.enter(MAIN, sessionId="s2", updatedAt=NOW)
    kept, verdict = await found(store, "s1")
    assert (kept.seen, set(verdict)) == (IDS, {Finding.REMOVED})
    path.unlink()
    assert set((await found(store, "s1"))[1]) == {Finding.REMOVED}


@pytest.mark.parametrize("place", ["s1", None])
async def test_a_missing_file_that_is_pointed_to_or_was_never_noted_is_lost(
    store: JsonlStore, home: Home, place: str | None
) -> None:
    enter(home, TALK).unlink()
    assert set((await found(store, place))[1]) == {Finding.LOST}


async def test_where_nobody_noted_the_place_every_file_is_searched(store: JsonlStore, home: Home) -> None:
    enter(home, TALK + WHOLE)
    home.enter(MAIN, sessionId="s2", updatedAt=NOW)
    assert await found(store, None) == (Kept(IDS, IDS), {})


async def test_looking_changes_nothing(store: JsonlStore, home: Home) -> None:
    enter(home, TALK + WHOLE)

    def state() -> list[tuple[Path, int, int]]:
        return [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in home.sessions.iterdir()]

    before = state()
    await found(store, "s1")
    assert state() == before
