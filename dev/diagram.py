"""Draws the states of a call from the transition table: `python -m dev.diagram` writes the picture anew."""

from collections import defaultdict
from pathlib import Path

from services.voice_server.domain.record import Phase
from services.voice_server.domain.transitions import TRANSITIONS

PAGE = Path(__file__).parents[1] / "docs" / "architecture.md"
BEGIN, END = (
    "<!-- states: drawn from TRANSITIONS by `python -m dev.diagram` -->\n",
    "<!-- end of states -->\n",
)


def states() -> str:
    """Draw `TRANSITIONS` as a Mermaid state diagram."""
    arrows: dict[tuple[Phase, Phase], list[str]] = defaultdict(list)
    for phase, signals in TRANSITIONS.items():
        for signal, following in signals.items():
            arrows[phase, following].append(signal.__name__)
    lines = [f"    {a} --> {b}: {'<br/>'.join(names)}" for (a, b), names in arrows.items()]
    begins = [f"    [*] --> {Phase.DIALLING}: outbound", f"    [*] --> {Phase.BRIDGING}: inbound"]
    body = [*begins, *lines, f"    {Phase.ENDED} --> [*]"]
    return "\n".join(["```mermaid", "stateDiagram-v2", *body, "```", ""])


def page_with_states(page: str) -> str:
    """Put the picture between its marks in a page."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + states() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page_with_states(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
