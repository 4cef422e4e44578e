from multidict import MultiDict, MultiDictProxy

from sandbox.twilio.forms import outbound_leg

OWN = "+14155550100"


def _leg_events(*events: str) -> frozenset[str]:
    pairs = [("To", "+14155550123"), ("From", OWN), ("Url", "https://phone.example.com/")]
    form = MultiDict([*pairs, *(("StatusCallbackEvent", event) for event in events)])
    return outbound_leg(MultiDictProxy(form), "AC0", [OWN]).events


def test_events_are_repeated_keys() -> None:
    assert _leg_events("initiated", "completed") == {"initiated", "completed"}


def test_events_joined_by_spaces_leave_a_call_at_initiated() -> None:
    assert _leg_events("initiated ringing answered completed") == {"initiated"}


def test_without_events_only_the_end_is_told() -> None:
    assert _leg_events() == {"completed"}
