"""What is measured of events, followers and writes; `docs/metrics.md` lists it."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_WRITE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Count what comes in, and what becomes of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def name(of: str) -> str:
            return f"openclaw_bridge_{of}"

        self.events = Counter(
            name("events"), "Call events that came.", ["type", "outcome"], registry=registry
        )
        self.writes = Counter(
            name("writes"), "Attempts to write a call into OpenClaw.", ["outcome"], registry=registry
        )
        self.write_seconds = Histogram(
            name("write_seconds"), "How long one took.", buckets=_WRITE_SECONDS, registry=registry
        )
        self.messages = Counter(
            name("messages_injected"), "Messages written into OpenClaw.", registry=registry
        )
        self.late_answers = Counter(
            name("late_answers"),
            "Answers that came after their call, on their way to the owner's chat.",
            ["outcome"],
            registry=registry,
        )
        self.sessions = Gauge(
            name("sessions"), "Calls that are not in OpenClaw yet.", ["state"], registry=registry
        )
        self.overdue = Gauge(
            name("sessions_overdue"), "Calls not in OpenClaw for more than a day.", registry=registry
        )
        self.subscribers = Gauge(name("sse_subscribers"), "Open event streams.", registry=registry)
