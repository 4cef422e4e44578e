"""A conversation goes on for the bridge exactly when OpenClaw itself would go on with it."""

import itertools
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.session_bridge.adapters.openclaw import conversation
from services.session_bridge.adapters.openclaw.folder import OpenClawFolder
from services.session_bridge.adapters.openclaw.jsonl import JsonlStore
from services.session_bridge.domain.freshness import is_fresh
from services.session_bridge.domain.release import STARTED_AT, parse
from shared.openclaw_config import SessionRules
from tests.openclaw.install import Installed
from tests.session_bridge.openclaw import MAIN, SPOKEN, TALK, Home, write
from tests.session_bridge.openclaw import Installed as Command

DECIDER = Path(__file__).with_name("freshness.mjs")
ZONE = "America/New_York"
NOWS = (
    datetime(2026, 11, 22, 17, 0, tzinfo=UTC),
    datetime(2026, 11, 22, 8, 59, 59, tzinfo=UTC),
    datetime(2026, 3, 8, 7, 30, tzinfo=UTC),  # the night in which 02:00 is missing
    datetime(2026, 11, 1, 6, 30, tzinfo=UTC),  # the night in which 01:00 comes twice
)
KEYS = (
    "agent:main:main",
    "agent:main:voice:direct:+14155550100",
    "agent:main:telegram:group:-100",
    "agent:main:telegram:group:-100:topic:42",
    "agent:main:slack:channel:C1:thread:17.5",
)
WEEK = {"mode": "idle", "idleMinutes": 10080}
HOUR = {"mode": "idle", "idleMinutes": 60}
RULES: tuple[dict[str, Any], ...] = (
    {},
    {"reset": {}},
    {"reset": {"mode": "idle"}},
    {"reset": WEEK},
    {"reset": {"mode": "daily", "atHour": 1, "idleMinutes": 600}},
    {"reset": {"atHour": 2}},
    {"reset": {"mode": "daily"}, "idleMinutes": 60},
    {"idleMinutes": 60},
    {"idleMinutes": 10080},
    {"idleMinutes": 10080, "resetByType": {}},
    {"idleMinutes": 10080, "resetByType": {"group": HOUR}},
    {"reset": WEEK, "resetByType": {"direct": {"idleMinutes": 60}, "thread": {"atHour": 0}}},
    {"reset": {"atHour": 9}, "resetByType": {"direct": {"mode": "daily"}, "group": HOUR}},
    {"resetByType": {"dm": WEEK, "thread": HOUR}},
    {"resetByChannel": {"telegram": WEEK}},
    {"resetByChannel": {"telegram": {}, "voice": HOUR}, "reset": WEEK, "resetByType": {"direct": WEEK}},
    {"resetByChannel": {"telegram": {"idleMinutes": 60}}, "idleMinutes": 10080},
)
HOURS_AGO = (-1, 0.5, 3, 30, 400)
CHANNELS: tuple[dict[str, Any], ...] = (
    {},
    {"lastChannel": "telegram", "channel": "voice"},
    {"channel": "voice", "modelProvider": "claude-cli", "cliSessionIds": {"claude-cli": "c1"}},
)


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", ZONE)
        time.tzset()
        yield
    time.tzset()


def test_a_conversation_goes_on_as_openclaw_decides(files_release: Installed, tmp_path: Path) -> None:
    release = parse(files_release.version)
    assert release is not None
    cases = list(_cases(tmp_path, is_early=release < STARTED_AT))
    theirs = _decided(files_release, tmp_path, cases)
    differing = []
    for case, their in zip(cases, theirs, strict=True):
        begun_ms = conversation.began(tmp_path / f"{case['entry']['sessionId']}.jsonl")
        rules = SessionRules.model_validate(case["session"])
        now = datetime.fromtimestamp(case["now"] / 1000, UTC)
        if is_fresh(case["key"], case["entry"], begun_ms, rules, release, now) is not their:
            differing.append(f"{'fresh' if their else 'due'} is {case}")
    assert differing == []
    assert {True, False} == set(theirs)


@pytest.mark.parametrize("ended", [{"status": "killed"}, {"status": "timeout"}, {"endedAt": 1}])
async def test_a_conversation_whose_last_turn_was_broken_off_goes_on_behind_a_call(
    files_release: Installed, tmp_path: Path, ended: dict[str, Any]
) -> None:
    home = Home(tmp_path)
    minute_ago = round((time.time() - 60) * 1000)
    (home.sessions / "s1.jsonl").write_bytes(TALK)
    home.enter(MAIN, sessionId="s1", updatedAt=minute_ago, sessionStartedAt=minute_ago, **ended)
    home.configure(session={"reset": WEEK})
    release = parse(files_release.version)
    assert release is not None
    await write(JsonlStore(OpenClawFolder(tmp_path, Command(release))), *SPOKEN)
    kept = home.entries()[MAIN]
    case = {"session": {"reset": WEEK}, "key": MAIN, "entry": kept, "now": round(time.time() * 1000)}
    assert kept["sessionId"] == "s1"
    assert _decided(files_release, home.sessions, [case]) == [True]


def _decided(release: Installed, folder: Path, cases: list[dict[str, Any]]) -> list[bool]:
    """Ask the release itself."""
    decided = subprocess.run(
        [release.node, str(DECIDER), str(release.dist), str(folder / "sessions.json")],
        input=orjson.dumps(cases),
        env={"HOME": "/nonexistent", "TZ": ZONE},
        capture_output=True,
        check=True,
        timeout=120,
    )
    answers: list[bool] = orjson.loads(decided.stdout)
    return answers


def _cases(folder: Path, *, is_early: bool) -> Iterator[dict[str, Any]]:
    for now in NOWS:
        entries = list(_entries(folder, now))
        for session, key, entry in itertools.product(RULES, KEYS, entries):
            spelled = _with_dm(session) if is_early else session
            yield {"session": spelled, "key": key, "entry": entry, "now": round(now.timestamp() * 1000)}


def _entries(folder: Path, now: datetime) -> Iterator[dict[str, Any]]:
    """Give entries with each time at each distance, and with those that may be left out left out."""
    moments = [now - timedelta(hours=hours) for hours in HOURS_AGO]
    times = [round(moment.timestamp() * 1000) for moment in moments]
    for index, moment in enumerate(moments):
        name = f"s{index}-{now:%m%d%H}"
        header = {"type": "session", "version": 3, "id": name, "timestamp": moment.isoformat()}
        (folder / f"{name}.jsonl").write_bytes(orjson.dumps(header) + b"\n")
        for updated, begun in itertools.product(times, (None, -1, *times)):
            spoken = times[(index + times.index(updated)) % len(times)]
            entry = {"sessionId": name, "updatedAt": updated, **CHANNELS[(index + len(times)) % 3]}
            entry |= {} if begun is None else {"sessionStartedAt": begun}
            yield entry
            yield entry | {"lastInteractionAt": spoken}


def _with_dm(session: dict[str, Any]) -> dict[str, Any]:
    """Spell rules as the releases do that know no `direct` yet."""
    by_type = session.get("resetByType")
    if by_type is None or "direct" not in by_type:
        return session
    renamed = {("dm" if name == "direct" else name): rule for name, rule in by_type.items()}
    return session | {"resetByType": renamed}
