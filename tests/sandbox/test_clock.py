import time

from sandbox.clock import Clock


async def test_a_pause_is_shorter_by_the_speed() -> None:
    began = time.monotonic()
    await Clock(100).pause(2)
    assert 0.02 <= time.monotonic() - began < 0.5


async def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    clock = Clock(100)
    await clock.until(clock.now() + 1)
    began = time.monotonic()
    await clock.until(0)
    assert time.monotonic() - began < 0.5
    assert clock.now() >= 1
