"""The phone as it is used through the bridge, with the real voice server behind."""

from pathlib import Path

from dev.stack import Program
from tests.system.conftest import a_stack

GREETING = "+14155550101"
WITHOUT_END = "+14155550106"


async def test_a_call_is_placed_seen_and_ended_through_the_bridge_alone(tmp_path: Path) -> None:
    async with a_stack(tmp_path, 8) as stack:
        phone, order = f"{stack.bridge.url}/phone", {"to": WITHOUT_END, "message": "Hello!"}
        once = {"Idempotency-Key": "the form was sent twice"}
        for _ in range(2):
            async with stack.http.post(f"{phone}/call", json=order, headers=once) as answer:
                assert answer.status == 202, await answer.text()
                location, call_id = answer.headers["Location"], (await answer.json())["call_id"]
        assert location == f"/phone/history/{call_id}"

        async def is_talked() -> bool:
            calls = (await stack.get(f"{phone}/calls"))["calls"]
            return [(one["call_id"], one["status"]) for one in calls] == [(call_id, "in-progress")]

        await stack.until(is_talked)
        await stack.until_said(call_id, 1)
        assert (await stack.get(f"{phone}/health"))["active_calls"] == 1

        async with stack.http.delete(f"{phone}/call/{call_id}") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "completed", "call_id": call_id})
        await stack.until_synced(call_id)
        assert (await stack.get(f"{phone}/calls"))["active_calls"] == 0
        (listed,) = (await stack.get(f"{phone}/history?limit=1&number=%2B14155550106"))["calls"]
        assert listed["call_id"] == call_id
        ended = await stack.get(f"{stack.bridge.url}{location}")
        assert ended["end_reason"] == "hung_up_by_request"
        said = await stack.get(f"{stack.bridge.url}{location}/transcript")
        assert said["transcript"][0]["content"] == "Hello!"
        (session,) = (await stack.get(f"{stack.bridge.url}/sessions?callId={call_id}"))["sessions"]
        assert (session["state"], session["lastError"]) == ("synced", None)


async def test_what_the_voice_server_refuses_comes_through_in_its_words(tmp_path: Path) -> None:
    async with a_stack(tmp_path, 8) as stack:
        phone = f"{stack.bridge.url}/phone"
        async with stack.http.post(f"{phone}/call", json={"to": "tomorrow"}) as answer:
            assert answer.status == 422
            assert "international form" in (await answer.json())["detail"]
        async with stack.http.get(f"{phone}/history?colour=red") as answer:
            assert answer.status == 422
        async with stack.http.get(f"{phone}/history/CA0") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")


def _recording(services: list[Program]) -> None:
    for service in services:
        service.environment = {**service.environment, "RECORD_CALLS": "outbound"}


async def test_what_was_recorded_is_played_through_the_bridge_part_by_part(tmp_path: Path) -> None:
    async with a_stack(tmp_path, 50, _recording) as stack:
        phone, order = f"{stack.bridge.url}/phone", {"to": GREETING, "message": "Hello!"}
        async with stack.http.post(f"{phone}/call", json=order) as answer:
            call = f"{stack.bridge.url}{answer.headers['Location']}"

        async def is_ready() -> bool:
            recording = (await stack.get(call))["recording"]
            return bool(recording) and recording["state"] == "ready"

        await stack.until(is_ready)
        size = (await stack.get(call))["recording"]["bytes"]
        async with stack.http.get(f"{call}/recording", headers={"Range": "bytes=0-3"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"RIFF")
            assert answer.headers["Content-Range"] == f"bytes 0-3/{size}"
        async with stack.http.get(f"{call}/recording", headers={"Range": f"bytes={size}-"}) as answer:
            assert (answer.status, answer.content_type) == (416, "application/problem+json")
