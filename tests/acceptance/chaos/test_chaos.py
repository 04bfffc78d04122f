"""Workers are killed and stopped, Postgres is restarted under them: nothing is lost, doubled, stuck or out of order.

The short form; `make chaos` is the full one. A seed that failed is repeated by ARVO_CHAOS_SEED.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.chaos.faults import Disturbance, planned
from tests.acceptance.chaos.form import Form, chosen_seed, survive

if TYPE_CHECKING:
    from tests.acceptance.chaos.form import Result
    from tests.support.figures import Figures

POSTGRES = Form(kind="postgres", workflows=500, seconds=18, restarts=3)
SQLITE = Form(kind="sqlite", workflows=500, seconds=12)


async def survived(form: Form, figures: Figures) -> Result:
    seed = chosen_seed()
    result = await survive(form, seed, lambda _: None)
    counts = ", ".join(f"{count} {what}" for what, count in result.figures.items())
    figures.say(f"chaos on {form.kind}, seed {seed}, {result.seconds:.0f} s: {counts}")
    assert result.wrongs == [], f"ARVO_CHAOS_SEED={seed}"
    assert result.figures["answers"] == form.workflows
    assert result.figures["runs that came to nothing and were made again"] > 0
    return result


@pytest.mark.timeout(300)
async def test_killed_workers_a_restarted_postgres_and_a_zombie_change_nothing(
    figures: Figures,
) -> None:
    counts = (await survived(POSTGRES, figures)).figures
    assert counts["restarts"] == POSTGRES.restarts
    assert counts["kills"] >= POSTGRES.seconds / 3 - 2
    assert counts["workers stopped beyond their lease"] == counts["late commits refused"] == 1


@pytest.mark.timeout(300)
async def test_killed_workers_on_one_sqlite_file_change_nothing(figures: Figures) -> None:
    counts = (await survived(SQLITE, figures)).figures
    assert counts["kills"] >= SQLITE.seconds / 3 - 2


def test_the_same_seed_plans_the_same_faults() -> None:
    plan = planned(7, seconds=120, restarts=10)
    assert plan == planned(7, seconds=120, restarts=10) != planned(8, seconds=120, restarts=10)
    assert sum(fault.what is Disturbance.RESTART for fault in plan) == 10
    kills = [fault.at for fault in plan if fault.what is Disturbance.KILL]
    assert all(1 <= later - earlier <= 3 for earlier, later in pairwise(kills))
    assert all(0 < fault.at < 120 for fault in plan)
