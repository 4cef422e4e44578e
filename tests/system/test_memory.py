"""What the voice knows of the chat, through both services."""

from tests.system.conftest import Stack

RECALLS = "09"
"""The last digits of a person who asks what they wrote last."""


async def test_what_the_owner_just_wrote_in_the_chat_is_known_on_the_phone(stack: Stack) -> None:
    stack.write_in_the_chat("agent:main:main", "The vet is on Friday.", "I have noted it.")
    call_id = await stack.call(f"+141555501{RECALLS}")
    await stack.until_synced(call_id)
    assert "You wrote: The vet is on Friday." in await stack.turns(call_id)


async def test_what_was_said_in_the_last_call_is_known_in_the_next(stack: Stack) -> None:
    await stack.until_synced(await stack.call())
    call_id = await stack.call(f"+141555501{RECALLS}")
    await stack.until_synced(call_id)
    assert "You wrote: Great, thank you. Goodbye!" in await stack.turns(call_id)


async def test_a_guest_is_told_of_nothing_but_their_own_conversation(stack: Stack) -> None:
    guest, other = f"+141555511{RECALLS}", f"+141555512{RECALLS}"
    stack.write_in_the_chat("agent:main:main", "The key is under the mat.", "I have noted it.")
    stack.write_in_the_chat(f"agent:main:voice:direct:{guest}", "I like tea.", "Good.")
    told = []
    for person in (guest, other):
        call_id = await stack.call(person)
        await stack.until_synced(call_id)
        told.append([text for text in await stack.turns(call_id) if "wrote" in text and "What" not in text])
    assert told[0] == ["You wrote: I like tea."]
    assert "mat" not in str(told)
    assert "tea" not in str(told[1])
