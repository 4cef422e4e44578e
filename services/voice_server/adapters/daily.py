"""How many calls there were each day, how long people talked and what they cost."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

DAY_SECONDS = 24 * 3600

# All that is added up is in it: no record has to be read, and no call waits until a year of them has been.
SCHEMA = """
DROP INDEX IF EXISTS calls_by_start;
CREATE INDEX IF NOT EXISTS calls_by_day ON calls (
    started_at, status, call_id, json_extract(record, '$.ended_at'), json_extract(record, '$.answered_at'),
    json_extract(record, '$.cost_usd')
);
"""

# SQLite before 3.41 would read the records again if it added up at once.
_TOTALS = """
WITH began AS MATERIALIZED (
    SELECT
        CAST((started_at + :ahead) / :day AS INTEGER) AS day, json_extract(record, '$.ended_at') AS ended_at,
        json_extract(record, '$.answered_at') AS answered_at, json_extract(record, '$.cost_usd') AS cost_usd
    FROM calls
    WHERE started_at >= :begin AND started_at < :end AND status <> 'rejected' AND call_id IS NOT NULL
)
SELECT
    day, count(*) AS calls, total(max(0, round(coalesce(ended_at, :now) - answered_at))) AS seconds,
    round(sum(cost_usd), 6) AS cost_usd
FROM began GROUP BY day
"""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a day's calls come to; `cost_usd` is None if there were some and none's cost is known."""

    calls: int = 0
    seconds: int = 0
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """Days, each named by how many have passed since 1970 where clocks are so many seconds ahead of UTC."""

    first: int
    last: int
    ahead_seconds: int = 0


def totals(db: sqlite3.Connection, span: Span, now: float) -> Mapping[int, Totals]:
    """Add up the calls that began on each day; a day without any is left out.

    The rejected are not counted, nor those that nobody has given an id. One that runs counts so far.
    """
    rows = db.execute(
        _TOTALS,
        {
            "ahead": span.ahead_seconds,
            "day": DAY_SECONDS,
            "now": now,
            "begin": span.first * DAY_SECONDS - span.ahead_seconds,
            "end": (span.last + 1) * DAY_SECONDS - span.ahead_seconds,
        },
    )
    return {row["day"]: Totals(row["calls"], round(row["seconds"]), row["cost_usd"]) for row in rows}
