"""Recordings on disk: a row for each in the voice server's database, and a file once it has been fetched."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import BinaryIO

from services.voice_server.domain.opening import MAX_SECONDS
from services.voice_server.domain.recording import Made, Progress, Recording
from shared.database import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS recordings (
    call_id       TEXT PRIMARY KEY,
    progress      TEXT NOT NULL,
    since         REAL NOT NULL,
    recording_sid TEXT,
    seconds       INTEGER,
    size_bytes    INTEGER,
    fault         TEXT
) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS open_recordings AS
    SELECT call_id FROM recordings WHERE progress IN ('awaited', 'made', 'copied');
"""

MAX_BYTES = 2 * 2 * 8000 * MAX_SECONDS + (1 << 20)
"""Two channels of 16 bits at 8 kHz for as long as any call lasts, and some more."""


class RecordingTooLargeError(Exception):
    """What Twilio sends as the recording is larger than a recording of the longest call."""


class Recordings:
    """Keep recordings: what is known of them in `voice.sqlite`, each itself in `recordings/<call_id>.wav`.

    A `call_id` becomes a file's name: it must consist of letters and digits. Methods that read or write rows
    raise `shared.database.DatabaseError` when the disk does not play along.

    Attributes:
        most_bytes: how large a file may be.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self.most_bytes = MAX_BYTES
        self._database = database
        self._folder = folder

    async def expect(self, call_id: str, at: float) -> None:
        """Note that Twilio is being asked to record a call. A repeat changes nothing."""
        sql = "INSERT OR IGNORE INTO recordings (call_id, progress, since) VALUES (?,?,?)"
        await self._execute(sql, call_id, Progress.AWAITED, at)

    async def told(self, call_id: str, made: Made) -> bool:
        """Note what Twilio has recorded of a call; False if that is known, or nobody asked for it."""
        progress = Progress.ABSENT if made.is_absent else Progress.MADE
        sql = (
            "UPDATE recordings SET progress = ?, recording_sid = ?, seconds = ?"
            " WHERE call_id = ? AND progress IN ('awaited', 'absent')"
        )
        return await self._execute(sql, progress, made.recording_sid, made.seconds, call_id) > 0

    async def has_become(
        self, call_id: str, progress: Progress, *, size_bytes: int | None = None, fault: str | None = None
    ) -> None:
        """Note how far a recording has come."""
        sql = (
            "UPDATE recordings SET progress = ?, size_bytes = coalesce(?, size_bytes), fault = ?"
            " WHERE call_id = ?"
        )
        await self._execute(sql, progress, size_bytes, fault, call_id)

    async def of(self, call_id: str) -> Recording | None:
        """Find what is known of a call's recording; None if it was never asked for."""
        sql = (
            "SELECT call_id, progress, since, recording_sid, seconds, size_bytes, fault FROM recordings"
            " WHERE call_id = ?"
        )
        row = await self._database.run(lambda db: db.execute(sql, (call_id,)).fetchone())
        return Recording(**{**row, "progress": Progress(row["progress"])}) if row else None

    async def open(self) -> list[str]:
        """List the calls whose recordings still have to be seen to."""
        sql = "SELECT call_id FROM open_recordings"
        return [row["call_id"] for row in await self._database.run(lambda db: db.execute(sql).fetchall())]

    async def keep(self, call_id: str, media: AsyncIterator[bytes]) -> int:
        """Write a recording into its file, whole or not at all, and return how large it is.

        Raises:
            RecordingTooLargeError: it is larger than `most_bytes`.
            OSError: the disk is full, or broken.
        """
        part, size = self.path(call_id).with_suffix(".part"), 0
        # Not in a thread: a task that is ended just then would leave it open.
        file = _create(part)
        try:
            async for piece in media:
                size += len(piece)
                if size > self.most_bytes:
                    raise RecordingTooLargeError(RecordingTooLargeError.__doc__)
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(_complete, file, part, self.path(call_id))
        finally:
            part.unlink(missing_ok=True)  # before the close, which fails as well where the disk is full
            file.close()
        return size

    def path(self, call_id: str) -> Path:
        """Tell where the recording of a call is, or would be."""
        return self._folder / f"{call_id}.wav"

    def forget(self, db: sqlite3.Connection, call_ids: Iterable[str]) -> None:
        """Delete recordings and what is known of them, in a transaction of the database's thread."""
        for call_id in call_ids:
            if db.execute("DELETE FROM recordings WHERE call_id = ?", (call_id,)).rowcount:
                self.path(call_id).unlink(missing_ok=True)

    async def _execute(self, sql: str, *values: object) -> int:
        return await self._database.run(lambda db: db.execute(sql, values).rowcount)


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _complete(file: BinaryIO, part: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # what Twilio has is deleted next: the name must survive a power cut, too
    finally:
        os.close(folder)
