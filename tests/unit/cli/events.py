"""Lines of events for the app of the tests."""

from __future__ import annotations

from typing import Any

__all__ = ["a_charge", "an_order"]


def a_charge(id: str = "charge-1", how: str = "well", **envelope: Any) -> dict[str, Any]:
    """A line that charges a card."""
    data = {"cents": 100, "how": how}
    return {"id": id, "type": "com.card.charge", "source": "com.shop.web", "data": data, **envelope}


def an_order(id: str = "order-1", **data: Any) -> dict[str, Any]:
    """A line that starts the order workflow."""
    return {"id": id, "type": "arvo.orc.order", "source": "com.shop.web", "data": {"cents": 100, **data}}
