"""Words of others within what the model is told: in quotes, where they cannot pose as anything else."""

import json

_LINE_ENDS = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\x85\u2028\u2029"}
"""What ends a line although JSON leaves it as it is."""


def quoted(text: str) -> str:
    """Quote a text as a JSON string on one line, the letters of every language as they are."""
    return json.dumps(text, ensure_ascii=False).encode(errors="replace").decode().translate(_LINE_ENDS)
