"""A person is forgotten whole, or not at all, and nobody else with them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.voice_server.adapters.people import StillUnderwayError
from services.voice_server.adapters.store import Claim, Filter, Store
from services.voice_server.domain.record import CallRecord, Phase
from tests.voice_server.calls import STARTED_AT, begun, record

NUMBER = "+14155550177"


def over(serial: int, **changes: object) -> CallRecord:
    legs = {"leg_gone": True, "rtc_gone": True}
    return record(serial, phase=Phase.ENDED, **{"ended_at": STARTED_AT + 100, **legs, **changes})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path)
    yield opened
    await opened.close()


async def test_all_of_a_person_goes_the_recordings_and_keys_too_and_the_others_stay(store: Store) -> None:
    theirs, others = over(1, number=NUMBER, session_key="agent:main:main"), over(2)
    for call in (theirs, others):
        saved, events = begun(call, turns=3)
        await store.save(saved, events)
        await store.claim(f"key-{call.ref}", Claim("digest", call.ref), STARTED_AT, 3600)
        await store.recordings.expect(str(call.call_id), STARTED_AT)
        path = store.recordings.path(str(call.call_id))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"RIFF")
    with pytest.raises(StillUnderwayError, match="still on its way here from Twilio"):
        await store.forget_person(NUMBER)
    assert await store.call(str(theirs.call_id))
    await store._execute("UPDATE recordings SET progress = 'kept'")

    forgotten = await store.forget_person(NUMBER)
    assert (forgotten.calls, forgotten.session_keys) == (1, ["agent:main:main"])
    assert theirs.call_id in forgotten.call_ids
    assert [call.ref for _, call in await store.history(Filter(10))] == [others.ref]
    there = [store.recordings.path(str(call.call_id)).exists() for call in (theirs, others)]
    assert there == [False, True]
    assert await store.claim(f"key-{theirs.ref}", Claim("new", "new"), STARTED_AT, 3600) == Claim(
        "new", "new"
    )
    assert (await store.forget_person(NUMBER)).calls == 0


async def test_whoever_is_on_the_line_is_kept_whole(store: Store) -> None:
    for call in (over(1, number=NUMBER), record(2, number=NUMBER, phase=Phase.TALKING)):
        await store.save(*begun(call, turns=1))
    with pytest.raises(StillUnderwayError, match=r"is not over\. End it \(DELETE /call/"):
        await store.forget_person(NUMBER)
    assert len(await store.history(Filter(10, phone=NUMBER))) == 2


async def test_the_search_index_forgets_letters_too(store: Store) -> None:
    call, events = begun(over(1, number=NUMBER), turns=3)
    await store.save(call, events)

    def indexed() -> str:
        return "SELECT count(*) AS bytes FROM said_data WHERE id > 10 AND length(block) > 0"

    assert (await store._rows(indexed()))[0]["bytes"] > 0
    await store.forget_person(NUMBER)
    assert (await store._rows(indexed()))[0]["bytes"] == 0
