"""The planted bugs: in which file which text becomes which other text, and the first seed that finds it.

`python -m tests.acceptance.simulation.search` looks for the seeds anew.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MUTATIONS", "ORDERS", "WATCHING", "Mutation"]

ORDERS = ("examples.orders.app:app", "examples/orders/orders.jsonl")
WATCHING = ("tests.acceptance.simulation.watching:app", "tests/acceptance/simulation/watching.jsonl")

_STATE = "backends/memory/store_state.py"
_STORE = "backends/memory/store.py"
_WORKER = "runtime/worker"


@dataclass(frozen=True)
class Mutation:
    """One bug. `seed` is the first one that finds it, None when no seed below 2,000 does."""

    name: str
    file: str
    before: str
    after: str
    seed: int | None = None
    app: tuple[str, str] = ORDERS


MUTATIONS = (
    Mutation(
        "no inbox", _STATE, "item.key in self.pending or item.key in self.consumed", "item.key in self.pending", seed=1
    ),
    Mutation(
        "an event that waits is taken in twice",
        _STATE,
        "item.key in self.pending or item.key in self.consumed",
        "item.key in self.consumed",
        seed=67,
    ),
    Mutation(
        "consumed ids are forgotten",
        _STATE,
        "self.consumed.update(dict.fromkeys(keys, now))",
        "_ = dict.fromkeys(keys)",
        seed=1,
    ),
    Mutation("no fencing", _STATE, "lane is None or lane.token != completion.claim.token:", "lane is None:", seed=63),
    Mutation(
        "only the first record is stored",
        _STATE,
        "if completion.record is not None:",
        "if completion.record is not None and lane.id not in self.workflows:",
        seed=0,
    ),
    Mutation(
        "outputs but the first are lost",
        _STATE,
        "self.take_in(encoded.produced, now)",
        "self.take_in(encoded.produced[:1], now)",
        seed=0,
    ),
    Mutation(
        "events of a lane are put in front",
        _STATE,
        "lane.deliveries.append(\n",
        "lane.deliveries.insert(\n            0,\n",
        seed=0,
    ),
    Mutation(
        "a retry does not wait",
        _STATE,
        "lane.free(now + completion.retry.delay, attempts=",
        "lane.free(now, attempts=",
        seed=7,
    ),
    Mutation(
        "a failed event is dropped",
        _STATE,
        "            lane.error = completion.retry.error",
        "            self._forget_pending(lane, {lane.deliveries[0].key})",
        seed=7,
    ),
    Mutation(
        "timers fire early",
        _STATE,
        "item.due_at is not None and item.due_at <= now]",
        "item.due_at]",
        app=WATCHING,
        seed=0,
    ),
    Mutation(
        "a cancelled timer fires",
        _STATE,
        "            self.timers.pop(key, None)\n        self._leave",
        "            _ = key\n        self._leave",
        app=WATCHING,
        seed=0,
    ),
    Mutation("attempts are not counted", _STORE, "lane.attempts += 1", "lane.attempts = 1", seed=0),
    Mutation(
        "leased lanes are given out",
        _STORE,
        "if lane.due_at <= now and lane.handler in handlers:",
        "if lane.handler in handlers:",
        seed=0,
    ),
    Mutation(
        "expired leases are never given out",
        _STORE,
        "if lane.due_at <= now and lane.handler in handlers:",
        "if lane.due_at <= now and lane.owner is None and lane.handler in handlers:",
        seed=3,
    ),
    Mutation("a renewal does not prolong", _STORE, "lane.due_at = until", "_ = until", seed=16),
    Mutation(
        "the lanes of a dead worker are not freed",
        _STORE,
        "lane.free(now, attempts=lane.attempts)",
        "_ = lane.attempts",
        seed=366,
    ),
    Mutation(
        "a lane handed back counts as tried",
        _STORE,
        "lane.free(now, attempts=lane.attempts - 1)",
        "lane.free(now, attempts=lane.attempts)",
        seed=1,
    ),
    Mutation(
        "dead workers stay listed",
        _STORE,
        "self._state.workers.pop(id_, None)",
        "_ = self._state.workers.get(id_)",
        seed=966,
    ),
    Mutation(
        "outputs are stored in a transaction of their own",
        f"{_WORKER}/finisher.py",
        "outcomes = await self._store.finish([result.completion for result in group])",
        "from dataclasses import replace\n"
        "            outcomes = await self._store.finish([replace(each.completion, produced=()) for each in group])\n"
        "            for each in group:\n"
        "                await self._store._store.publish(each.completion.produced)",
        seed=0,
    ),
    Mutation(
        "leases are not renewed",
        f"{_WORKER}/leases.py",
        "await self._renew(older_than=quarter)",
        "_ = self._renew",
        seed=29,
    ),
    Mutation(
        "room for work is not given back",
        f"{_WORKER}/hands.py",
        "        hand.post.running -= 1\n        self._running -= 1\n",
        "        hand.post.running -= 1\n",
        seed=0,
    ),
    Mutation(
        "what was claimed along is not begun", f"{_WORKER}/onward.py", "self._begin(claims)", "_ = claims", seed=0
    ),
    Mutation(
        "the living are taken for dead",
        f"{_WORKER}/presence.py",
        "worker.silent_for > silence",
        "worker.silent_for > silence / 8",
        seed=29,
    ),
    Mutation(
        "an event is done with although it failed",
        f"{_WORKER}/lane_run.py",
        "            if retry is not None:\n                break\n            self._consumed",
        "            self._consumed",
        seed=7,
    ),
    Mutation(
        "the next event of a claim finds the old record",
        f"{_WORKER}/lane_run.py",
        "self._record_json = memory.written.record_json",
        "_ = memory.written.record_json",
        seed=1,
    ),
    Mutation(
        "outputs are stored in reverse",
        f"{_WORKER}/lane_run.py",
        "self._produced.append(way)",
        "self._produced.insert(0, way)",
        seed=0,
    ),
    Mutation(
        "delays of outputs are forgotten",
        f"{_WORKER}/lane_run.py",
        "Sending(delay, self._priority)",
        "Sending(None, self._priority)",
        app=WATCHING,
        seed=0,
    ),
    Mutation("retries end too soon", "runtime/retry.py", "if attempt >= self.attempts:", "if attempt >= 2:", seed=209),
    Mutation(
        "the record does not know its timers",
        "orchestration/execution.py",
        "return limited({**step.timers, **started}, workflow=version.vocabulary.own.dataschema)",
        "return step.timers",
        app=WATCHING,
    ),
)
