from datetime import UTC, datetime, timedelta

import pytest

from services.session_bridge.domain.freshness import is_fresh
from services.session_bridge.domain.release import Release
from shared.openclaw_config import Reset, SessionRules

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).astimezone().replace(hour=12)
EARLY: Release = (2026, 2, 2)
LATE: Release = (2026, 7, 35)


def ago(hours: float) -> float:
    return (NOON - timedelta(hours=hours)).timestamp() * 1000


@pytest.mark.parametrize(
    ("release", "updated", "started", "header", "fresh"),
    [
        (EARLY, 40, 0, 0, False),
        (EARLY, 0, 40, 40, True),
        (LATE, 0, 40, None, False),
        (LATE, 40, 0, None, True),
        (LATE, 0, None, 40, False),
        (LATE, 0, None, None, True),
        (None, 0, None, 40, True),
        (None, 0, 40, None, False),
        (LATE, -1, -1, None, True),
    ],
)
def test_a_conversation_from_before_four_in_the_morning_is_due(
    release: Release | None, updated: float, started: float | None, header: float | None, fresh: bool
) -> None:
    entry = {"updatedAt": ago(updated)} | ({} if started is None else {"sessionStartedAt": ago(started)})
    header_ms = None if header is None else ago(header)
    assert is_fresh(entry, header_ms, SessionRules(), release, NOON) is fresh


def test_the_day_begins_at_four() -> None:
    entry = {"updatedAt": ago(9), "sessionStartedAt": ago(9)}
    early = NOON.replace(hour=3, minute=59)
    assert is_fresh(entry, None, SessionRules(), LATE, early)
    assert not is_fresh(entry, None, SessionRules(), LATE, early + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("rules", "fresh"),
    [
        (SessionRules(idle_minutes=600), True),
        (SessionRules(idle_minutes=60), False),
        (SessionRules(reset=Reset(mode="idle", idle_minutes=600)), True),
        (SessionRules(reset=Reset(idle_minutes=600)), False),
        (SessionRules(reset=Reset(at_hour=2, idle_minutes=600)), True),
        (SessionRules(reset=Reset(), reset_by_type={"direct": Reset(mode="idle")}), True),
        (SessionRules(reset_by_type={"dm": Reset(mode="idle", idle_minutes=1)}), False),
    ],
)
def test_the_users_own_reset_rules_are_kept(rules: SessionRules, fresh: bool) -> None:
    assert is_fresh({"updatedAt": ago(9.5)}, None, rules, LATE, NOON) is fresh


def test_an_entry_without_a_usable_time_is_due() -> None:
    assert not is_fresh({"updatedAt": "2026-11-22T12:00:00Z"}, None, SessionRules(), LATE, NOON)
