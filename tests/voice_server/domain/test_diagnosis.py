import pytest

from services.voice_server.domain.diagnosis import (
    Finding,
    State,
    bad,
    blocked,
    exit_status,
    first_fault,
    ok,
    unknown,
)

WELL, ILL, UNSEEN = ok("a"), bad("b", "mend it"), unknown("c")


def test_what_has_to_wait_says_for_what() -> None:
    earlier = {"key": WELL, "account": ILL, "number": UNSEEN}
    assert blocked(("key",), earlier) is None
    assert blocked(("key", "account", "number"), earlier) == Finding(
        State.SKIPPED, "first comes: account, number"
    )


@pytest.mark.parametrize(
    ("findings", "status"), [([WELL], 0), ([WELL, UNSEEN], 2), ([WELL, UNSEEN, ILL], 1), ([], 0)]
)
def test_the_exit_status_says_whether_anything_is_bad_or_could_not_be_seen(
    findings: list[Finding], status: int
) -> None:
    assert exit_status(dict(zip("xyz", findings, strict=False))) == status


def test_the_first_fault_that_is_there_is_told() -> None:
    assert first_fault([(False, "a"), ("yes", "b"), (True, "c")]) == "b"
    assert first_fault([(None, "a")]) is None
