"""The voice server's memory: calls, their events, and what of those the bridge has not got yet.

A call and the events it has just published are saved in one transaction: after a crash both are there or
neither. What has been said is not kept apart: it is in the events.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from services.voice_server.adapters import daily, people, recordings, search
from services.voice_server.domain.record import CallRecord, Phase
from shared.database import Database, DatabaseError
from shared.events import CallEvent, KeptEvent, TranscriptUpdate, call_event
from shared.people import Forgotten
from shared.transcript import Turn, in_order

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    number     INTEGER PRIMARY KEY,
    ref        TEXT NOT NULL UNIQUE,
    call_id    TEXT UNIQUE,
    call_sid   TEXT,
    rtc_id     TEXT,
    phase      TEXT NOT NULL,
    status     TEXT NOT NULL,
    direction  TEXT NOT NULL,
    phone      TEXT NOT NULL,
    started_at REAL NOT NULL,
    record     TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS calls_by_call_sid ON calls (call_sid);
CREATE INDEX IF NOT EXISTS calls_by_rtc_id ON calls (rtc_id);
CREATE INDEX IF NOT EXISTS calls_open ON calls (phase) WHERE phase <> 'ended';
CREATE TABLE IF NOT EXISTS events (
    call_id   TEXT NOT NULL,
    sequence  INTEGER NOT NULL,
    type      TEXT NOT NULL,
    body      TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (call_id, sequence)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS events_undelivered ON events (call_id) WHERE delivered = 0;
CREATE TABLE IF NOT EXISTS claims (
    key    TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    ref    TEXT NOT NULL,
    at     REAL NOT NULL
) WITHOUT ROWID;
"""

_FORGOTTEN_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls of the history are wanted; `before` is the number the last page ended with.

    `text` is a part of what somebody said, in whatever case.
    """

    limit: int
    before: int | None = None
    direction: str | None = None
    status: str | None = None
    phone: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What an `Idempotency-Key` stands for: a fingerprint of the order, and the ref of its call."""

    digest: str
    ref: str


class Store:
    """Keep calls and events in `voice.sqlite` of the data folder.

    Every method raises `shared.database.DatabaseError` when the disk does not play along.

    Attributes:
        write_fault: why the last call could not be saved; None if it was.
        recordings: what is kept of calls' recordings, in the same file and in files of their own.
    """

    def __init__(self, data_dir: Path) -> None:
        self.write_fault: str | None = None
        schema = f"BEGIN;{_SCHEMA}{search.SCHEMA}{daily.SCHEMA}{recordings.SCHEMA}COMMIT;"
        self._database = Database(data_dir / "voice.sqlite", schema)
        self.recordings = recordings.Recordings(self._database, data_dir / "recordings")
        self._searchable_from = 2**63 - 1

    async def close(self) -> None:
        """Finish what is being written and close the file."""
        await self._database.close()

    async def save(self, call: CallRecord, events: Sequence[KeptEvent]) -> None:
        """Save a call as it now is, with the events it has published since."""
        phase = Phase.CLOSING if call.phase is Phase.ENDED and not call.is_settled else call.phase
        row = (
            call.ref,
            call.call_id,
            call.call_sid,
            call.rtc_id,
            phase,
            call.status,
            call.direction,
            call.phone_number,
            call.started_at,
            call.model_dump_json(),
        )
        rows = [(e.call_id, e.sequence, e.event_type, e.model_dump_json()) for e in events]

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO calls (ref, call_id, call_sid, rtc_id, phase, status, direction, phone,"
                " started_at, record) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (ref) DO UPDATE SET"
                " call_id = excluded.call_id, call_sid = excluded.call_sid, rtc_id = excluded.rtc_id,"
                " phase = excluded.phase, status = excluded.status, record = excluded.record",
                row,
            )
            db.executemany("INSERT INTO events (call_id, sequence, type, body) VALUES (?,?,?,?)", rows)
            if phase is Phase.ENDED:
                search.keep_words(db, call.ref)

        try:
            await self._database.run(work)
        except DatabaseError as error:
            self.write_fault = str(error)
            raise
        self.write_fault = None

    async def call(self, any_id: str) -> CallRecord | None:
        """Find a call by Twilio's or OpenAI's id of it."""
        rows = await self._rows("SELECT record FROM calls WHERE call_sid = ? OR rtc_id = ?", any_id, any_id)
        return CallRecord.model_validate_json(rows[0]["record"]) if rows else None

    async def history(self, wanted: Filter) -> list[tuple[int, CallRecord]]:
        """List calls, newest first, each with its number for `Filter.before`."""
        limits = {"number < ?": wanted.before, "direction = ?": wanted.direction}
        limits |= {"status = ?": wanted.status, "phone = ?": wanted.phone}
        given = {where: value for where, value in limits.items() if value is not None}
        if wanted.text is not None:
            await self._make_searchable()

        def work(db: sqlite3.Connection) -> list[sqlite3.Row]:
            wheres, values = ["call_id IS NOT NULL", *given], [*given.values()]
            if wanted.text is not None:
                where, texts = search.condition(db, wanted.text)
                wheres, values = [*wheres, where], [*values, *texts]
            return db.execute(
                f"SELECT number, record FROM calls WHERE {' AND '.join(wheres)}"  # noqa: S608 - our own words
                " ORDER BY number DESC LIMIT ?",
                (*values, wanted.limit),
            ).fetchall()

        rows = await self._database.run(work)
        return [(row["number"], CallRecord.model_validate_json(row["record"])) for row in rows]

    async def days(self, span: daily.Span, now: float) -> Mapping[int, daily.Totals]:
        """Add up the calls that began on each day; a day without any is left out."""
        return await self._database.run(lambda db: daily.totals(db, span, now))

    async def unfinished(self) -> list[tuple[CallRecord, list[str]]]:
        """List the calls not settled when the server stopped, with the items published, in order."""
        rows = await self._rows("SELECT record FROM calls WHERE phase <> ? ORDER BY number", Phase.ENDED)
        calls = [CallRecord.model_validate_json(row["record"]) for row in rows]
        return [(call, [turn.item_id for turn in await self.turns(call)]) for call in calls]

    async def claim(self, key: str, claim: Claim, at: float, kept_seconds: float) -> Claim:
        """Let a key stand for an order, unless it does already; return what it stands for."""

        def work(db: sqlite3.Connection) -> Claim:
            db.execute("DELETE FROM claims WHERE at <= ?", (at - kept_seconds,))
            row = (key, claim.digest, claim.ref, at)
            db.execute("INSERT OR IGNORE INTO claims (key, digest, ref, at) VALUES (?,?,?,?)", row)
            return Claim(*db.execute("SELECT digest, ref FROM claims WHERE key = ?", (key,)).fetchone())

        return await self._database.run(work)

    async def disclaim(self, key: str) -> None:
        """Let a key stand for nothing again."""
        await self._execute("DELETE FROM claims WHERE key = ?", key)

    async def call_of(self, ref: str) -> CallRecord | None:
        """Find a call by our own name for it."""
        rows = await self._rows("SELECT record FROM calls WHERE ref = ?", ref)
        return CallRecord.model_validate_json(rows[0]["record"]) if rows else None

    async def since(self, moment: float) -> list[CallRecord]:
        """List the calls begun since a moment, those nobody has given an id included, oldest first."""
        rows = await self._rows("SELECT record FROM calls WHERE started_at >= ? ORDER BY number", moment)
        return [CallRecord.model_validate_json(row["record"]) for row in rows]

    async def forget(self, before: float) -> int:
        """Delete some of the calls that ended before a moment, with all that is kept of them; tell how many.

        A call that is not settled, whose recording is not, or of which the bridge lacks an event, is kept.
        """

        def work(db: sqlite3.Connection) -> int:
            found = db.execute(
                "SELECT number, call_id FROM calls WHERE started_at < :before AND phase = 'ended'"
                " AND json_extract(record, '$.ended_at') < :before AND NOT EXISTS"
                " (SELECT 1 FROM events WHERE events.call_id = calls.call_id AND delivered = 0)"
                " AND NOT EXISTS (SELECT 1 FROM open_recordings AS open WHERE open.call_id = calls.call_id)"
                " ORDER BY started_at LIMIT :most",
                {"before": before, "most": _FORGOTTEN_AT_ONCE},
            ).fetchall()
            db.executemany("DELETE FROM events WHERE call_id = ?", [(row["call_id"],) for row in found])
            self.recordings.forget(db, [row["call_id"] for row in found])
            db.executemany("DELETE FROM calls WHERE number = ?", [(row["number"],) for row in found])
            return len(found)

        return await self._database.run(work)

    async def forget_person(self, number: str) -> Forgotten:
        """Delete all that is kept of a person, traces on the disk included, or raise `StillUnderwayError`."""

        def work(db: sqlite3.Connection) -> Forgotten:
            forgotten = people.forget(db, number)
            self.recordings.forget(db, forgotten.call_ids)
            return forgotten

        forgotten = await self._database.run(work)
        await self._database.scrub()
        return forgotten

    async def turns(self, call: CallRecord) -> list[Turn]:
        """List a call's finished turns, in the order they were spoken."""
        rows = await self._rows(
            "SELECT body FROM events WHERE call_id = ? AND type = 'transcript_update' ORDER BY sequence",
            call.call_id,
        )
        return in_order(Turn.of(TranscriptUpdate.model_validate_json(row["body"])) for row in rows)

    async def tool_events(self, call: CallRecord) -> list[CallEvent]:
        """List what a call has told of its tool calls, in order."""
        rows = await self._rows(
            "SELECT body FROM events WHERE call_id = ? AND type IN ('tool_started', 'tool_finished')"
            " ORDER BY sequence",
            call.call_id,
        )
        return [call_event.validate_json(row["body"]) for row in rows]

    async def undelivered_calls(self) -> list[str]:
        """List the calls whose events the bridge has not all got."""
        rows = await self._rows("SELECT DISTINCT call_id FROM events WHERE delivered = 0")
        return [row["call_id"] for row in rows]

    async def backlog(self, now: float) -> tuple[int, float]:
        """Count the events the bridge has not got, and the seconds since the oldest of them happened."""
        (row,) = await self._rows(
            "SELECT count(*) AS events, min(json_extract(body, '$.timestamp')) AS oldest"
            " FROM events WHERE delivered = 0"
        )
        oldest = row["oldest"]
        return row["events"], max(0, now - datetime.fromisoformat(oldest).timestamp()) if oldest else 0

    async def undelivered(self, call_id: str, limit: int = 64) -> list[tuple[int, str]]:
        """List a call's events the bridge has not got, oldest first: sequence and JSON."""
        rows = await self._rows(
            "SELECT sequence, body FROM events WHERE call_id = ? AND delivered = 0 ORDER BY sequence LIMIT ?",
            call_id,
            limit,
        )
        return [(row["sequence"], row["body"]) for row in rows]

    async def delivered(self, call_id: str, sequence: int) -> None:
        """Note that the bridge has got a call's events up to this one."""
        await self._execute(
            "UPDATE events SET delivered = 1 WHERE call_id = ? AND sequence <= ?", call_id, sequence
        )

    async def rewind(self, call_id: str, sequence: int) -> None:
        """Note that the bridge misses a call's events from this one on."""
        await self._execute(
            "UPDATE events SET delivered = 0 WHERE call_id = ? AND sequence >= ?", call_id, sequence
        )

    async def _make_searchable(self) -> None:
        # Some at a time: whoever saves a call meanwhile does not wait for all.
        while before := self._searchable_from:
            self._searchable_from = await self._database.run(
                partial(search.keep_missing_words, before=before)
            )

    async def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return await self._database.run(lambda db: db.execute(sql, values).fetchall())

    async def _execute(self, sql: str, *values: object) -> None:
        await self._database.run(lambda db: db.execute(sql, values).rowcount)
