"""The members of the demo with those whom its systems know twice, of whom it is known who is who."""

from datetime import UTC, datetime
from typing import Any

from crm.demo.generator import PEOPLE, SEED
from crm.demo.story.doubles import doubles
from crm.demo.story.membership import joined
from crm.demo.story.period import Period
from crm.demo.story.world import make_world
from customers import normalise
from customers.likeness import Record, record

AS_OF = datetime(2026, 11, 21, 6, tzinfo=UTC)


def members(people: int = PEOPLE) -> tuple[list[Record], set[tuple[str, str]]]:
    """Everybody as they are compared, and the pairs that are one person."""
    world = make_world(Period(SEED, AS_OF), people)
    found = [_record(joined(one, one.member).payload) for one in world.people if one.member]
    true = set()
    for double, drafts in doubles(world):
        found += [_record(draft.payload) for draft in drafts]
        if double.is_one:
            first, second = sorted((double.first[1], double.second[1]))
            true.add((first, second))
    return found, true


def _record(payload: dict[str, Any]) -> Record:
    """Of a member as SCL tells of them, or a player as TeeTime does."""
    is_member = "firstName" in payload
    phone = normalise.phone(payload.get("phoneNumber", ""), "ZA")
    return record(
        str(payload["id"]),
        first_name=payload["firstName" if is_member else "name"],
        last_name=payload["lastName" if is_member else "surname"],
        born=payload["dateOfBirth"].replace("-", ""),
        email=payload.get("email", ""),
        phone=phone.number if phone.is_valid else "",
        gender=payload.get("gender", ""),
        ids={"sclMemberId" if is_member else "teetimePlayerId": str(payload["id"])},
    )
