"""Metrics as Prometheus reads them, and as the docs list them."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families


def samples(text: str) -> dict[str, float]:
    """Read the text format: `name{label="value"}` to value, labels in order."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def families(registry: CollectorRegistry) -> set[str]:
    """Name the metrics of a registry; counters end in `_total`."""
    return {f"{one.name}_total" if one.type == "counter" else one.name for one in registry.collect()}


def documented(page: Path, prefix: str) -> set[str]:
    """Name the metrics that a page lists in the first column of its tables."""
    return set(re.findall(rf"^\| `({prefix}\w+)", page.read_text(encoding="utf-8"), re.MULTILINE))
