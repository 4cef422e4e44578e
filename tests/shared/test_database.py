import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.database import Database, DatabaseError

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL UNIQUE)"
Work = Callable[[sqlite3.Connection], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a database that does not exist yet."""
    return tmp_path / "new" / "notes.sqlite"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """Give a database that is closed in the end."""
    opened = Database(path, SCHEMA)
    yield opened
    await opened.close()


def noting(*texts: str) -> Work:
    """Make work that writes these."""

    def work(db: sqlite3.Connection) -> None:
        for text in texts:
            db.execute("INSERT INTO notes VALUES (?)", (text,))

    return work


def on_disk(path: Path) -> list[str]:
    """Read with another connection what is there."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]
    finally:
        connection.close()


class Busy:
    """Keep a database's thread busy, so that what is asked for meanwhile comes together in one batch."""

    def __init__(self, database: Database) -> None:
        self._entered, self._leave = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()
        self._work = asyncio.gather(database.run(self._hold))

    async def __aenter__(self) -> None:
        await self._entered.wait()

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        await self._work

    def _hold(self, _: sqlite3.Connection) -> None:
        self._loop.call_soon_threadsafe(self._entered.set)
        self._leave.wait(5)


async def together(database: Database, *works: Work) -> list[object]:
    """Have work done in one batch, and return each one's result or exception."""
    async with Busy(database):
        asked = [asyncio.ensure_future(database.run(work)) for work in works]  # noqa: TID251 - awaited below
        await asyncio.sleep(0)
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def test_what_is_written_is_on_disk_when_it_is_answered(database: Database, path: Path) -> None:
    await database.run(noting("a"))
    assert on_disk(path) == ["a"]


async def test_work_returns_what_it_found(database: Database) -> None:
    await database.run(noting("a", "b"))
    rows = await database.run(lambda db: db.execute("SELECT text FROM notes").fetchall())
    assert [row["text"] for row in rows] == ["a", "b"]


async def test_what_is_asked_for_together_shares_one_commit(database: Database, path: Path) -> None:
    statements: list[str] = []
    await database.run(lambda db: db.set_trace_callback(statements.append))
    statements.clear()
    await together(database, *(noting(str(number)) for number in range(100)))
    await database.run(lambda db: db.set_trace_callback(None))
    # One for whoever kept the thread busy, one for all the others.
    assert statements.count("COMMIT") == 2
    assert on_disk(path) == [str(number) for number in range(100)]


def breaks(db: sqlite3.Connection) -> None:
    noting("half")(db)
    raise LookupError("ours")


async def test_a_failure_undoes_its_own_work_and_not_its_neighbours(database: Database, path: Path) -> None:
    results = await together(database, noting("a"), noting("b", "a"), breaks, noting("c"))
    assert [type(result) for result in results] == [type(None), DatabaseError, LookupError, type(None)]
    assert on_disk(path) == ["a", "c"]


async def test_a_transaction_that_is_lost_fails_all_that_shared_it_and_the_next_goes_on(
    database: Database, path: Path
) -> None:
    results = await together(database, noting("a"), lambda db: db.execute("ROLLBACK"), noting("b"))
    assert all(isinstance(result, DatabaseError) for result in results)
    await database.run(noting("c"))
    assert on_disk(path) == ["c"]


async def test_a_failure_of_sqlites_keeps_its_cause(database: Database) -> None:
    with pytest.raises(DatabaseError, match="no such table") as caught:
        await database.run(lambda db: db.execute("SELECT * FROM nowhere"))
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


async def test_who_gives_up_waiting_does_not_disturb_the_others(database: Database, path: Path) -> None:
    async with Busy(database):
        given_up = asyncio.ensure_future(database.run(noting("a")))  # noqa: TID251 - awaited below
        kept = asyncio.ensure_future(database.run(noting("b")))  # noqa: TID251 - awaited below
        await asyncio.sleep(0)
        given_up.cancel()
    await kept
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert on_disk(path)[-1] == "b"


async def test_closing_finishes_what_was_asked_for(path: Path) -> None:
    database = Database(path, SCHEMA)
    asked = [asyncio.ensure_future(database.run(noting(str(n)))) for n in range(600)]  # noqa: TID251 - awaited below
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*asked)
    assert on_disk(path) == [str(number) for number in range(600)]


async def test_a_closed_database_says_so_instead_of_keeping_one_waiting(path: Path) -> None:
    database = Database(path, SCHEMA)
    await database.close()
    await database.close()
    async with asyncio.timeout(5):
        with pytest.raises(DatabaseError, match="closed"):
            await database.run(noting("a"))


async def test_a_database_is_found_again_by_the_next_start(path: Path) -> None:
    for text in ("first", "second"):
        database = Database(path, SCHEMA)
        await database.run(noting(text))
        await database.close()
    assert on_disk(path) == ["first", "second"]


def test_what_was_answered_survives_a_kill(path: Path) -> None:
    program = f"""
import asyncio, os, signal
from pathlib import Path
from shared.database import Database

async def main():
    database = Database(Path({str(path)!r}), {SCHEMA!r})
    for number in range(20):
        await database.run(lambda db: db.execute("INSERT INTO notes VALUES (?)", (str(number),)))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    run = subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    assert run.returncode == -signal.SIGKILL
    assert on_disk(path) == [str(number) for number in range(20)]


def test_only_the_owner_may_read_it(path: Path) -> None:
    asyncio.run(Database(path, SCHEMA).close())
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_after_a_scrub_nothing_deleted_is_left_in_the_file_or_its_log(
    database: Database, path: Path
) -> None:
    await database.run(noting("kept", *(f"secret {number} " + "x" * 3000 for number in range(50))))
    await database.run(lambda db: db.execute("DELETE FROM notes WHERE text LIKE 'secret%'"))
    files = [path, path.with_name(f"{path.name}-wal")]
    assert any(b"secret" in file.read_bytes() for file in files)
    await database.scrub()
    assert [b"secret" in file.read_bytes() for file in files] == [False, False]
    assert on_disk(path) == ["kept"]


async def test_a_scrub_and_its_neighbours_do_not_disturb_each_other(database: Database, path: Path) -> None:
    await asyncio.gather(database.run(noting("before")), database.scrub(), database.run(noting("after")))
    assert on_disk(path) == ["before", "after"]


async def test_a_scrub_while_another_process_reads_says_so(database: Database, path: Path) -> None:
    await database.run(noting("kept"))
    await database.run(lambda db: db.execute("PRAGMA busy_timeout=10").fetchall())
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM notes").fetchall()
    with pytest.raises(DatabaseError, match="another process reads the file"):
        await database.scrub()
    reader.close()
    await database.scrub()
