"""OpenClaw's releases, as far as a caller's conversation depends on them."""

import re

Release = tuple[int, int, int]

DIRECT_KEYS: Release = (2026, 2, 12)
"""From here on a key says `direct` where older releases say `dm`."""

STARTED_AT: Release = (2026, 5, 0)
"""From here on the daily reset looks at `sessionStartedAt`; 2026.2.2 looks at `updatedAt`.

Tried on 2026.2.2 and 2026.7.35 only; the line between them is drawn where the stores changed.
"""

SQLITE: Release = (2026, 8, 1)
"""From here on OpenClaw keeps its sessions in SQLite, on a fresh installation from the first turn on."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def parse(text: object) -> Release | None:
    """Read `2026.7.35` or `2026.8.1-beta.1`; None for anything else."""
    found = _VERSION.match(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def spell(release: Release | None) -> str:
    """Write a release as OpenClaw does."""
    return "of unknown release" if release is None else ".".join(map(str, release))
