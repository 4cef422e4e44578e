"""The reset: whether OpenClaw would begin a new conversation at the next turn.

It does so by default at 04:00 local time. What is written into a conversation that is due would be lost.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.session_bridge.domain.release import STARTED_AT, Release
from shared.openclaw_config import Reset, SessionRules


def is_fresh(
    entry: Mapping[str, Any],
    begun_ms: float | None,
    rules: SessionRules,
    release: Release | None,
    now: datetime,
) -> bool:
    """Tell whether an entry of `sessions.json` would be continued.

    Args:
        entry: the entry.
        begun_ms: the timestamp in the header of its file, if there is one.
        rules: `session` of `openclaw.json`.
        release: the release, if known.
        now: any aware moment; the reset's hour is local.
    """
    policy = _policy(rules)
    began = spoken = _number(entry, "updatedAt") or 0
    if release is None or release >= STARTED_AT:
        header_ms = begun_ms if release is not None else None
        began = _number(entry, "sessionStartedAt") or header_ms or began
        spoken = _number(entry, "lastInteractionAt") or spoken
    if policy.mode == "daily" and began < _last_reset(now, policy.at_hour).timestamp() * 1000:
        return False
    return policy.idle_minutes is None or now.timestamp() * 1000 <= spoken + policy.idle_minutes * 60_000


def goes_by_update(entry: Mapping[str, Any], release: Release | None) -> bool:
    """Tell whether the reset looks at `updatedAt`, so that it must tell of our writing, too."""
    return "sessionStartedAt" not in entry if release is None else release < STARTED_AT


def _policy(rules: SessionRules) -> Reset:
    by_type = rules.reset_by_type.get("direct") or rules.reset_by_type.get("dm")
    if by_type or rules.reset:
        return by_type or rules.reset or Reset()
    return Reset(mode="daily" if rules.idle_minutes is None else "idle", idle_minutes=rules.idle_minutes)


def _last_reset(now: datetime, hour: int) -> datetime:
    local = now.astimezone().replace(tzinfo=None)
    reset = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return (reset if reset <= local else reset - timedelta(days=1)).astimezone()


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return value if isinstance(value, int | float) else None
