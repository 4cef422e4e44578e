"""The history does not grow for ever: once a day, what is old enough and done with is forgotten."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.database import DatabaseError

log = structlog.get_logger()

DAY_SECONDS = 24 * 3600


async def forget_daily(
    forget: Callable[[float], Awaitable[int]], days: int, every_seconds: float = DAY_SECONDS
) -> None:
    """Forget, now and every day, what ended more than so many days ago; 0 days keep all for ever.

    Args:
        forget: deletes some of what ended before a moment (in seconds since 1970), in one small transaction,
            and tells how many calls that were; 0 if there are no more.
        days: how many.
        every_seconds: how often.
    """
    while days:
        calls = 0
        try:
            while some := await forget(time.time() - days * DAY_SECONDS):
                calls += some
        except DatabaseError as error:
            log.warning("history_not_shortened", fault=str(error))
        if calls:
            log.info("calls_forgotten", calls=calls, days=days)
        await asyncio.sleep(every_seconds)
