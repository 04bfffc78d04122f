"""What a worker is made with is checked when it is made."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from arvo.errors import DefinitionError
from arvo.runtime import App, Worker
from tests.unit.runtime.worker.workplace import Gate

if TYPE_CHECKING:
    from arvo.ports import Store


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"concurrency": 0}, "concurrency is 0, so no event could ever be handled"),
        ({"deliveries_per_lane": 0}, "deliveries_per_lane is 0"),
        ({"lease": timedelta(0)}, "lease is 0:00:00. Give it a time above zero"),
        ({"heartbeat": timedelta(seconds=-1)}, "heartbeat is"),
        ({"sources": ["com.one.handlr"]}, "serve 'com.one.handlr', but the app has 'com.one.handler'"),
        ({"sources": []}, "serve nothing, but the app has 'com.one.handler'"),
    ],
)
async def test_settings_that_cannot_work_are_refused(
    memory_store: Store, settings: dict[str, Any], message: str
) -> None:
    app = App([Gate().handler()])

    with pytest.raises(DefinitionError) as raised:
        Worker(app, memory_store, **settings)
    assert message in raised.value.message
