"""The book of the tools: what the assistant asked for has come to an end, also after its call."""

from collections import Counter
from collections.abc import Iterable, Iterator

from dev.soak.books import Wrong
from dev.soak.evidence import Evidence, Heard


def tools(evidence: Evidence) -> Iterator[Wrong]:
    """Every tool call that was started has finished, once."""
    for (call_id, tool_call_id), missing in balance(evidence.heard).items():
        if missing:
            yield Wrong(call_id, f"finished {tool_call_id} {1 - missing} times")


def balance(heard: Iterable[Heard]) -> Counter[tuple[str, str]]:
    """Count for each tool call how often it was started, less how often it has finished."""
    left: Counter[tuple[str, str]] = Counter()
    for frame in heard:
        if frame.type in {"tool_started", "tool_finished"}:
            name = (frame.data["callId"], frame.data["data"]["toolCallId"])
            left[name] += 1 if frame.type == "tool_started" else -1
    return left
