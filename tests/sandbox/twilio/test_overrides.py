import pytest

from sandbox.twilio.overrides import Overrides, read

ALL = frozenset({"ct", "rt", "4xx", "5xx"})


@pytest.mark.parametrize(
    ("fragment", "overrides"),
    [
        ("", Overrides()),
        ("#rc=3", Overrides(3, frozenset({"ct"}))),
        ("#rc=0&rp=all", Overrides(0, ALL)),
        ("#rc=5&rp=ct,rt,5xx", Overrides(5, frozenset({"ct", "rt", "5xx"}))),
        ("#rc=6&rp=rt,moon", Overrides(1, frozenset({"rt"}))),
    ],
)
def test_a_fragment_says_how_often_and_after_what_a_request_is_repeated(
    fragment: str, overrides: Overrides
) -> None:
    assert read(f"https://voice.example/webhook?ref=1{fragment}") == overrides
