"""`sessions.json`, where the releases before 2026.8.1 keep what they know of each OpenClaw session."""

from pathlib import Path

import orjson

from sandbox.gateway.memory import Conversation


def enter(file: Path, conversation: Conversation) -> None:
    """Write a conversation's entry, which keeps the session and the fields it has, in one rename."""
    entries = orjson.loads(file.read_bytes()) if file.exists() else {}
    entry = entries.get(conversation.session_key, {"sessionId": conversation.session_id})
    conversation.session_id = entry["sessionId"]
    label = {"label": conversation.label} if conversation.label else {}
    entries[conversation.session_key] = entry | label | {"updatedAt": conversation.updated_at}
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_bytes(orjson.dumps(entries, option=orjson.OPT_INDENT_2))
    new.rename(file)
