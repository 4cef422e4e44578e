"""JSON as JavaScript has it: half a character (a lone surrogate) is no fault there, so OpenClaw has some."""

import json
from typing import Any

import orjson


def loads(data: bytes | str) -> Any:
    """Read JSON.

    Raises:
        ValueError: it is none.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)


def dumps(value: Any) -> bytes:
    """Write JSON as OpenClaw does, indented."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:
        return json.dumps(value, indent=2).encode()
