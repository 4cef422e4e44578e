import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.voice_server.domain.quoting import quoted


@given(st.text())
def test_whatever_is_quoted_is_one_line_and_reads_as_it_was(text: str) -> None:
    assert json.loads(quoted(text)) == text
    assert len(f"{quoted(text)}".splitlines()) == 1


@pytest.mark.parametrize("text", ["Müller", "東京", "😀"])
def test_the_letters_of_every_language_stay_as_they_are(text: str) -> None:
    assert quoted(text) == f'"{text}"'


def test_half_a_character_is_none() -> None:
    assert quoted("a\ud800") == '"a?"'
