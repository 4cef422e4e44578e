import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.session_bridge.domain.sign_in import (
    SIGN_IN_SECONDS,
    expected,
    is_from_own_page,
    issue,
    may_be_asked_as,
)

NOW = 1_800_000_000.5
PROOF = "a" * 43
OWN_URL = "http://session-bridge:8082"


def holds(key: str, value: str, now: float) -> bool:
    """Whether a value proves a sign-in."""
    return expected(key, value, now) == value


def test_a_sign_in_is_an_hmac_of_its_expiry_with_the_key() -> None:
    """As `openssl dgst -sha256 -hmac geheim-ß` has it, of `v1.1802592000`."""
    assert issue("geheim-ß", NOW) == "v1.1802592000.GTfd0ZE5iUZy_OUr_dRFSvjBOZU8lQ4_c3yiq5oZ8ZE"


def test_a_sign_in_holds_for_thirty_days_and_not_a_second_longer() -> None:
    value = issue("geheim", NOW)
    assert SIGN_IN_SECONDS == 30 * 24 * 3600
    assert holds("geheim", value, NOW)
    assert holds("geheim", value, NOW + SIGN_IN_SECONDS - 1)
    assert not holds("geheim", value, NOW + SIGN_IN_SECONDS)


def test_another_key_ends_every_sign_in() -> None:
    assert not holds("geheim2", issue("geheim", NOW), NOW)


def test_a_sign_in_cannot_be_made_longer() -> None:
    claim, expires, proof = issue("geheim", NOW).split(".")
    assert not holds("geheim", f"{claim}.{int(expires) + 1}.{proof}", NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "v1",
        "v1..",
        f"v2.1802592000.{PROOF}",
        f"v1.-5.{PROOF}",
        f"v1.{'9' * 5000}.{PROOF}",
        f"v1.\u0661\u0668\u0660\u0662\u0665\u0669\u0662\u0660\u0660\u0660.{PROOF}",
        f"v1.1802592000.{'ä' * 43}",
        f"v1.1802592000.{PROOF}a",
        f"v1.1802592000.{PROOF}\n",
        "v1.1802592000.\x00",
        "\udcff",
    ],
)
def test_what_is_of_another_form_is_not_even_compared(value: str) -> None:
    assert expected("geheim", value, NOW) is None


@given(st.text() | st.from_regex(r"v1\.[0-9]{1,13}\.[A-Za-z0-9_=-]{40,45}"))
def test_whatever_is_shown_never_breaks_and_never_holds(value: str) -> None:
    assert not holds("geheim", value, NOW)


@pytest.mark.parametrize(
    ("fetch_site", "origin", "host", "own"),
    [
        ("same-origin", "http://127.0.0.1:8082", "127.0.0.1:8082", True),
        ("none", None, "127.0.0.1:8082", True),
        ("same-site", "http://127.0.0.1:3000", "127.0.0.1:8082", False),
        ("cross-site", "https://evil.example", "127.0.0.1:8082", False),
        ("cross-site", "http://127.0.0.1:8082", "127.0.0.1:8082", False),
        ("", None, "127.0.0.1:8082", False),
        ("same-origin", "https://phone.example", "127.0.0.1:8082", True),  # behind a proxy with its own Host
        (None, "http://box.lan:8082", "box.lan:8082", True),
        (None, "http://BOX.lan:8082", "box.LAN:8082", True),
        (None, "https://phone.example", "phone.example", True),
        (None, "http://[::1]:8082", "[::1]:8082", True),
        (None, "http://box.lan", "box.lan:8082", False),
        (None, "http://box.lan:3000", "box.lan:8082", False),
        (None, "http://evil.example#box.lan:8082", "box.lan:8082", False),
        (None, "null", "box.lan:8082", False),
        (None, "null", "null", False),
        (None, "", "box.lan:8082", False),
        (None, "http://box.lan:8082", None, False),
        (None, None, "box.lan:8082", True),
        (None, None, None, True),
    ],
)
def test_only_our_own_page_and_what_is_no_page_may_change_anything(
    fetch_site: str | None, origin: str | None, host: str | None, own: bool
) -> None:
    assert is_from_own_page(fetch_site, origin, host) is own


@pytest.mark.parametrize(
    ("host", "may"),
    [
        (None, True),
        ("127.0.0.1:8082", True),
        ("127.0.0.1", True),
        ("192.168.1.7:8082", True),
        ("[::1]:8082", True),
        ("localhost:8082", True),
        ("LocalHost", True),
        ("phone.localhost:8082", True),
        ("session-bridge:8082", True),
        ("session-bridge", True),
        ("evil.example:8082", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("notlocalhost", False),
        ("evil.example@localhost", True),  # no browser sends a user: this came from no page
        ("localhost@evil.example", False),
        ("[::1", False),
        ("[x]", False),
        ("", False),
    ],
)
def test_a_name_that_anybody_may_point_here_is_told_from_those_nobody_may(
    host: str | None, may: bool
) -> None:
    assert may_be_asked_as(host, OWN_URL) is may
