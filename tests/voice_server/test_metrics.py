"""What is measured of calls, seen at `/metrics` as Prometheus would."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from sandbox.app import Sandbox
from sandbox.scripts import with_fault
from services.voice_server.domain.record import Phase
from services.voice_server.metrics import Metrics
from shared.events import EndReason, ToolFinishedData, Usage
from tests.shared.prometheus import documented, families, samples
from tests.voice_server.calls import STARTED_AT, begun, record, said
from tests.voice_server.recording_bridge import RecordingBridge
from tests.voice_server.running_server import OWNER, STRANGER, RunningServer
from tests.voice_server.serving import until

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


async def scrape(server: RunningServer) -> dict[str, float]:
    async with server.raw("GET", "/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return samples(await answer.text())


async def test_a_call_leaves_its_numbers_behind_and_nothing_running(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = await server.dial(OWNER)
    assert (await scrape(server))["openclaw_phone_active_calls"] == 1
    await bridge.until("call_ended", call_id)
    call = await server.call_over(call_id)

    async def nothing_left() -> bool:
        left = await scrape(server)
        return not (left["openclaw_phone_active_calls"] or left["openclaw_phone_outbox_events"])

    await until(nothing_left)
    after = await scrape(server)
    over = 'direction="outbound",end_reason="assistant_hung_up"'
    assert after[f"openclaw_phone_calls_total{{{over}}}"] == 1
    assert after['openclaw_phone_call_duration_seconds_count{direction="outbound"}'] == 1
    assert after["openclaw_phone_call_setup_seconds_count"] == 1
    assert after['openclaw_phone_tool_seconds_count{ok="true",tool="ask_openclaw"}'] == 1
    assert after['openclaw_phone_tool_seconds_count{ok="true",tool="end_call"}'] == 1
    for name, amount in call["usage"].items():
        kind = name.removesuffix("_tokens")
        key = f'openclaw_phone_tokens_total{{kind="{kind}"}}'
        if name == "transcription_seconds":
            key = "openclaw_phone_transcription_seconds_total"
        assert after[key] == pytest.approx(amount)
    assert after["openclaw_phone_cost_dollars_total"] == pytest.approx(call["cost_usd"])
    assert after["openclaw_phone_events_delivered_total"] == len(bridge.of(call_id))
    assert after['openclaw_phone_webhooks_total{outcome="offer"}'] == 1
    for name in ("active_calls", "outbox_events", "outbox_oldest_seconds", "outbox_stuck_calls"):
        assert after[f"openclaw_phone_{name}"] == 0
    assert after["asyncio_tasks"] > 0
    assert after["process_open_fds"] > 0


async def test_a_caller_who_is_turned_away_is_a_call_that_was_rejected(
    server: RunningServer, sandbox: Sandbox
) -> None:
    async with server.twilio("/voice/incoming", CallSid="CA" + "1" * 32, From=STRANGER, To=OWNER) as answer:
        assert answer.status == 200
    rejected = 'openclaw_phone_calls_total{direction="inbound",end_reason="rejected"}'
    assert (await scrape(server))[rejected] == 1


async def test_frames_that_are_no_events_are_counted(
    server: RunningServer, bridge: RecordingBridge, sandbox: Sandbox
) -> None:
    call_id = sandbox.phone_in(OWNER, with_fault("frames-malformed")).id
    await bridge.until("call_ended", call_id)
    await server.call_over(call_id)
    assert (await scrape(server))["openclaw_phone_sideband_malformed_frames_total"] > 3


async def test_the_metrics_want_the_key(server: RunningServer) -> None:
    async with server.raw("GET", "/metrics", key=None) as answer:
        assert answer.status == 401


async def test_a_webhook_with_a_bad_signature_is_counted(server: RunningServer) -> None:
    async with server.raw("POST", "/webhook", b"{}") as answer:
        assert answer.status == 401
    assert (await scrape(server))['openclaw_phone_webhooks_total{outcome="bad_signature"}'] == 1


async def test_each_webhook_is_counted_by_what_came_of_it(server: RunningServer) -> None:
    assert [await server.offer("rtc_1"), await server.offer("rtc_1")] == [200, 200]
    other = b'{"object": "event", "id": "evt_2", "type": "response.completed", "data": {}}'
    assert await server.webhook(other) == 200
    assert await server.status_callback("/webhook", CallSid="CA" + "1" * 32, CallStatus="completed") == 204
    told = await scrape(server)
    outcomes = {name: n for name, n in told.items() if name.startswith("openclaw_phone_webhooks_total")}
    assert [name.split('"')[1] for name in sorted(outcomes)] == ["ignored", "offer", "repeated", "status"]
    assert set(outcomes.values()) == {1}


def test_what_was_used_before_a_restart_is_not_counted_again() -> None:
    registry = CollectorRegistry()
    used, more = Usage(output_audio_tokens=5), Usage(output_audio_tokens=7)
    before = record(usage=used, cost_usd=1.0)
    Metrics(registry).changed(before, record(usage=more, cost_usd=1.5), [])
    kind = {"kind": "output_audio"}
    assert registry.get_sample_value("openclaw_phone_tokens_total", kind) == 2
    assert registry.get_sample_value("openclaw_phone_cost_dollars_total") == 0.5


def test_a_call_that_ended_before_is_not_counted_again() -> None:
    registry = CollectorRegistry()
    over = record(phase=Phase.ENDED, end_reason=EndReason.SILENCE, ended_at=STARTED_AT, leg_gone=False)
    Metrics(registry).changed(over, over.model_copy(update={"leg_gone": True}), [])
    assert not [name for name in families(registry) if registry.get_sample_value(f"{name}_total")]


def test_the_names_a_model_makes_up_for_tools_are_one() -> None:
    registry = CollectorRegistry()
    finished = ToolFinishedData(tool_call_id="t", name="x" * 99, ok=False, output="", duration_seconds=1)
    call, events = said(begun(record())[0], finished)
    Metrics(registry).changed(call, call, events)
    unknown = {"tool": "unknown", "ok": "false"}
    assert registry.get_sample_value("openclaw_phone_tool_seconds_count", unknown) == 1


def test_every_metric_is_in_the_docs_and_no_other() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    assert documented(DOCS, "openclaw_phone_") == families(registry)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in families(registry))
