"""What a service tells of itself at `/metrics`, in Prometheus' text format.

Every application has a registry of its own, so that two of them can live in one process.
"""

import asyncio

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample beside every counter, which nobody asks for


def new_registry() -> CollectorRegistry:
    """Make a registry that knows of the process: memory, processor, open files, the event loop's tasks."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    tasks = Gauge("asyncio_tasks", "Tasks of the event loop that are not done.", registry=registry)
    tasks.set_function(lambda: len(asyncio.all_tasks()))
    return registry


def response(registry: CollectorRegistry) -> web.Response:
    """Answer with what is measured now; to be called in the event loop."""
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
