import asyncio
import sqlite3
import time

import pytest

from shared.database import DatabaseError
from shared.retention import DAY_SECONDS, forget_daily
from shared.tasks import Tasks


async def test_all_that_is_old_is_forgotten_bit_by_bit_and_again_the_next_day() -> None:
    left, asked, days = [50, 7, 0, 3, 0], list[float](), asyncio.Event()

    async def forget(before: float) -> int:
        asked.append(before)
        if len(asked) == len(left):
            days.set()
        return left[len(asked) - 1]

    async with Tasks() as tasks:
        tasks.start(forget_daily(forget, 10, every_seconds=0.01), name="retention")
        async with asyncio.timeout(5):
            await days.wait()
    assert asked[0] == pytest.approx(time.time() - 10 * DAY_SECONDS, abs=60)


async def test_a_disk_that_fails_is_asked_again() -> None:
    asked, again = list[float](), asyncio.Event()

    async def forget(before: float) -> int:
        asked.append(before)
        if len(asked) > 1:
            again.set()
        raise DatabaseError(str(sqlite3.OperationalError("disk I/O error")))

    async with Tasks() as tasks:
        tasks.start(forget_daily(forget, 1, every_seconds=0.01), name="retention")
        async with asyncio.timeout(5):
            await again.wait()


async def test_with_no_limit_nothing_is_ever_forgotten() -> None:
    async def forget(_: float) -> int:
        pytest.fail("asked to forget")

    await forget_daily(forget, 0)
