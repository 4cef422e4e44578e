from services.voice_server.domain.floor import MONOLOGUE_SECONDS, Floor

NOW = 1_795_000_000.0


def test_the_assistant_is_heard_until_its_last_response_was_played() -> None:
    floor = Floor(NOW)
    floor.playback_started("r1", NOW + 1)
    floor.playback_started("r2", NOW + 2)
    floor.playback_ended("r1", NOW + 3)
    assert floor.is_heard
    floor.playback_ended("r2", NOW + 4)
    floor.playback_ended("r2", NOW + 5)
    assert floor.is_quiet
    assert floor.quiet_since == NOW + 5


def test_somebody_who_speaks_for_long_is_not_silent() -> None:
    floor = Floor(NOW)
    assert floor.silent_at(60) == NOW + 60
    floor.caller_spoke(NOW + 10, goes_on=True)
    assert floor.silent_at(60) == NOW + 70 + MONOLOGUE_SECONDS
    floor.caller_spoke(NOW + 30, goes_on=False)
    assert floor.silent_at(60) == NOW + 90


def test_what_is_said_into_an_empty_room_is_a_sound_and_no_talk() -> None:
    floor = Floor(NOW)
    floor.caller_idled()
    floor.playback_started("r1", NOW + 20)
    floor.words_came(NOW + 21)
    assert (floor.quiet_since, floor.voice_at) == (NOW + 20, NOW)
    assert floor.silent_at(60) == NOW + 60


def test_on_a_broken_line_nobody_is_heard() -> None:
    floor = Floor(NOW)
    floor.playback_started("r1", NOW)
    floor.caller_spoke(NOW, goes_on=True)
    assert not floor.is_quiet
    floor.cut_off()
    assert floor.is_quiet
