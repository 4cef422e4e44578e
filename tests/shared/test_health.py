from shared import health


def test_one_failure_degrades_and_not_knowing_does_not() -> None:
    fine = {"store": health.ok("writable"), "openai": health.unknown("no call yet")}
    assert health.overall(fine.values()) == "ok"
    assert health.overall([]) == "ok"
    assert health.overall([*fine.values(), health.failed("start it")]) == "degraded"
