"""What was said on the phone is what a real OpenClaw tells its model: every turn, in order, with its role."""

import pytest

from tests.openclaw.bridge import OWNER, Bridge
from tests.openclaw.conftest import Meet
from tests.openclaw.model import heard, said
from tests.openclaw.person import Person
from tests.session_bridge.calls import Json

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALL = (
    "user: My cat is called Pixel.",
    "assistant: Noted, Pixel the cat.",
    "user: Remind me on Tuesday.",
    "assistant: I will, on Tuesday.",
)
LATER = ("user: Make it Wednesday.", "assistant: Wednesday it is.")


def check(request: Json, *conversation: str) -> None:
    """Compare what the model got with a whole conversation, whose lines are all different."""
    assert heard(request, conversation) == list(conversation)


async def test_a_call_is_what_the_agent_remembers(person: Person) -> None:
    await person.calls(*CALL)
    check(await person.types("What did I say?"), *CALL, "user: What did I say?")


async def test_it_is_still_remembered_two_turns_later(person: Person) -> None:
    await person.calls(*CALL)
    await person.types("One.")
    check(await person.types("Two."), *CALL, "user: One.", "user: Two.")


async def test_a_call_goes_on_where_typing_left_off(person: Person) -> None:
    await person.types("I have a cat.")
    await person.calls(*CALL)
    await person.types("And a dog.")
    await person.calls(*LATER)
    request = await person.types("What do I have?")
    check(request, "user: I have a cat.", *CALL, "user: And a dog.", *LATER, "user: What do I have?")


async def test_two_calls_back_to_back_are_two_calls_in_order(person: Person, bridge: Bridge) -> None:
    await bridge.tell(person.events(*CALL))
    await person.calls(*LATER)
    check(await person.types("What now?"), *CALL, *LATER, "user: What now?")


async def test_a_call_of_200_turns_is_remembered_in_full(person: Person) -> None:
    spoken = [f"{('user', 'assistant')[turn % 2]}: Sentence number {turn:03}." for turn in range(200)]
    await person.calls(*spoken)
    check(await person.types("What did I say?"), *spoken, "user: What did I say?")


@pytest.mark.parametrize("typed_before", [False, True])
async def test_what_the_caller_said_last_is_kept(person: Person, typed_before: bool) -> None:
    if typed_before:
        await person.types("Hello there.")
    await person.calls(*CALL, "user: Oh, and feed it.")
    await person.types("One.")
    request = await person.types("Two.")
    check(request, *CALL, "user: Oh, and feed it.", "user: One.", "user: Two.")


async def test_what_the_assistant_said_first_is_kept(person: Person) -> None:
    await person.calls("assistant: Hello, who is it?", *CALL)
    check(await person.types("Hm?"), "assistant: Hello, who is it?", *CALL, "user: Hm?")


async def test_a_call_in_which_the_assistant_never_spoke_is_kept(person: Person) -> None:
    await person.calls("user: Hello?", "user: Is anybody there?")
    await person.types("One.")
    check(await person.types("Two."), "user: Hello?", "user: Is anybody there?", "user: One.", "user: Two.")


async def test_a_call_synced_again_is_there_once(person: Person, bridge: Bridge) -> None:
    events = person.events(*CALL)
    await bridge.tell(events)
    session = await bridge.synced(events[0]["callId"])
    person.key = session["sessionKey"]
    for _ in range(2):
        status, answer = await bridge.sync(session["callId"])
        assert (status, answer["success"], answer["messagesInjected"]) == (200, True, 0)
    assert set(await bridge.tell(events)) == {"duplicate"}
    check(await person.types("What did I say?"), *CALL, "user: What did I say?")


async def test_an_owners_call_is_in_the_main_conversation(meet: Meet) -> None:
    owner = meet(OWNER)
    owner.key = "agent:main:main"
    await owner.types("Good morning.")
    await owner.calls(*CALL)
    assert owner.key == "agent:main:main"
    check(await owner.types("What did I say?"), "user: Good morning.", *CALL, "user: What did I say?")


async def test_a_guests_call_is_nobody_elses(person: Person, meet: Meet) -> None:
    await person.calls(*LATER)
    owner = meet(OWNER)
    owner.key = "agent:main:main"
    assert heard(await owner.types("What do guests want?"), LATER) == []


async def test_each_call_without_a_number_is_a_conversation_of_its_own(meet: Meet) -> None:
    first, second = meet("anonymous"), meet("anonymous")
    await first.calls(*CALL)
    await second.calls(*LATER)
    for person in (first, second):
        person.key = person.key.lower()  # as OpenClaw lists it
    assert heard(await first.types("Who am I?"), (*CALL, *LATER)) == list(CALL)
    assert heard(await second.types("And I?"), (*CALL, *LATER)) == list(LATER)


async def test_what_was_cut_short_says_so(person: Person, bridge: Bridge) -> None:
    events = person.events(*CALL)
    events[2]["data"]["interrupted"] = True
    await bridge.tell(events)
    person.key = (await bridge.synced(events[0]["callId"]))["sessionKey"]
    request = await person.types("What did I say?")
    check(request, *CALL, "user: What did I say?")
    assert "Noted, Pixel the cat. …[interrupted]" in said(request)


async def test_the_bridge_can_tell_the_next_call_what_was_typed_and_spoken(
    person: Person, bridge: Bridge
) -> None:
    await person.types("I have a cat.")
    await person.calls(*CALL)
    await person.types("And a dog.")
    told = await bridge.context(person.key)
    typed, *spoken, again = [turn for turn in told if not turn.startswith("assistant: Answer ")]
    assert (typed, tuple(spoken), again) == ("user: I have a cat.", CALL, "user: And a dog.")
    assert len(told) == len(CALL) + 4
    assert await bridge.context("agent:main:telegram:direct:42") == []
