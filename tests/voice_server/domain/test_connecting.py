from dataclasses import replace

import pytest

from services.voice_server.domain.connecting import (
    NEW,
    Assign,
    Change,
    CreateTrunk,
    DeleteTrunk,
    Point,
    Release,
    Undo,
    Way,
    plan,
    undo,
)
from services.voice_server.domain.twilio_setup import Number, Origination, Trunk, Wanted, judge_route

OURS = "+14155550100"
WANTED = Wanted.of("proj_a", "sip.api.openai.com", "https://phone.example.com")
FRESH = Number("PN1", OURS, voice_url="https://demo.twilio.com/welcome")
HOOKED = replace(FRESH, voice_url=WANTED.voice_url, status_callback=WANTED.status_callback)
HERE = Trunk("TK1", "phone", (Origination("OU1", WANTED.sip_uri),))
ELSEWHERE = Trunk("TK2", "pbx", (Origination("OU2", "sip:me@pbx.example.com"),))
SHARED = Trunk("TK3", "both", (*HERE.originations, *ELSEWHERE.originations))

PLANS: list[tuple[str, Way, Number, list[Trunk], list[Change]]] = [
    ("a fresh number to the webhook", Way.WEBHOOK, FRESH, [HERE], [Point(HOOKED, FRESH)]),
    ("again", Way.WEBHOOK, HOOKED, [HERE], []),
    (
        "from a trunk to the webhook",
        Way.WEBHOOK,
        replace(HOOKED, trunk_sid="TK1"),
        [HERE],
        [Release(OURS, "PN1", "TK1")],
    ),
    (
        "a fresh number to a trunk that is there",
        Way.TRUNK,
        FRESH,
        [ELSEWHERE, HERE],
        [Assign(OURS, "PN1", "TK1")],
    ),
    (
        "a fresh number to a trunk that is not",
        Way.TRUNK,
        FRESH,
        [ELSEWHERE, SHARED],
        [CreateTrunk(WANTED.sip_uri), Assign(OURS, "PN1", NEW)],
    ),
    (
        "from a trunk that leads elsewhere, too",
        Way.TRUNK,
        replace(FRESH, trunk_sid="TK3"),
        [SHARED],
        [CreateTrunk(WANTED.sip_uri), Release(OURS, "PN1", "TK3"), Assign(OURS, "PN1", NEW)],
    ),
    ("the right trunk again", Way.TRUNK, replace(FRESH, trunk_sid="TK1"), [HERE], []),
]


@pytest.mark.parametrize(
    ("way", "number", "trunks", "changes"), [one[1:] for one in PLANS], ids=[one[0] for one in PLANS]
)
def test_what_has_to_change_is_planned_and_no_more(
    way: Way, number: Number, trunks: list[Trunk], changes: list[Change]
) -> None:
    assert plan(way, number, trunks, WANTED) == changes


@pytest.mark.parametrize("before", [FRESH, HOOKED, replace(FRESH, application_sid="AP1", voice_method="GET")])
@pytest.mark.parametrize("trunk_sid", ["", "TK1", "TK3"])
def test_what_was_done_is_undone(before: Number, trunk_sid: str) -> None:
    before = replace(before, trunk_sid=trunk_sid)
    for way in Way:
        after, made = _done(plan(way, before, [HERE, SHARED], WANTED), before)
        assert judge_route(after, HERE, WANTED).state == "ok"
        assert plan(way, after, [HERE, SHARED], WANTED) == []
        assert _done(undo(Undo(before, made), after), after)[0] == before


def test_what_is_to_change_is_said_in_words() -> None:
    told = [str(change) for change in plan(Way.WEBHOOK, replace(FRESH, trunk_sid="TK2"), [], WANTED)]
    assert told[0] == f"take {OURS} off the SIP trunk TK2"
    assert (
        "A call comes in POST https://phone.example.com/voice/incoming instead of POST https://demo"
        in told[1]
    )
    assert "Call status changes POST https://phone.example.com/webhook instead of nothing" in told[1]
    assert str(DeleteTrunk("TK9")).startswith("delete the SIP trunk TK9")


def _done(changes: list[Change], number: Number) -> tuple[Number, tuple[str, ...]]:
    made: tuple[str, ...] = ()
    for change in changes:
        match change:
            case CreateTrunk():
                made = ("TK1",)
            case Assign(trunk_sid=sid):
                assert not number.trunk_sid
                number = replace(number, trunk_sid=sid or "TK1")
            case Release(trunk_sid=sid):
                assert number.trunk_sid == sid
                number = replace(number, trunk_sid="")
            case Point(after=after):
                number = replace(after, trunk_sid=number.trunk_sid)
            case DeleteTrunk():
                pass
    return number, made
