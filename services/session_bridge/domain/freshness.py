"""The reset: whether OpenClaw would begin a new conversation at the next turn.

It does so by default at 04:00 local time. What is written into a conversation that is due would be lost, and
a new one in place of one that is not due would cut that off: so this is OpenClaw's own decision, rule by rule
(`resolveSessionResetPolicy` and `evaluateSessionFreshness` of 2026.2.2 and 2026.7.35).
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.session_bridge.domain.release import STARTED_AT, Release
from shared.openclaw_config import Reset, SessionRules

_HOUR = 4
_EARLY_IDLE_MINUTES = 60
"""What mode `idle` without a number means to 2026.2.2; to later releases it means never."""

_GROUP = re.compile(r":(group|channel):")
_EARLY_THREAD = re.compile(r":(thread|topic):")
_THREAD = re.compile(r":thread:\s*\S|^agent:[^:]*:telegram:(group|channel):.+:topic:")


def is_fresh(
    session_key: str,
    entry: Mapping[str, Any],
    begun_ms: float | None,
    rules: SessionRules,
    release: Release | None,
    now: datetime,
) -> bool:
    """Tell whether an entry of `sessions.json` would be continued.

    Args:
        session_key: its key.
        entry: the entry.
        begun_ms: the timestamp in the header of its file, if there is one.
        rules: `session` of `openclaw.json`.
        release: the release, if known.
        now: any aware moment; the reset's hour is local.
    """
    is_early = _is_early(entry, release)
    now_ms = now.timestamp() * 1000
    layers = _layers(_kind(session_key, is_early=is_early), _channel(session_key, entry), rules)
    if not layers and not is_early and _continued_elsewhere(entry):
        return True
    began, spoken = _times(entry, begun_ms, None if is_early else now_ms)
    mode = _first("mode", layers) or "daily"
    idle_minutes = _idle_minutes(mode, _first("idle_minutes", layers), is_early=is_early)
    if mode == "daily" and began < _last_reset(now, _first("at_hour", layers)).timestamp() * 1000:
        return False
    return idle_minutes is None or now_ms <= spoken + idle_minutes * 60_000


def goes_by_update(entry: Mapping[str, Any], release: Release | None) -> bool:
    """Tell whether OpenClaw looks at `updatedAt`, so that it must tell of our writing, too.

    A main conversation whose last turn was broken off is begun anew if its file is younger than that.
    """
    status = entry.get("status")
    has_ended = status in ("killed", "timeout") or (_number(entry, "endedAt") or 0) > 0
    return _is_early(entry, release) or (has_ended and status not in ("done", "failed"))


def _is_early(entry: Mapping[str, Any], release: Release | None) -> bool:
    return "sessionStartedAt" not in entry if release is None else release < STARTED_AT


def _kind(session_key: str, *, is_early: bool) -> tuple[str, ...]:
    """Name the kind of conversation as `resetByType` does, the better name first."""
    key = session_key.lower()
    if (_EARLY_THREAD if is_early else _THREAD).search(key):
        return ("thread",)
    return ("group",) if _GROUP.search(key) else ("direct", "dm")


def _channel(session_key: str, entry: Mapping[str, Any]) -> str:
    """Name the channel the next turn is expected from: the last one, or else the key's."""
    named = (entry.get("lastChannel"), entry.get("channel"), session_key.split(":")[2])
    return next(name for name in named if isinstance(name, str)).strip().lower()


def _layers(kind: tuple[str, ...], channel: str, rules: SessionRules) -> list[Reset]:
    """Give the rules that hold, each ahead of what it is completed by; a channel's stand alone."""
    if channel in rules.reset_by_channel:
        return [rules.reset_by_channel[channel]]
    by_type = rules.reset_by_type or {}
    layers = [by_type[name] for name in kind if name in by_type][:1]
    if rules.reset is not None:
        layers.append(rules.reset)
    if rules.idle_minutes is not None:
        is_alone = rules.reset is None and rules.reset_by_type is None
        layers.append(Reset(mode="idle" if is_alone else None, idle_minutes=rules.idle_minutes))
    return layers


def _first(name: str, layers: list[Reset]) -> Any:
    return next((value for layer in layers if (value := getattr(layer, name)) is not None), None)


def _idle_minutes(mode: str, configured: float | None, *, is_early: bool) -> int | None:
    """Give the longest silence that is no end; None if there is none."""
    if is_early:
        never_below_one = None if configured is None else max(math.floor(configured), 1)
        return _EARLY_IDLE_MINUTES if never_below_one is None and mode == "idle" else never_below_one
    minutes = math.floor(configured or 0)
    return minutes if minutes > 0 else None


def _times(entry: Mapping[str, Any], begun_ms: float | None, now_ms: float | None) -> tuple[float, float]:
    """Tell when a conversation began and when somebody last spoke; without `now_ms` as early releases do."""
    updated = _number(entry, "updatedAt") or 0
    if now_ms is None:
        return updated, updated

    def past(moment: float | None, otherwise: float) -> float:
        return otherwise if moment is None or not 0 <= moment <= now_ms else moment

    started = _number(entry, "sessionStartedAt")
    began = past(begun_ms if started is None or started < 0 else started, past(updated, 0))
    return began, past(_number(entry, "lastInteractionAt"), began)


def _last_reset(now: datetime, hour: float | None) -> datetime:
    local = now.astimezone().replace(tzinfo=None)
    kept = min(max(math.floor(_HOUR if hour is None else hour), 0), 23)
    reset = local.replace(hour=kept, minute=0, second=0, microsecond=0).astimezone()
    return reset if reset <= now else (reset.replace(tzinfo=None) - timedelta(days=1)).astimezone()


def _continued_elsewhere(entry: Mapping[str, Any]) -> bool:
    """Tell whether a command-line agent (`claude-cli`) keeps the conversation: no default reset ends that."""
    provider = entry.get("providerOverride") or entry.get("modelProvider")
    if not isinstance(provider, str):
        return False
    name = provider.strip().lower()
    bound = _within(entry.get("cliSessionBindings"), name)
    named = [_within(bound, "sessionId"), _within(entry.get("cliSessionIds"), name)]
    if name == "claude-cli":
        named.append(entry.get("claudeCliSessionId"))
    return any(isinstance(session, str) and session.strip() for session in named)


def _within(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return value if type(value) in (int, float) else None
