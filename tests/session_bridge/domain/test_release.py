import pytest

from services.session_bridge.domain.release import parse


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("2026.7.35", (2026, 7, 35)),
        ("2026.8.1-beta.1", (2026, 8, 1)),
        ("newest", None),
        (None, None),
        (7, None),
    ],
)
def test_a_release_is_three_numbers_or_unknown(text: object, release: object) -> None:
    assert parse(text) == release
