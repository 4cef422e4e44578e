from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.session_bridge.domain.freshness import goes_by_update, is_fresh
from services.session_bridge.domain.release import Release
from shared.openclaw_config import SessionRules

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).astimezone().replace(hour=12)
EARLY: Release = (2026, 2, 2)
LATE: Release = (2026, 7, 35)
MAIN = "agent:main:main"
GROUP = "agent:main:telegram:group:-100"
TOPIC = f"{GROUP}:topic:42"
THREAD = "agent:main:slack:channel:c1:thread:17.5"
LONG = {"mode": "idle", "idleMinutes": 6000}
SHORT = {"mode": "idle", "idleMinutes": 60}


def ago(hours: float) -> float:
    return (NOON - timedelta(hours=hours)).timestamp() * 1000


def goes_on(
    entry: dict[str, Any],
    session: dict[str, Any] | None = None,
    key: str = MAIN,
    release: Release | None = LATE,
    header: float | None = None,
) -> bool:
    """Tell at noon whether an entry is fresh under `session` of an `openclaw.json`."""
    return is_fresh(key, entry, header, SessionRules.model_validate(session or {}), release, NOON)


@pytest.mark.parametrize(
    ("release", "updated", "started", "header", "fresh"),
    [
        (EARLY, 40, 0, 0, False),
        (EARLY, 0, 40, 40, True),
        (EARLY, -1, None, None, True),
        (LATE, 0, 40, None, False),
        (LATE, 40, 0, None, True),
        (LATE, 0, None, 40, False),
        (LATE, 0, None, None, True),
        (None, 0, None, 40, True),
        (None, 0, 40, None, False),
        (None, 40, 0, None, True),
    ],
)
def test_a_conversation_from_before_four_in_the_morning_is_due(
    release: Release | None, updated: float, started: float | None, header: float | None, fresh: bool
) -> None:
    entry = {"updatedAt": ago(updated)} | ({} if started is None else {"sessionStartedAt": ago(started)})
    header_ms = None if header is None else ago(header)
    assert goes_on(entry, release=release, header=header_ms) is fresh


def test_the_day_begins_at_four() -> None:
    entry = {"updatedAt": ago(9), "sessionStartedAt": ago(9)}
    early = NOON.replace(hour=3, minute=59)
    assert is_fresh(MAIN, entry, None, SessionRules(), LATE, early)
    assert not is_fresh(MAIN, entry, None, SessionRules(), LATE, early + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("entry", "header", "fresh"),
    [
        ({"updatedAt": ago(-1), "sessionStartedAt": ago(-1)}, None, False),
        ({"updatedAt": ago(1), "sessionStartedAt": ago(-1)}, ago(40), True),
        ({"updatedAt": ago(1), "sessionStartedAt": 0}, ago(1), False),
        ({"updatedAt": ago(1), "sessionStartedAt": -1}, ago(40), False),
        ({"updatedAt": ago(1), "sessionStartedAt": True}, ago(40), False),
        ({"updatedAt": "2026-11-22T12:00:00Z"}, None, False),
        ({"updatedAt": ago(1)}, ago(-1), True),
    ],
)
def test_a_time_that_cannot_be_does_not_count(
    entry: dict[str, Any], header: float | None, fresh: bool
) -> None:
    assert goes_on(entry, header=header) is fresh


@pytest.mark.parametrize(
    ("session", "fresh"),
    [
        ({"idleMinutes": 600}, True),
        ({"idleMinutes": 60}, False),
        ({"reset": LONG}, True),
        ({"reset": {"idleMinutes": 600}}, False),
        ({"reset": {"atHour": 2, "idleMinutes": 600}}, True),
        ({"reset": {"atHour": 2, "idleMinutes": 60}}, False),
        ({"reset": {"atHour": 99}}, True),
        ({"reset": {"atHour": 2}, "idleMinutes": 60}, False),
        ({"reset": {"mode": "idle"}, "idleMinutes": 60}, False),
        ({"idleMinutes": 600, "resetByType": {"group": LONG}}, False),
        ({"idleMinutes": 600, "resetByType": {}}, False),
        ({"reset": {"mode": "none"}}, True),
    ],
)
def test_the_users_own_reset_rules_are_kept(session: dict[str, Any], fresh: bool) -> None:
    assert goes_on({"updatedAt": ago(9.5)}, session) is fresh


@pytest.mark.parametrize(
    ("key", "session", "fresh"),
    [
        (MAIN, {"reset": {}, "resetByType": {"direct": {"mode": "idle"}}}, True),
        (MAIN, {"resetByType": {"dm": LONG}}, True),
        (MAIN, {"resetByType": {"dm": LONG, "direct": SHORT}}, False),
        (MAIN, {"reset": LONG, "resetByType": {"direct": {"idleMinutes": 600}}}, True),
        (MAIN, {"reset": {"atHour": 2}, "resetByType": {"direct": {"mode": "daily"}}}, True),
        (MAIN, {"resetByType": {"group": LONG, "thread": LONG}}, False),
        (GROUP, {"resetByType": {"group": LONG}}, True),
        (GROUP, {"resetByType": {"direct": LONG, "dm": LONG, "thread": LONG}}, False),
        (TOPIC, {"resetByType": {"thread": LONG}}, True),
        (THREAD, {"resetByType": {"thread": LONG}}, True),
        (THREAD, {"resetByType": {"group": LONG}}, False),
        ("agent:main:feishu:group:oc:topic:om", {"resetByType": {"group": LONG}}, True),
    ],
)
def test_a_rule_for_the_kind_of_conversation_goes_ahead_and_is_completed_by_the_general_one(
    key: str, session: dict[str, Any], fresh: bool
) -> None:
    assert goes_on({"updatedAt": ago(9.5)}, session, key) is fresh


@pytest.mark.parametrize(
    ("key", "channels", "fresh"),
    [
        (MAIN, {"lastChannel": "telegram", "channel": "voice"}, True),
        (MAIN, {"lastChannel": None, "channel": " Telegram "}, True),
        (MAIN, {"lastChannel": "voice", "channel": "telegram"}, False),
        (MAIN, {}, False),
        ("agent:main:telegram:direct:42", {}, True),
    ],
)
def test_a_rule_for_the_channel_of_the_last_turn_stands_alone(
    key: str, channels: dict[str, Any], fresh: bool
) -> None:
    session = {"reset": SHORT, "resetByType": {"direct": SHORT}, "idleMinutes": 60}
    entry = {"updatedAt": ago(9.5), **channels}
    assert goes_on(entry, session | {"resetByChannel": {"telegram": LONG}}, key) is fresh
    assert not goes_on(entry, session | {"resetByChannel": {"telegram": {}}}, key)


@pytest.mark.parametrize(
    ("release", "hours", "reset", "fresh"),
    [
        (EARLY, 2, {"mode": "idle"}, False),
        (EARLY, 0.5, {"mode": "idle"}, True),
        (LATE, 90, {"mode": "idle"}, True),
        (EARLY, 0.5, {"mode": "idle", "idleMinutes": 0}, False),
        (LATE, 90, {"mode": "idle", "idleMinutes": 0}, True),
    ],
)
def test_a_silence_without_a_number_means_an_hour_to_early_releases_and_never_to_late_ones(
    release: Release, hours: float, reset: dict[str, Any], fresh: bool
) -> None:
    assert goes_on({"updatedAt": ago(hours)}, {"reset": reset}, release=release) is fresh


def test_a_silence_counts_from_the_last_word_or_else_from_the_beginning() -> None:
    entry = {"updatedAt": ago(0), "sessionStartedAt": ago(3)}
    assert not goes_on(entry, {"reset": SHORT})
    assert goes_on(entry | {"lastInteractionAt": ago(0.5)}, {"reset": SHORT})


@pytest.mark.parametrize(
    ("kept", "fresh"),
    [
        ({"cliSessionBindings": {"claude-cli": {"sessionId": "c1"}}}, True),
        ({"cliSessionIds": {"claude-cli": "c1"}}, True),
        ({"claudeCliSessionId": "c1"}, True),
        ({"cliSessionBindings": ["claude-cli"]}, False),
        ({"claudeCliSessionId": " "}, False),
        ({"claudeCliSessionId": "c1", "providerOverride": "openai"}, False),
        ({"claudeCliSessionId": "c1", "modelProvider": None}, False),
    ],
)
def test_a_conversation_that_a_command_line_agent_keeps_is_due_by_configured_rules_only(
    kept: dict[str, Any], fresh: bool
) -> None:
    entry = {"updatedAt": ago(40), "modelProvider": "Claude-CLI", **kept}
    assert goes_on(entry) is fresh
    assert not goes_on(entry, {"reset": {}})
    assert not goes_on(entry, release=EARLY)


@pytest.mark.parametrize(
    ("entry", "release", "looked_at"),
    [
        ({}, EARLY, True),
        ({}, LATE, False),
        ({}, None, True),
        ({"sessionStartedAt": 1}, None, False),
        ({"status": "killed"}, LATE, True),
        ({"status": "timeout", "endedAt": 1}, LATE, True),
        ({"endedAt": 1}, LATE, True),
        ({"status": "done", "endedAt": 1}, LATE, False),
        ({"status": "failed", "endedAt": 1}, LATE, False),
        ({"status": "running", "endedAt": 0}, LATE, False),
    ],
)
def test_the_time_of_an_update_counts_for_early_releases_and_after_a_turn_that_was_broken_off(
    entry: dict[str, Any], release: Release | None, looked_at: bool
) -> None:
    assert goes_by_update(entry, release) is looked_at
