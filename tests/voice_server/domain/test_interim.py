from itertools import pairwise

from services.voice_server.domain.interim import FILLER, FILLER_SECONDS, LONGER, SIGN_SECONDS, Interim
from services.voice_server.domain.record import OpenTool

ASKED = 1_795_000_000.0


def question(name: str = "t1", at: float = ASKED) -> OpenTool:
    """Make a question that runs."""
    return OpenTool(tool_call_id=name, name="ask_openclaw", response_id="r1", started_at=at, request="?")


def test_first_words_come_soon_unless_the_model_has_said_some() -> None:
    interim = Interim(30)
    assert interim.next([question()], ASKED - 3, acknowledged=False) == (ASKED + FILLER_SECONDS, FILLER)
    at, words = interim.next([question()], ASKED + 2, acknowledged=True)
    assert at == ASKED + 2 + SIGN_SECONDS
    assert words != FILLER


def test_somebody_who_speaks_meanwhile_needs_no_first_words() -> None:
    at, words = Interim(30).next([question()], ASKED + 0.3, acknowledged=False)
    assert at == ASKED + 0.3 + SIGN_SECONDS
    assert words != FILLER


def test_signs_of_life_are_worded_differently_and_keep_their_distance() -> None:
    interim, heard = Interim(600), []
    at = ASKED
    for _ in range(8):
        due, words = interim.next([question()], ASKED, acknowledged=True)
        assert due == at + SIGN_SECONDS, "also if the words were never heard"
        assert interim.said(words, [question()], due) == []
        heard.append(words)
        at = due
    assert all(one != other for one, other in pairwise(heard))
    assert len(set(heard)) == 5


def test_at_the_time_limit_the_caller_is_told_once_that_it_takes_longer() -> None:
    interim = Interim(4)
    assert interim.next([question()], ASKED, acknowledged=True) == (ASKED + 4, LONGER)
    late = interim.said(LONGER, [question(), question("t2", ASKED + 3)], ASKED + 4)
    assert [tool.tool_call_id for tool in late] == ["t1"]
    _, words = interim.next([question()], ASKED + 6, acknowledged=True)
    assert words != LONGER


def test_each_question_has_a_time_limit_of_its_own() -> None:
    interim = Interim(4)
    interim.said(LONGER, [question()], ASKED + 4)
    both = [question(), question("t2", ASKED + 3)]
    assert interim.next(both, ASKED + 6, acknowledged=True) == (ASKED + 7, LONGER)
