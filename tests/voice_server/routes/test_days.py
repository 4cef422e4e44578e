"""`/days`: every day is there, what happened is in it, and a wrong query is refused."""

import time
from datetime import UTC, datetime, timedelta

from services.voice_server.domain.record import Phase
from shared.events import CallStatus
from tests.voice_server.calls import record
from tests.voice_server.running_server import Json, RunningServer, problem

EMPTY = {"calls": 0, "seconds": 0, "cost_usd": 0.0}


async def days(server: RunningServer, query: str = "") -> list[Json]:
    status, answer = await server.ask("GET", f"/days{query}")
    assert status == 200, answer
    listed: list[Json] = answer["days"]
    return listed


async def keep(server: RunningServer, serial: int, started_at: float, **changes: object) -> None:
    over = {"phase": Phase.ENDED, "leg_gone": True, "ended_at": started_at + 30, "answered_at": started_at}
    await server.store.save(record(serial, started_at=started_at, **over | changes), [])


def dates(listed: list[Json]) -> list[str]:
    return [day["date"] for day in listed]


async def test_each_of_the_last_days_is_there_the_oldest_first_also_without_calls(
    server: RunningServer,
) -> None:
    for query, count in (("", 30), ("?days=1", 1), ("?days=366", 366)):
        listed = await days(server, query)
        last = datetime.fromisoformat(listed[-1]["date"])
        assert dates(listed) == [str((last - timedelta(days=n)).date()) for n in reversed(range(count))]
        assert all({**day, **EMPTY} == day for day in listed)


async def test_today_is_the_day_it_is_where_the_clock_is_ahead(server: RunningServer) -> None:
    for minutes in (-720, -90, 0, 840):
        before = datetime.fromtimestamp(time.time() + minutes * 60, UTC).date()
        (today,) = dates(await days(server, f"?days=1&utc_offset_minutes={minutes}"))
        after = datetime.fromtimestamp(time.time() + minutes * 60, UTC).date()
        assert today in {str(before), str(after)}


async def test_a_day_sums_up_its_calls_and_what_is_known_of_their_cost(server: RunningServer) -> None:
    listed = await days(server, "?days=10")
    noons = [datetime.fromisoformat(day["date"] + "T12:00:00Z").timestamp() for day in listed]
    await keep(server, 1, noons[3], cost_usd=0.1)
    await keep(server, 2, noons[3] + 1, cost_usd=0.2)
    await keep(server, 3, noons[3] + 2, cost_usd=None)
    await keep(server, 4, noons[5], cost_usd=None)
    await keep(server, 5, noons[6], cost_usd=0.0, status=CallStatus.REJECTED)
    shown = {day["date"]: day for day in await days(server, "?days=12")}
    assert [shown[day["date"]] for day in (listed[3], listed[5], listed[6])] == [
        {"date": listed[3]["date"], "calls": 3, "seconds": 90, "cost_usd": 0.3},
        {"date": listed[5]["date"], "calls": 1, "seconds": 30, "cost_usd": None},
        {"date": listed[6]["date"], **EMPTY},
    ]


async def test_a_call_that_runs_is_in_today_with_the_seconds_so_far(server: RunningServer) -> None:
    now = time.time()
    await keep(server, 1, now, phase=Phase.TALKING, ended_at=None, answered_at=now - 600)
    counted = [day for day in await days(server, "?days=2") if day["calls"]]  # midnight may pass meanwhile
    assert [day["calls"] for day in counted] == [1]
    assert 600 <= counted[0]["seconds"] < 660


async def test_a_query_that_is_not_as_documented_is_refused(server: RunningServer) -> None:
    for query in (
        "days=0",
        "days=367",
        "days=all",
        "utc_offset_minutes=-721",
        "utc_offset_minutes=841",
        "month=11",
    ):
        async with server.raw("GET", f"/days?{query}") as response:
            status, detail = await problem(response)
        assert status == 422, query
        assert detail.startswith(query.partition("=")[0])


async def test_days_are_told_to_who_has_the_key(server: RunningServer) -> None:
    async with server.raw("GET", "/days", key=None) as response:
        assert response.status == 401
