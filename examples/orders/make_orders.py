"""Writes `orders.jsonl`, the demo's input: always the same 200 orders, most of them ordinary.

python -m examples.orders.make_orders > examples/orders/orders.jsonl
"""

from __future__ import annotations

import json
import random
from typing import Any

ORDERS = 200
PRICES_CENTS = {"lamp": 4_900, "desk": 39_900, "chair": 18_900, "cable": 900}
# Every so many orders, one that goes wrong in its own way.
ODDITIES: dict[int, dict[str, Any]] = {
    17: {"card": "4000-0000"},
    23: {"sku": "cable", "quantity": 60},
    29: {"country": "AQ"},
    31: {"sku": "desk", "quantity": 4},
    41: {"sku": "desk", "quantity": 20},
    43: {"currency": "JPY"},
}


def order(number: int, chance: random.Random) -> dict[str, Any]:
    data: dict[str, Any] = {
        "order_id": f"order-{number:04}",
        "sku": chance.choice(["lamp", "chair", "cable"]),
        "quantity": chance.randint(1, 5),
        "amount_cents": 0,
        "currency": chance.choice(["EUR", "USD", "GBP"]),
        "card": f"4111-{chance.randint(1, 9999):04}",
        "country": chance.choice(["DE", "FR", "GB", "US"]),
    }
    for every, oddity in ODDITIES.items():
        if number % every == 0:
            data |= oddity
            break
    data["amount_cents"] = PRICES_CENTS[data["sku"]] * data["quantity"]
    return {
        "specversion": "1.0",
        "id": data["order_id"],
        "source": "com.web.checkout",
        "type": "arvo.orc.order",
        "dataschema": "#/orchestrators/order/1.0.0",
        "data": data,
    }


def main() -> None:
    chance = random.Random(7)
    for number in range(1, ORDERS + 1):
        print(json.dumps(order(number, chance)))


if __name__ == "__main__":
    main()
