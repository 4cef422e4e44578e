import pytest

from sandbox import scripts, steps


@pytest.mark.parametrize(("number", "name"), [("+14155550123", "talk"), ("+14155550199", "talk")])
def test_the_number_of_the_manual_and_every_other_play_the_talk(number: str, name: str) -> None:
    assert scripts.for_number(number) is scripts.SCRIPTS[name]


def test_every_last_two_digits_choose_a_script_that_exists() -> None:
    assert set(scripts.BY_LAST_DIGITS.values()) == set(scripts.SCRIPTS)


def test_the_talk_has_three_turns_of_the_caller_and_asks_once() -> None:
    talk = scripts.SCRIPTS["talk"].steps
    assert sum(isinstance(step, steps.CallerSays) for step in talk) == 3
    assert sum(isinstance(step, steps.AssistantAsks) for step in talk) == 1
