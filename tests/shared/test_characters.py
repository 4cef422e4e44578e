import json

import pytest

from shared.characters import whole


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Grüße 🎉", "Grüße 🎉"),
        (json.loads(r'"a \ud83d b"'), "a \ufffd b"),
        (json.loads(r'"\udc00"'), "\ufffd"),
        ("\ud83c" + "\udf89", "🎉"),
    ],
)
def test_half_a_character_is_replaced_and_all_else_is_left(text: str, written: str) -> None:
    assert whole(text) == written
    assert whole(text).encode()
