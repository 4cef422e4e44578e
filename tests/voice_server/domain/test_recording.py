"""Which calls are recorded, and what people are told first."""

import pytest

from services.voice_server.domain import agent
from services.voice_server.domain.recording import LOCALES, NOTICE, Notice, RecordCalls, notice
from shared.events import Direction


@pytest.mark.parametrize(("calls", "out", "come_in"), [("off", 0, 0), ("outbound", 1, 0), ("all", 1, 1)])
def test_which_calls_are_recorded(calls: str, out: int, come_in: int) -> None:
    wants = RecordCalls(calls).wants
    assert (wants(Direction.OUTBOUND), wants(Direction.INBOUND)) == (bool(out), bool(come_in))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, Notice(NOTICE, "en-US")),
        ({"language": "de"}, Notice(NOTICE, "en-US")),
        ({"language": "de", "recording_notice": "Wir zeichnen auf."}, Notice("Wir zeichnen auf.", "de-DE")),
        ({"language": "eo", "recording_notice": "Registrata."}, Notice("Registrata.", "en-US")),
        ({"recording_notice": "Recorded, sorry."}, Notice("Recorded, sorry.", "en-US")),
    ],
)
def test_the_owners_notice_is_spoken_in_the_agents_language(changes: dict[str, str], told: Notice) -> None:
    assert notice(agent.load({"name": "Ada", "instructions": "x", **changes})[0]) == told


def test_every_locale_is_of_its_language() -> None:
    assert all(locale.startswith(language) for language, locale in LOCALES.items() if language != "no")
