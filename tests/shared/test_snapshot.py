"""Copies of one moment, taken while others write."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from shared import snapshot
from shared.database import DatabaseError


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, timeout=5)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two databases; what is noted in the second is noted in the first before."""
    paths = [tmp_path / "first.sqlite", tmp_path / "second.sqlite"]
    for path in paths:
        with closing(opened(path)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE notes (number INTEGER PRIMARY KEY)")
    return paths


def noted(path: Path) -> list[int]:
    with closing(opened(path)) as db:
        return [number for (number,) in db.execute("SELECT number FROM notes ORDER BY number")]


@contextmanager
def writing(files: list[Path]) -> Iterator[None]:
    """Note the same in one after the other, as fast as the disk takes it, until the end of the block."""
    stop, begun = Event(), Event()

    def write() -> None:
        with ExitStack() as until:
            both = [until.enter_context(closing(opened(path))) for path in files]
            number = 0
            while not stop.is_set():
                number += 1
                for db in both:
                    db.execute("INSERT INTO notes VALUES (?)", (number,))
                begun.set()

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        assert begun.wait(10)
        try:
            yield
        finally:
            stop.set()
            writer.result(10)


def test_copies_never_contradict_each_other_however_busy_the_files_are(
    files: list[Path], tmp_path: Path
) -> None:
    with writing(files):
        for serial in range(20):
            folder = tmp_path / str(serial)
            folder.mkdir()
            snapshot.copy(files, folder)
            first, second = (noted(folder / file.name) for file in files)
            assert second == first[: len(second)], "what the second has, the first has"
            assert len(first) - len(second) <= 1, "nobody wrote in between"
    assert noted(files[0]) == noted(files[1])


def test_a_copy_is_a_file_of_its_own_that_only_its_owner_reads(files: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    snapshot.copy(files, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["first.sqlite", "second.sqlite"]
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())


@pytest.mark.parametrize("text", [None, "no database, whatever its name says " * 30])
def test_what_is_no_database_is_refused_with_the_reason(
    files: list[Path], tmp_path: Path, text: str | None
) -> None:
    wrong = tmp_path / "wrong.sqlite"
    if text:
        wrong.write_text(text)
    (tmp_path / "copies").mkdir()
    with pytest.raises(DatabaseError, match=r"unable to open|not a database"):
        snapshot.copy([files[0], wrong], tmp_path / "copies")
