"""`make crash`: the bridge dies hundreds of times while calls end, then its books are checked."""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path

from dev.crash import kills, lines
from dev.crash.kills import Outcome


def main() -> int:
    """Run; 0 only if all is right."""
    parser = argparse.ArgumentParser(prog="python -m dev.crash", description=__doc__)
    add = parser.add_argument
    add("--store", choices=("jsonl", "gateway"), nargs="*", default=("jsonl", "gateway"))
    add("--kills", type=int, default=200, help="at random moments, for each store (200)")
    add("--seed", type=int, default=random.randrange(10**6), help="repeats what is random, but for moments")  # noqa: S311 - no secret
    add(
        "--stride",
        type=int,
        default=len(lines.SCENES),
        help="die at every so many lines in each scene (5); 0: none",
    )
    wanted = parser.parse_args()
    # A bridge that dies in mid-sentence is what this is about; the sandbox need not tell of each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    is_right = True
    for store in wanted.store:
        if wanted.kills:
            what = f"{store}: {wanted.kills} kills, seed {wanted.seed}"
            is_right &= _played(what, partial(kills.run, store, wanted.kills, wanted.seed))
        for offset, scene in enumerate(lines.SCENES if wanted.stride else (), 1):
            chosen = count(offset, wanted.stride)
            is_right &= _played(f"{store}: {scene}", partial(lines.run, store, scene, chosen))
    return not is_right


def _played(what: str, run: Callable[[Path], Awaitable[Outcome]]) -> bool:
    async def play() -> Outcome:
        return await run(folder)

    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    outcome = asyncio.run(play())
    print(what, outcome, sep="\n", flush=True)
    if outcome.is_right:
        shutil.rmtree(folder)
    else:
        print(f"Not right. Everything it left is in {folder}.")
    return outcome.is_right


if __name__ == "__main__":
    sys.exit(main())
