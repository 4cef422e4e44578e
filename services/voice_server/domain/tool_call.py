"""A tool call as the model writes it and as the world is told of it."""

import json

from services.voice_server.domain.record import OpenTool
from shared.events import ToolFinishedData


def request_of(arguments: str) -> str | None:
    """Read what `ask_openclaw` is asked for; None if the model wrote anything but `{"request": "…"}`."""
    try:
        request = json.loads(arguments).get("request")
    except (ValueError, AttributeError, RecursionError):
        return None
    return request.strip() or None if isinstance(request, str) else None


def finished(tool: OpenTool, at: float, *, ok: bool, output: str) -> ToolFinishedData:
    """Tell that a tool call has come to its end at this moment."""
    seconds = max(0, at - tool.started_at)
    return ToolFinishedData(
        tool_call_id=tool.tool_call_id, name=tool.name, ok=ok, output=output, duration_seconds=seconds
    )
