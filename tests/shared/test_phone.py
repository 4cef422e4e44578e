import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import phone
from shared.phone import NotAPhoneNumberError


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+14155550123", "+14155550123"),
        (" +1 (415) 555-0123 ", "+14155550123"),
        ("+49 (0)151 12345678", "+4915112345678"),
        ("+39 06 1234567", "+39061234567"),
        ("tel:+14155550123", "+14155550123"),
        ("+14155550123\n", "+14155550123"),
        ("".join(chr(ord(sign) - ord("0") + 0xFF10) for sign in "+14155550123"), "+14155550123"),
        ("+١٤١٥٥٥٥٠١٢٣", "+14155550123"),
    ],
)
def test_a_number_in_international_form_becomes_e164(text: str, e164: str) -> None:
    assert phone.parse(text) == e164


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4155550123",
        "001 415 555 0123",
        "+",
        "+1",
        "+12",
        "+14155550123 ext. 9",
        "+14155550123;ext=9",
        "me",
        "+999999999999999999",
        "+14155550123,+14155550124",
        "sip:+14155550123@example.com",
        "client:alice",
        "911",
        "+1911",
        "+49110",
        "+" + "1" * 400,
    ],
)
def test_what_nobody_could_dial_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotAPhoneNumberError, match=r"\+14155550123"):
        phone.parse(text)


@given(st.text() | st.text("+0123456789 -()xe.;=").map(lambda text: f"+{text}"))
def test_no_text_gets_past_as_anything_but_e164(text: str) -> None:
    try:
        number = phone.parse(text)
    except NotAPhoneNumberError:
        return
    assert phone.E164.fullmatch(number)
    assert phone.parse(number) == number


@pytest.mark.parametrize(
    ("number", "region", "is_ordinary"),
    [
        ("+14155550123", "US", True),
        ("+18765550123", "JM", True),
        ("+4915112345678", "DE", True),
        ("+442079460123", "GB", True),
        ("+19005550123", "US", False),
        ("+18005550123", "US", False),
        ("+4990012345678", None, False),
    ],
)
def test_a_number_tells_its_region_and_whether_it_costs_more(
    number: str, region: str | None, is_ordinary: bool
) -> None:
    assert phone.is_ordinary(number) is is_ordinary
    if region:
        assert phone.region(number) == region


@pytest.mark.parametrize("number", ["+881612345678", "+80012345678"])
def test_a_number_of_no_country_has_no_region(number: str) -> None:
    assert phone.region(number) is None


@pytest.mark.parametrize(
    ("verdict", "is_forged"),
    [
        ("TN-Validation-Failed", True),
        ("TN-Validation-Failed-A", True),
        (" tn-validation-failed-c", True),
        ("TN-Validation-Passed-A", False),
        ("TN-Validation-Passed-A-Passthrough", False),
        ("No-TN-Validation", False),
        ("", False),
    ],
)
def test_only_a_number_that_failed_its_carriers_test_is_forged(verdict: str, is_forged: bool) -> None:
    assert phone.is_forged(verdict) is is_forged


@given(st.text(), st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.text("abc ,;:<>@/"))
def test_no_number_in_a_text_stays_readable(before: str, number: str, after: str) -> None:
    masked = phone.mask(f"{before.rstrip('+')}{number}{after}")
    assert number not in masked
    assert number[-2:] in masked


def test_a_masked_number_still_tells_calls_apart() -> None:
    assert phone.mask("from +14155550123 to +14155550199.") == "from +1415…23 to +1415…99."


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("+14155550123", "+14155550123"),
        ("anonymous", None),
        ("+266696687", None),
        ("+7378742833", None),
        ("+86282452253", None),
        ("client:alice", None),
        ("sip:+14155550123@example.com", None),
        ("14155550123", None),
        ("+1\uff14155550123", None),
        ("", None),
    ],
)
def test_a_withheld_number_is_nobodys(caller: str, number: str | None) -> None:
    assert phone.caller_number(caller) == number
