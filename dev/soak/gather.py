"""Ask everybody what they have seen."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from dev.soak import logbook
from dev.soak.evidence import Evidence, Heard, Played
from dev.soak.stage import Stage

QUIET_SECONDS = 45
"""How long after the last call everything may take to become quiet: reconciling, repeating, writing."""

_NOTHING_LEFT = {
    "openclaw_phone_active_calls",
    "openclaw_phone_outbox_events",
    "openclaw_phone_outbox_stuck_calls",
    "openclaw_bridge_sessions",
}
"""The gauges that are 0 when nothing goes on any more."""


async def gather(
    stage: Stage,
    played: list[Played],
    heard: list[Heard],
    sockets_before: Mapping[str, Counter[str]],
    killed: list[str],
) -> Evidence:
    """Collect what is to be seen now; sockets are counted where they were counted before the first call."""
    now = stage.sockets()  # before our own questions open others
    history = await _history(stage)
    return Evidence(
        played=played,
        history=history,
        heard=heard,
        sandbox=(await stage.get(f"{stage.sandbox.url}/sandbox/calls"))["calls"],
        sessions=(await stage.get(f"{stage.bridge.url}/sessions"))["sessions"],
        written=_written(stage),
        active=await stage.get(f"{stage.voice.url}/calls"),
        gauges={**await _gauges(stage, stage.voice.url), **await _gauges(stage, stage.bridge.url)},
        sockets={name: (before, now[name]) for name, before in sockets_before.items()},
        logs=[
            line
            for program in (stage.voice, stage.bridge, stage.sandbox)
            if program.log
            for line in logbook.read(program.name, program.log.read_text(encoding="utf-8"))
        ],
        killed=killed,
    )


async def is_quiet(stage: Stage) -> bool:
    """Tell whether no call goes on, and every one has been written."""
    active = await stage.get(f"{stage.voice.url}/calls")
    sessions = (await stage.get(f"{stage.bridge.url}/sessions"))["sessions"]
    calls = (await stage.get(f"{stage.sandbox.url}/sandbox/calls"))["calls"]
    return (
        active["active_calls"] == 0
        and all(session["state"] == "synced" for session in sessions)
        and all(call["over"] for call in calls)
    )


async def _history(stage: Stage) -> dict[str, dict[str, Any]]:
    calls: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        page = await stage.get(f"{stage.voice.url}/history?limit=100{cursor}")
        for call in page["calls"]:
            if not call["call_id"]:
                continue  # Twilio has placed none
            url = f"{stage.voice.url}/history/{call['call_id']}"
            said = await stage.get(f"{url}/transcript")
            calls[call["call_id"]] = await stage.get(url) | {"transcript": said["transcript"]}
        if page["next_cursor"] is None:
            return calls
        cursor = f"&cursor={page['next_cursor']}"


async def _gauges(stage: Stage, service: str) -> dict[str, float]:
    text = await stage.text(f"{service}/metrics")
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in _NOTHING_LEFT
    }


def _written(stage: Stage) -> dict[str, list[Mapping[str, Any]]]:
    files = sorted(stage.folder.glob("openclaw/agents/*/sessions/*.jsonl"))
    return {
        file.name: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for file in files
    }
