"""What the agent answers, and how long it works on it."""

import pytest

from sandbox.gateway.answers import ANSWERS, Answer, answer_to
from sandbox.switches import Switches


@pytest.mark.parametrize("known", ANSWERS, ids=lambda answer: answer.about)
def test_every_answer_is_given_to_a_question_about_it(known: Answer) -> None:
    for word in known.about.split("|"):
        assert answer_to(f"What about my {word.upper()}?") is known


def test_a_slow_and_a_quick_question_stand_side_by_side() -> None:
    switches = Switches(agent_seconds=3)
    asked = ("What about my flight?", "Write the report.", "Set a reminder.", "Feed the cat!")
    assert [answer_to(question).takes(switches) for question in asked] == [12, 45, 2.5, 3]


def test_what_the_agent_has_not_heard_of_is_settled() -> None:
    assert answer_to("Feed the cat!").text == "I have looked into it: Feed the cat. It is all settled."
    assert answer_to(" ").text == "I have looked into it: nothing. It is all settled."
