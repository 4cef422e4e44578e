from dev.soak.plan import draw
from sandbox.faults import FAULTS
from sandbox.scripts import for_number


def test_the_same_seed_plays_the_same_calls() -> None:
    assert [draw(7, number, FAULTS) for number in range(50)] == [
        draw(7, number, FAULTS) for number in range(50)
    ]
    assert [draw(7, number, FAULTS) for number in range(50)] != [
        draw(8, number, FAULTS) for number in range(50)
    ]


def test_a_number_that_is_dialled_leads_to_what_was_planned() -> None:
    for number in range(300):
        plan = draw(1, number, FAULTS)
        if plan.way == "outbound":
            assert for_number(plan.person).fault == plan.fault


def test_what_twilio_does_wrong_happens_only_to_calls_that_go_through_twilio() -> None:
    plans = [draw(1, number, FAULTS) for number in range(300)]
    assert all(FAULTS[plan.fault].peer == "openai" for plan in plans if plan.way == "trunk" and plan.fault)
    assert {plan.way for plan in plans} == {"outbound", "trunk", "number"}
    assert {plan.ending for plan in plans} == {None, "delete", "caller"}
