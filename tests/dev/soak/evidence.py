"""A run of one call as everybody should have seen it; each test spoils one thing."""

import copy
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dev.soak.evidence import Evidence, Heard, LogLine, Played
from dev.soak.plan import Plan
from services.session_bridge.domain.transcript import line, messages
from shared.events import Speaker, Usage
from shared.transcript import Turn

CALL, CHILD, RTC = "CA1", "CA2", "rtc_1"
AT = "2026-11-22T14:03:11.204Z"
SAID = (("item_1", "assistant", "Hello!"), ("item_2", "user", "Goodbye."), ("item_3", "assistant", "Bye!"))
USED = Usage(input_text_tokens=10, output_audio_tokens=20)


def _events() -> list[Heard]:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("call_started", {"from": "+14155550100", "to": "+14155550101"})
    ]
    bodies += [("call_answered", {})]
    bodies += [
        ("transcript_update", {"speaker": who, "content": words, "itemId": item_id, "interrupted": False})
        for item_id, who, words in SAID
    ]
    ended = {"status": "completed", "endReason": "caller_hung_up", "durationSeconds": 3}
    bodies.append(("call_ended", ended | {"usage": USED.model_dump(), "costUsd": 0.01}))
    heard = []
    for number, (kind, data) in enumerate(bodies, 1):
        event = {"eventId": f"01J00000000000000000000{number:03}", "callId": CALL, "sequence": number}
        event |= {"eventType": kind, "phoneNumber": "+14155550101", "direction": "outbound", "timestamp": AT}
        heard.append(Heard(number, kind, event | {"data": data}))
    synced = {"callId": CALL, "sessionKey": "agent:main:main", "messagesInjected": 3}
    return [*heard, Heard(len(heard) + 1, "session_synced", synced)]


def _written() -> list[dict[str, Any]]:
    at = datetime.fromisoformat(AT).astimezone(UTC)
    turns = [Turn(item_id, Speaker(who), words, at) for item_id, who, words in SAID]
    return [{"type": "session"}, *(line(message, None) for message in messages(CALL, turns))]


def a_run(spoil: Callable[[Any], object] | None = None, **plan: Any) -> Evidence:
    """Give what is seen of a greeting; `spoil` may change any of it, `plan` what was meant to happen."""
    parts: dict[str, Any] = {
        "played": [Played(Plan(1, "outbound", "+14155550101", "greeting", **plan), CALL, 202)],
        "history": {
            CALL: {"status": "completed", "end_reason": "caller_hung_up", "ended_at": AT, "cost_usd": 0.01}
            | {"usage": USED.model_dump(), "transcript_state": "delivered"}
            | {
                "transcript": [
                    {"timestamp": AT, "speaker": who, "content": words, "item_id": item_id}
                    | {"interrupted": False}
                    for item_id, who, words in SAID
                ]
            }
        },
        "heard": _events(),
        "sandbox": [
            {
                "id": CALL,
                "over": True,
                "legs": [
                    {"sid": CALL, "statuses": ["queued", "completed"]},
                    {"sid": CHILD, "statuses": ["ringing", "completed"]},
                ],
                "openai": {
                    "call_id": RTC,
                    "accepted": True,
                    "sidebands": 0,
                    "spoken": 3,
                    "usage_told": USED.model_dump(),
                    "said": [
                        {"item_id": item_id, "speaker": who, "words": words, "whole": True, "cut": False}
                        for item_id, who, words in SAID
                    ],
                },
            }
        ],
        "sessions": [{"callId": CALL, "state": "synced", "turns": 3, "lastError": None}],
        "written": {"s.jsonl": _written()},
        "active": {"active_calls": 0, "calls": []},
        "gauges": {"openclaw_phone_outbox_events": 0.0},
        "sockets": {"voice server": (Counter(listening=1), Counter(listening=1))},
        "logs": [LogLine("voice server", "{…}", {"event": "call_progressed", "level": "info"})],
        "killed": [],
    }
    parts = copy.deepcopy(parts)
    if spoil:
        spoil(parts)
    return Evidence(**parts)
