"""A chat with the agent before the call: the session file that an OpenClaw up to 2026.7.35 leaves of it."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4


def write(openclaw: Path, session_key: str, question: str, answer: str) -> None:
    """Let somebody have written to the agent a minute ago, and begun the conversation with it."""
    sessions, session_id, at = openclaw / "agents" / "main" / "sessions", str(uuid4()), time.time() - 60
    sessions.mkdir(parents=True)
    entry = {"sessionId": session_id, "updatedAt": round(at * 1000)}
    (sessions / "sessions.json").write_text(json.dumps({session_key: entry}), encoding="utf-8")
    asks, answers = uuid4().hex[:8], uuid4().hex[:8]
    typed = {"role": "user", "content": [{"type": "text", "text": question}]}
    answered = {"role": "assistant", "content": [{"type": "text", "text": answer}], "usage": {}}
    lines: list[dict[str, Any]] = [
        {"type": "session", "version": 3, "id": session_id, "cwd": str(openclaw / "workspace")},
        {"type": "message", "id": asks, "parentId": None, "message": typed},
        {"type": "message", "id": answers, "parentId": asks, "message": answered},
    ]
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = "".join(json.dumps(line | {"timestamp": when}, separators=(",", ":")) + "\n" for line in lines)
    (sessions / f"{session_id}.jsonl").write_text(text, encoding="utf-8")
