"""What is measured of events, followers and writes, seen at `/metrics` as Prometheus would."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from services.session_bridge.metrics import Metrics
from tests.session_bridge.bridge import Bridge, take
from tests.session_bridge.calls import call, partial
from tests.session_bridge.openclaw import Home
from tests.session_bridge.waiting import until
from tests.shared.prometheus import documented, families, samples

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


async def scrape(bridge: Bridge) -> dict[str, float]:
    async with bridge.client.get("/metrics") as answer:
        assert answer.status == 200
        return samples(await answer.text())


async def test_a_call_leaves_its_numbers_behind_and_nothing_waiting(bridge: Bridge, home: Home) -> None:
    events = call("user: Hello", "assistant: Hi")
    await bridge.tell(events[:1])
    assert (await scrape(bridge))['openclaw_bridge_sessions{state="active"}'] == 1
    await bridge.tell([partial("user: Hel"), *events[1:]])
    await bridge.post("/call-event", events[-1])
    await bridge.until_all_are("synced")
    told = await scrape(bridge)
    seen = "openclaw_bridge_events_total"
    assert told[f'{seen}{{outcome="accepted",type="transcript_update"}}'] == 2
    assert told[f'{seen}{{outcome="shown",type="transcript_partial"}}'] == 1
    assert told[f'{seen}{{outcome="duplicate",type="call_ended"}}'] == 1
    assert told['openclaw_bridge_writes_total{outcome="written"}'] == 1
    assert told["openclaw_bridge_write_seconds_count"] == 1
    assert told["openclaw_bridge_messages_injected_total"] == 2
    assert all(told[f'openclaw_bridge_sessions{{state="{state}"}}'] == 0 for state in ("active", "failed"))
    assert told["asyncio_tasks"] > 0


async def test_a_write_that_cannot_be_done_is_counted_and_waits(bridge: Bridge, home: Home) -> None:
    home.sessions.rmdir()
    await bridge.tell(call("user: Hello"))

    async def postponed() -> bool:
        told = await scrape(bridge)
        return bool(told.get('openclaw_bridge_writes_total{outcome="postponed"}'))

    await until(postponed)
    assert (await scrape(bridge))['openclaw_bridge_sessions{state="failed"}'] == 1


async def test_followers_are_counted_while_they_are_there(bridge: Bridge) -> None:
    async with bridge.events() as stream:
        await bridge.tell(call()[:1])
        await take(stream, 1)
        assert (await scrape(bridge))["openclaw_bridge_sse_subscribers"] == 1

    async def gone() -> bool:
        return (await scrape(bridge))["openclaw_bridge_sse_subscribers"] == 0

    await until(gone)


async def test_the_metrics_want_the_key(bridge: Bridge) -> None:
    async with bridge.client.get("/metrics", headers={"Authorization": "Bearer wrong"}) as answer:
        assert answer.status == 401


def test_every_metric_is_in_the_docs_and_no_other() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    assert documented(DOCS, "openclaw_bridge_") == families(registry)
