"""Recordings on disk: rows that only move on, files that are there whole or not at all."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.voice_server.adapters.recordings import Recordings, RecordingTooLargeError
from services.voice_server.adapters.store import Store
from services.voice_server.domain.record import CallRecord, Phase
from services.voice_server.domain.recording import Made, Progress, Recording
from tests.voice_server.calls import STARTED_AT, record

CALL, SID = f"CA{1:032x}", "RE" + "1" * 32
MADE = Made(SID, 12, is_absent=False)


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def recordings(store: Store) -> Recordings:
    return store.recordings


async def test_what_is_told_twice_is_taken_once(recordings: Recordings) -> None:
    assert not await recordings.told(CALL, MADE)  # nobody asked for it
    for _ in range(2):
        await recordings.expect(CALL, STARTED_AT)
    assert [await recordings.told(CALL, MADE) for _ in range(2)] == [True, False]
    await recordings.expect(CALL, STARTED_AT + 5)
    assert await recordings.of(CALL) == Recording(CALL, Progress.MADE, STARTED_AT, SID, 12)


async def test_what_is_told_as_absent_may_yet_come(recordings: Recordings) -> None:
    await recordings.expect(CALL, STARTED_AT)
    assert await recordings.told(CALL, Made(SID, None, is_absent=True))
    assert await recordings.open() == []
    assert await recordings.told(CALL, MADE)
    assert await recordings.open() == [CALL]


async def test_it_is_open_until_it_is_here_alone_or_cannot_be_had(recordings: Recordings) -> None:
    await recordings.expect(CALL, STARTED_AT)
    still_open = {}
    for progress in Progress:
        await recordings.has_become(CALL, progress)
        still_open[progress] = await recordings.open() == [CALL]
    assert {name for name, is_open in still_open.items() if is_open} == {"awaited", "made", "copied"}


async def test_a_file_is_the_owners_alone_and_replaced_as_a_whole(recordings: Recordings) -> None:
    for content in (b"RIFF1", b"RIFF22"):
        assert await recordings.keep(CALL, pieces(content[:3], content[3:])) == len(content)
        assert recordings.path(CALL).read_bytes() == content
    (only,) = recordings.path(CALL).parent.iterdir()
    assert (only.stat().st_mode & 0o777, only.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_what_is_too_large_leaves_nothing_behind(recordings: Recordings) -> None:
    recordings.most_bytes = 7
    with pytest.raises(RecordingTooLargeError):
        await recordings.keep(CALL, pieces(b"RIFF", b"1234"))
    assert list(recordings.path(CALL).parent.iterdir()) == []


async def test_what_breaks_off_leaves_what_was_there_before(recordings: Recordings) -> None:
    await recordings.keep(CALL, pieces(b"RIFF"))

    async def broken() -> AsyncIterator[bytes]:
        yield b"RIFF and"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await recordings.keep(CALL, broken())
    assert recordings.path(CALL).read_bytes() == b"RIFF"
    assert len(list(recordings.path(CALL).parent.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
async def test_a_full_disk_is_told_and_leaves_nothing_behind(recordings: Recordings) -> None:
    folder = recordings.path(CALL).parent
    folder.mkdir()
    (folder / f"{CALL}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        await recordings.keep(CALL, pieces(b"RIFF"))
    assert list(folder.iterdir()) == []


def over(serial: int) -> CallRecord:
    gone = {"leg_gone": True, "rtc_gone": True}
    return record(serial, phase=Phase.ENDED, ended_at=STARTED_AT + 100, **gone)


async def test_it_is_forgotten_with_its_call_and_only_when_it_is_done_with(store: Store) -> None:
    for serial in (1, 2):
        await store.save(over(serial), [])
    await store.recordings.expect(CALL, STARTED_AT)
    await store.recordings.keep(CALL, pieces(b"RIFF"))
    await store.recordings.has_become(CALL, Progress.COPIED)
    assert await store.forget(STARTED_AT + 101) == 1
    assert await store.call(CALL)
    await store.recordings.has_become(CALL, Progress.KEPT)
    assert await store.forget(STARTED_AT + 101) == 1
    assert await store.recordings.of(CALL) is None
    assert not store.recordings.path(CALL).exists()
