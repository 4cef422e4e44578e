"""SQLite that never blocks the event loop and is on disk when it says so.

One thread owns the connection. Whatever has been asked for while it was busy shares the next transaction
and so the next fsync (group commit): durable, and still tens of thousands of writes a second.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_BATCH = 256


class DatabaseError(Exception):
    """The database could not be read or written; the cause says why."""


class Database:
    """Run functions on one SQLite file, each a savepoint of a shared, durable transaction.

    Args:
        path: the file; its folder is created, both readable by the owner only.
        schema: statements that can run again at every start (`CREATE … IF NOT EXISTS`).

    Raises:
        DatabaseError: the file cannot be used as a database.
        OSError: the folder cannot be written.
    """

    def __init__(self, path: Path, schema: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        try:
            self._connection = _opened(path, schema)
        except sqlite3.Error as error:
            raise DatabaseError(str(error)) from error
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=path.stem, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the database's thread; when this returns, what it wrote survives a power cut.

        Raises:
            DatabaseError: SQLite refused; nothing of this function's work is kept. Or the file is closed.
        """
        return await self._put(lambda future: _Work(work, future))

    async def _put(self, make: Callable[[asyncio.Future[T]], "_Work"]) -> T:
        if self._is_closed:
            raise DatabaseError("The database is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(make(future))
        try:
            return await future
        except sqlite3.Error as error:
            raise DatabaseError(str(error)) from error

    async def scrub(self) -> None:
        """Leave nothing on the disk of what has been deleted: write the file anew, and empty its log.

        Whoever wants the database meanwhile waits, about a second for each 100 MB.

        Raises:
            DatabaseError: the disk is full, or another process reads the file; the traces may still be there.
        """
        await self._put(_Scrub)

    async def close(self) -> None:
        """Finish what was asked for and close the file."""
        self._is_closed = True
        self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = [first], False
            while not self._queue.empty() and len(batch) < _BATCH and not last:
                if (work := self._queue.get()) is None:
                    last = True
                else:
                    batch.append(work)
            self._commit(batch)
            if last:
                break
        self._connection.close()

    def _commit(self, batch: list["_Work"]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for work in batch:
                work.execute(self._connection)
            self._connection.execute("COMMIT")
            for scrub in [work for work in batch if isinstance(work, _Scrub)]:
                scrub.scrub(self._connection)
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for work in batch:
                work.fail(error)
        # One call for all: each wakes the loop by a system call, and passes the GIL back and forth.
        with suppress(RuntimeError):  # The loop has been closed: nobody waits any more.
            batch[0].future.get_loop().call_soon_threadsafe(_settle, batch)


def _opened(path: Path, schema: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.executescript(schema)
    return connection


class _Work:
    """One function and whoever waits for it."""

    def __init__(self, function: Callable[[sqlite3.Connection], Any], future: asyncio.Future[Any]) -> None:
        self._function = function
        self.future = future
        self._outcome: Callable[[], None] = lambda: None

    def execute(self, connection: sqlite3.Connection) -> None:
        """Run the function in a savepoint of its own: its failure is its own, not its neighbours'."""
        connection.execute("SAVEPOINT work")
        try:
            result = self._function(connection)
        except BaseException as error:
            if not connection.in_transaction:  # A full disk ends the whole of it, the neighbours' work too.
                raise
            connection.execute("ROLLBACK TO work")
            self.fail(error)
        else:
            self._outcome = lambda: self.future.set_result(result)
        connection.execute("RELEASE work")

    def fail(self, error: BaseException) -> None:
        """Remember that the work came to nothing."""
        self._outcome = lambda: self.future.set_exception(error)

    def settle(self) -> None:
        """Tell whoever waits, unless they have gone."""
        if not self.future.done():
            self._outcome()


class _Scrub(_Work):
    """Writing the file anew, which no transaction can have part in: it comes after that of its batch."""

    def __init__(self, future: asyncio.Future[None]) -> None:
        super().__init__(lambda _: None, future)

    def scrub(self, connection: sqlite3.Connection) -> None:
        """Write the file anew; its failure is its own."""
        try:
            connection.execute("VACUUM")
            is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if is_busy:
                raise sqlite3.OperationalError("another process reads the file")
        except sqlite3.Error as error:
            self.fail(error)


def _settle(batch: list[_Work]) -> None:
    for work in batch:
        work.settle()
