"""The bridge forgets a person, whatever has become of their calls, and goes on."""

from tests.session_bridge.bridge import Bridge, Start, take
from tests.session_bridge.calls import CALL, NUMBER, Json, call


async def forget(bridge: Bridge, number: str) -> tuple[int, Json]:
    async with bridge.client.delete(f"/people/{number}") as answer:
        return answer.status, await answer.json(content_type=None)


async def test_whoever_resumes_finds_nothing_of_a_forgotten_person(start: Start) -> None:
    bridge = await start()
    async with bridge.events("/events") as listening:
        await bridge.tell(call("user: a", "assistant: b"))
        await take(listening, 4)
        await bridge.until_all_are("synced")
        status, forgotten = await forget(bridge, NUMBER)
        assert (status, forgotten["calls"], forgotten["call_ids"]) == (200, 1, [CALL])
        assert await bridge.sessions() == []
        async with bridge.events("/events", **{"Last-Event-ID": "1"}) as stream:
            await bridge.tell(call(call_id="CA2")[:1])
            (frame,) = await take(stream, 1)
        assert "CA2" in frame["data"]
    assert (await forget(bridge, NUMBER))[1]["calls"] == 1
    assert (await forget(bridge, "nobody"))[0] == 422
