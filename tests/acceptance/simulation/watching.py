"""An app that waits for time: a watch over a slow probe, with reminders and a deadline."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from pydantic import BaseModel

from arvo import (
    App,
    Contract,
    Done,
    Emit,
    Event,
    Handler,
    HandlerContext,
    OrchestratorContract,
    Payload,
    Resumable,
    ServiceError,
    Timeout,
    Turn,
    Wait,
    services,
)


class Probe(Payload):
    takes_seconds: int


class Probed(Payload, event_type="evt.site.probe.success"):
    pass


class Watch(Payload):
    takes_seconds: int


class Watched(Payload):
    reminders: int
    in_time: bool


class WatchState(BaseModel):
    reminders: int = 0


probe = Contract(uri="#/services/site.probe", type="com.site.probe")
probe_v1 = probe.version("1.0.0", accepts=Probe, emits=Probed)
watch = OrchestratorContract("watch", uri="#/orchestrators/watch")
watch_v1 = watch.version("1.0.0", accepts=Watch, emits=Watched)

probe_site = Handler(probe)
watch_site = Resumable(watch)

Step: TypeAlias = Wait[WatchState, Probe] | Done[Watched, WatchState, Probe]


@probe_site.on(probe_v1)
async def look(event: Event[Probe], _: HandlerContext) -> Emit[Probed]:
    return Emit(Probed(), deliver_after=timedelta(seconds=event.data.takes_seconds))


@watch_site.on(watch_v1, state=WatchState, services=services(probe_v1), timeouts=True)
async def go_on(turn: Turn[Watch | Probed | Timeout | ServiceError, WatchState]) -> Step:
    state = turn.state or WatchState()
    match turn.event.data:
        case Watch(takes_seconds=takes_seconds):
            call = Emit(Probe(takes_seconds=takes_seconds), deadline=timedelta(seconds=8))
            return Wait(state, [call], wake_after=timedelta(seconds=3))
        case Timeout(call_id=None):
            return Wait(WatchState(reminders=state.reminders + 1), wake_after=timedelta(seconds=3))
        case Probed():
            return Done(Watched(reminders=state.reminders, in_time=True))
        case Timeout() | ServiceError():
            return Done(Watched(reminders=state.reminders, in_time=False))


app = App(handlers=[watch_site, probe_site])
