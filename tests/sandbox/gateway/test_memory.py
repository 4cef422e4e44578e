"""What the agent remembers, and when a voice session takes no more."""

import pytest

from sandbox.gateway.errors import WireError
from sandbox.gateway.memory import Memory, cut

KEY = "agent:main:main"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> Memory:
    memory = Memory(clock)
    memory.open_voice(KEY, "CA1", "openai", "one", 60)
    return memory


def test_a_text_is_cut_at_8000_utf16_units_and_never_inside_a_character() -> None:
    assert cut(" é ") == "é"
    assert cut("a" + "🐈" * 4000) == "a" + "🐈" * 3999


def test_a_voice_session_lasts_its_time_and_is_taken_over_by_opening_it_again(
    memory: Memory, clock: Clock
) -> None:
    clock.now = 59
    memory.open_voice(KEY, "CA1", "openai", "two", 60)
    memory.left("one")
    clock.now = 118
    memory.add_spoken(KEY, "CA1", "1", "user", "Hello", 0)
    clock.now = 119
    with pytest.raises(WireError, match="voice session is closed"):
        memory.add_spoken(KEY, "CA1", "2", "assistant", "Hi", 0)


def test_with_its_last_connection_a_voice_session_ends(memory: Memory) -> None:
    memory.left("one")
    with pytest.raises(WireError, match="already closed"):
        memory.open_voice(KEY, "CA1", "openai", "two", 60)


def test_a_voice_session_of_nobody_outlives_every_connection(memory: Memory) -> None:
    memory.open_voice(KEY, "CA2", "voice-bridge", None, float("inf"))
    memory.left("one")
    memory.add_spoken(KEY, "CA2", "1", "user", "Hello", 0)
    with pytest.raises(WireError, match="provider does not match"):
        memory.open_voice(KEY, "CA2", "openai", "two", 60)
    memory.close_voice(KEY, "CA2", "two")


def test_a_reset_hides_all_but_the_rows_it_keeps_and_forgets_none(memory: Memory) -> None:
    for number in range(4):
        memory.add_spoken(KEY, "CA1", str(number), "user", f"turn {number}", 0)
    conversation = memory.conversations[KEY]
    conversation.begin_anew(kept=2)
    assert [row.text for row in conversation.shown] == ["turn 2", "turn 3", "Reset"]
    conversation.begin_anew(kept=0)
    assert [row.text for row in conversation.shown] == ["Reset"]
    assert conversation.row("voice:CA1:0")
