"""The full form of the chaos test, on Postgres and on SQLite: `make chaos`, or `python -m tests.acceptance.chaos`.

ARVO_CHAOS_SEED=... gives the same requests and the same plan of faults again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.acceptance.chaos.form import Form, chosen_seed, survive

_SHOWN = 30


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.chaos", description=__doc__)
    parser.add_argument("--workflows", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=120.0, help="for how long there are faults")
    parser.add_argument("--restarts", type=int, default=10, help="of Postgres")
    parser.add_argument("--store", choices=["postgres", "sqlite"], action="append", help="default: both")
    given = parser.parse_args()
    seed = chosen_seed()
    good = True
    for kind in given.store or ["postgres", "sqlite"]:
        restarts = given.restarts if kind == "postgres" else 0
        form = Form(kind=kind, workflows=given.workflows, seconds=given.seconds, restarts=restarts)
        say(f"== {kind}: {form.workflows} requests, seed {seed} (ARVO_CHAOS_SEED={seed} for the same again)")
        result = asyncio.run(survive(form, seed, say))
        for what, count in result.figures.items():
            say(f"{count:>8}  {what}")
        for wrong in result.wrongs[:_SHOWN]:
            say(f"WRONG: {wrong}")
        say(f"{len(result.wrongs):>8}  lost, doubled, stuck, overlapping or out of order; {result.seconds:.0f} s")
        good = good and not result.wrongs
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
