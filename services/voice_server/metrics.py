"""What is measured of the calls; `docs/metrics.md` lists it."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.voice_server.domain.instructions import tools
from services.voice_server.domain.policy import Trust
from services.voice_server.domain.record import CallRecord, Phase
from shared.events import KeptEvent, ToolFinished

_CALL_SECONDS = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_SET_UP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_TOOL_SECONDS = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60)


class Metrics:
    """Count what happens to calls.

    The calls themselves know nothing of it: most is read off the difference between two of a call's records.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"openclaw_phone_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"openclaw_phone_{name}", text, registry=registry)

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
            return Histogram(f"openclaw_phone_{name}", text, labels, buckets=buckets, registry=registry)  # type: ignore[arg-type]  # a tuple will do

        self._calls = counter("calls", "Calls that have ended.", "direction", "end_reason")
        self._talked = histogram("call_duration_seconds", "How long was talked.", _CALL_SECONDS, "direction")
        self._set_up = histogram(
            "call_setup_seconds", "From OpenAI's offer to the attached sideband.", _SET_UP_SECONDS
        )
        self._tools = histogram("tool_seconds", "How long a tool took.", _TOOL_SECONDS, "tool", "ok")
        self._tokens = counter("tokens", "Tokens used at OpenAI.", "kind")
        self._transcribed = counter("transcription_seconds", "Seconds of callers' speech transcribed.")
        self._dollars = counter("cost_dollars", "What the usage costs by the price list.")
        self._peer_errors = counter("peer_errors", "Requests of ours that came to nothing.", "peer", "kind")
        self.reattached = counter("sideband_reattachments", "Attempts to attach a lost sideband again.")
        self.malformed = counter("sideband_malformed_frames", "Frames of OpenAI's that were no events.")
        self.webhooks = counter("webhooks", "Requests to /webhook.", "outcome")
        self.delivered = counter("events_delivered", "Call events that the bridge has taken.")
        self.undelivered = counter("event_delivery_failures", "Attempts that came to nothing.", "reason")
        self.active_calls = gauge("active_calls", "Calls that are not over.")
        self.outbox_events = gauge("outbox_events", "Call events that the bridge has not got.")
        self.outbox_oldest = gauge("outbox_oldest_seconds", "How old the oldest of them is.")
        self.recordings_pending = gauge("recordings_pending", "Recordings not fetched, or still at Twilio.")
        self.outbox_stuck = gauge("outbox_stuck_calls", "Calls with an event that the bridge refuses.")

    def changed(self, before: CallRecord, now: CallRecord, events: Iterable[KeptEvent]) -> None:
        """Count what has become of a call since it was last saved, and what it has published."""
        used, told = now.usage.model_dump(), before.usage.model_dump()
        for name in used:
            kind = name.removesuffix("_tokens")
            family = self._transcribed if name == "transcription_seconds" else self._tokens.labels(kind)
            family.inc(used[name] - told[name])
        self._dollars.inc(max(0, (now.cost_usd or 0) - (before.cost_usd or 0)))
        if before.phase is Phase.JOINING and now.phase is Phase.TALKING and not before.joined:
            self._set_up.observe(now.phase_since - before.phase_since)
        for event in events:
            if isinstance(event, ToolFinished):
                tool = event.data.name if event.data.name in tools(Trust.OWNER) else "unknown"
                self._tools.labels(tool, str(event.data.ok).lower()).observe(event.data.duration_seconds)
        if now.phase is Phase.ENDED and before.phase is not Phase.ENDED:
            self.ended(now)

    def ended(self, call: CallRecord) -> None:
        """Count a call that is over."""
        self._calls.labels(call.direction, call.end_reason or "unknown").inc()
        if call.answered_at is not None:
            self._talked.labels(call.direction).observe(call.duration_seconds(call.ended_at or 0))

    def peer_failed(self, peer: str, error: Exception) -> None:
        """Count a request that a peer did not answer as it should."""
        self._peer_errors.labels(peer, type(error).__name__).inc()
