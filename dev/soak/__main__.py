"""`make soak`: play random calls against the sandbox, and check the books."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from pathlib import Path

from dev.soak.report import check, tell
from dev.soak.run import Run, soak
from dev.stack import DidNotStartError


def _wanted() -> Run:
    parser = argparse.ArgumentParser(prog="python -m dev.soak", description=__doc__)
    add = parser.add_argument
    add("--calls", type=int, default=300, help="how many (300)")
    add("--seed", type=int, default=random.randrange(10**6), help="repeats a run")  # noqa: S311 - no secret
    add("--speed", type=float, help="how much faster than people (50; with --kill 5)")
    add("--parallel", type=int, default=12, help="calls at the same time (12)")
    add("--no-faults", dest="faults", action="store_const", const=(), help="let nothing go wrong")
    add("--kill", action="store_true", help="kill -9 a service now and then, and start it again")
    wanted = parser.parse_args()
    wanted.speed = wanted.speed or (5 if wanted.kill else 50)
    return Run(**vars(wanted))


def main() -> int:
    """Run; 0 only if all books are right."""
    run = _wanted()
    print(f"{run.calls} calls, {run.parallel} at a time, seed {run.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    evidence = asyncio.run(soak(run, folder))
    found = check(evidence)
    print(*tell(evidence, found), sep="\n")
    if any(found.values()):
        print(f"\nNot right. Repeat it with --seed {run.seed}; everything it left is in {folder}.")
        return 1
    shutil.rmtree(folder)
    print("\nAll books are right.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DidNotStartError as failed:
        sys.exit(str(failed))
