"""What the demo's club group keeps about its members in fields of its own, and of whom it knows what. Pure."""

from random import Random
from typing import Any

SIZES = {"XS": 3, "S": 12, "M": 26, "L": 32, "XL": 19, "XXL": 8}  # of a hundred shirts
NEEDS = {
    "Vegetarian": 34,
    "Vegan": 12,
    "Halal": 18,
    "Kosher": 3,
    "Gluten-free": 17,
    "No nuts": 11,
    "No shellfish": 5,
}
LOCKERS = range(1, 240)
FIELDS: tuple[dict[str, Any], ...] = (
    {"key": "lockerNumber", "label": "Locker number", "type": "INT", "is_listed": True,
     "help_text": "In the changing room of the home club."},
    {"key": "shirtSize", "label": "Shirt size", "type": "ENUM", "choices": [*SIZES]},
    {"key": "buggyNeeded", "label": "Buggy needed", "type": "BOOL",
     "help_text": "Can’t walk the course: keep a buggy back for them."},
    {"key": "dietaryNeeds", "label": "Dietary needs", "type": "MULTI_ENUM", "choices": [*NEEDS],
     "help_text": "For the halfway house and every dinner."},
)  # fmt: skip


def particulars(member: int, *, seed: int) -> dict[str, Any]:
    """What is known of a member, by the number that SCL has for them; of many, nothing."""
    dice = Random(f"{seed}/particulars/{member}")
    found: dict[str, Any] = {}
    if dice.random() < 0.3:
        found["lockerNumber"] = dice.choice(LOCKERS)
    if dice.random() < 0.5:
        found["shirtSize"] = _one_of(dice, SIZES)
    if dice.random() < 0.14:
        found["buggyNeeded"] = dice.random() < 0.8
    if dice.random() < 0.12:
        found["dietaryNeeds"] = sorted({_one_of(dice, NEEDS) for _ in range(dice.choice((1, 1, 2)))})
    return found


def _one_of(dice: Random, weights: dict[str, int]) -> str:
    return dice.choices([*weights], [*weights.values()])[0]
