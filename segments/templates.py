"""Segments that are ready to be used: those that staff start from, and those that every tenant has. Pure.

Rules stand here as somebody would write them; money is cents.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

Rules = list[dict[str, Any]]
DYNAMIC, SMART = "DYNAMIC", "SMART"
BEHAVIORAL, DEMOGRAPHIC, VALUE, CUSTOM = "BEHAVIORAL", "DEMOGRAPHIC", "VALUE", "CUSTOM"
HOURLY, DAILY = "HOURLY", "DAILY"


class Template(NamedTuple):
    """A segment to be; `key` is its name for ever, `group` the shelf it stands on."""

    key: str
    group: str
    name: str
    description: str
    criteria: dict[str, Any]
    category: str = BEHAVIORAL
    type: str = DYNAMIC
    frequency: str = DAILY


class Thresholds(NamedTuple):
    """What a tenant takes for much: values in cents, the churn risk in points."""

    high_value: int = 50_000
    medium_value: int = 10_000
    at_risk: int = 60


def rule(field: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator} | ({} if value is None else {"value": value}) | more


def rows(relation: str, operator: str = "gte", value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"relation": relation, **more, "operator": operator, "value": value}


def days(amount: int) -> dict[str, Any]:
    return {"amount": amount, "unit": "days"}


def all_of(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"combinator": "AND", "rules": list(rules)}


_PLAYED = all_of(rule("status", "eq", "COMPLETED"))


def templates(thresholds: Thresholds = Thresholds()) -> list[Template]:  # noqa: B008 - immutable
    """What staff can start from, by groups."""
    return [
        Template(
            "highEngagement", "Engagement", "High engagement", "Engagement above 80.",
            all_of(rule("engagementScore", "gt", 80)), type=SMART,
        ),
        Template(
            "atRisk", "Engagement", "At risk", "Likely to leave, by their churn risk.",
            all_of(rule("churnRiskScore", "gt", thresholds.at_risk)), type=SMART,
        ),
        Template(
            "disengaged", "Engagement", "Disengaged", "Active customers with an engagement below 30.",
            all_of(rule("engagementScore", "lt", 30), rule("status", "eq", "ACTIVE")), type=SMART,
        ),
        Template(
            "reengagement", "Engagement", "Re-engagement candidates", "Engagement from 30 to 50.",
            all_of(rule("engagementScore", "between", [30, 50])), type=SMART,
        ),
        Template(
            "newCustomers", "Lifecycle", "New customers", "Joined in the last 30 days.",
            all_of(rule("memberSince", "inLast", days(30))),
        ),
        Template(
            "champions", "Lifecycle", "Champions", "Those who recommend us.",
            all_of(rule("lifecycleStage", "eq", "ADVOCATE")),
        ),
        Template(
            "leadsToNurture", "Lifecycle", "Leads to nurture", "Those who asked and did not come yet.",
            all_of(rule("lifecycleStage", "eq", "LEAD")),
        ),
        Template(
            "upgradeCandidates", "Lifecycle", "Upgrade candidates", "Engagement above 70, and not Platinum yet.",
            all_of(rule("engagementScore", "gt", 70), rule("membershipTier", "neq", "Platinum")), VALUE,
        ),
        Template(
            "activeGolfers", "Activity", "Active golfers", "Booked in the last 30 days.",
            all_of(rule("lastBookingAt", "inLast", days(30))),
        ),
        Template(
            "lapsedGolfers", "Activity", "Lapsed golfers", "Last booked more than 60 days ago.",
            all_of(rule("lastBookingAt", "moreThanAgo", days(60))),
        ),
        Template(
            "emailEngaged", "Activity", "E-mail engaged", "Opened an e-mail in the last 14 days.",
            all_of(rule("lastEmailOpenAt", "inLast", days(14))),
        ),
        Template(
            "smsResponsive", "Activity", "SMS responsive", "Replied to an SMS in the last 30 days.",
            all_of(rule("lastSmsReplyAt", "inLast", days(30))),
        ),
        Template(
            "platinumMembers", "Membership", "Platinum members", "Of the Platinum tier.",
            all_of(rule("membershipTier", "eq", "Platinum")), VALUE,
        ),
        Template(
            "renewalDue", "Membership", "Renewal due", "Membership to be renewed in the next 30 days.",
            all_of(rule("membershipExpiry", "inNext", days(30))),
        ),
        Template(
            "newMembers", "Membership", "New members", "Members for at most 30 days.",
            all_of(rule("lifecycleStage", "eq", "MEMBER"), rule("memberSince", "inLast", days(30))),
        ),
        Template(
            "longTermMembers", "Membership", "Long-term members", "Members for more than five years.",
            all_of(rule("memberSince", "moreThanAgo", {"amount": 5, "unit": "years"})), VALUE,
        ),
        Template(
            "birthdayThisMonth", "Occasion", "Birthday this month", "Whoever has a birthday this month.",
            all_of(rule("dateOfBirth", "anniversaryDuring", "thisMonth")), DEMOGRAPHIC,
        ),
        Template(
            "anniversaryThisMonth", "Occasion", "Anniversary this month", "Joined in this month of an earlier year.",
            all_of(
                rule("memberSince", "anniversaryDuring", "thisMonth"),
                {"not": True, "rules": [rule("memberSince", "during", "thisYear")]},
            ), DEMOGRAPHIC,
        ),
        *_golf(),
    ]  # fmt: skip


def _golf() -> Iterator[Template]:
    """What a golf club asks for."""
    group = "Golf"
    yield Template(
        "fullMembers", group, "Full members", "With a full membership that counts.",
        all_of(rows("memberships", where=all_of(rule("type", "contains", "full"), rule("status", "eq", "ACTIVE")))),
        DEMOGRAPHIC,
    )  # fmt: skip
    yield Template(
        "lowHandicaps", group, "Low handicaps", "Handicap up to 9.9.",
        all_of(rule("handicap", "lte", 9.9)), DEMOGRAPHIC,
    )  # fmt: skip
    yield Template(
        "frequentGolfers", group, "Frequent golfers", "Played at least four rounds in the last 30 days.",
        all_of(rows("bookings", "gte", 4, where=all_of(
            rule("status", "eq", "COMPLETED"), rule("teeTime", "inLast", days(30))
        ))),
    )  # fmt: skip
    yield Template(
        "noShows", group, "No-shows", "Did not turn up at least twice in a year.",
        all_of(rows("bookings", "gte", 2, where=all_of(
            rule("status", "eq", "NO_SHOW"), rule("teeTime", "inLast", {"amount": 12, "unit": "months"})
        ))),
    )  # fmt: skip
    yield Template(
        "awayFromCourse", group, "Away from the course", "Last played more than 45 days ago.",
        all_of(rows(
            "bookings", "moreThanAgo", days(45), where=_PLAYED, measure={"function": "last", "of": "teeTime"}
        )),
    )  # fmt: skip
    yield Template(
        "greenFeeSpenders", group, "Green-fee spenders", "Played for at least 5,000.00 in the last 90 days.",
        all_of(rows(
            "bookings", "gte", 500_000, measure={"function": "sum", "of": "amount"},
            where=all_of(rule("status", "eq", "COMPLETED"), rule("teeTime", "inLast", days(90))),
        )), VALUE,
    )  # fmt: skip
    yield Template(
        "earlyBirds", group, "Early birds", "Booked at least three tee times before nine in the last 90 days.",
        all_of(rows("bookings", "gte", 3, where=all_of(
            rule("teeTimeHour", "lt", 9), rule("teeTime", "inLast", days(90))
        ))),
    )  # fmt: skip
    yield Template(
        "guests", group, "Guests", "Played as somebody else’s guest in the last 90 days, and are no members.",
        all_of(
            rows("bookingPlayers", where=all_of(rule("isBooker", "eq", False), rule("teeTime", "inLast", days(90)))),
            rule("lifecycleStage", "neq", "MEMBER"),
        ),
    )  # fmt: skip
    yield Template(
        "renewalWindow", group, "Renewal in 30 to 60 days", "Time to be asked whether they stay.",
        all_of(rule("membershipExpiry", "betweenAhead", {"from": 30, "to": 60, "unit": "days"})),
    )  # fmt: skip
    yield Template(
        "competitors", group, "Competitors", "Entered a competition in the last 90 days.",
        all_of(rows("competitionEntries", within=days(90))),
    )  # fmt: skip


# --- those that every tenant has
_BANDS = ((80, 100), (60, 79), (40, 59), (20, 39), (0, 19))
_ENGAGEMENT = ("Excellent", "Good", "Average", "Low", "At risk")
_CHURN = ("Critical", "High", "Moderate", "Low", "Minimal")
_STAGES = ("SUBSCRIBER", "LEAD", "PROSPECT", "CUSTOMER", "MEMBER", "ADVOCATE", "CHURNED")


def automatic(thresholds: Thresholds = Thresholds()) -> list[Template]:  # noqa: B008 - immutable
    """The segments by value, engagement, churn risk and stage, which follow the scores and the tenant's thresholds."""
    return [*_by_value(thresholds), *_by_bands(), *_by_stage()]


def _by_value(thresholds: Thresholds) -> Iterator[Template]:
    high, medium = thresholds.high_value, thresholds.medium_value
    for name, rules in (
        ("high", [rule("lifetimeValue", "gte", high)]),
        ("medium", [rule("lifetimeValue", "gte", medium), rule("lifetimeValue", "lt", high)]),
        ("low", [rule("lifetimeValue", "lt", medium)]),
    ):
        words = f"Lifetime value: {name}."
        key = f"value{name.capitalize()}"
        yield Template(
            key, "Value", f"{name.capitalize()} value", words, all_of(*rules), VALUE, SMART, HOURLY
        )


def _by_bands() -> Iterator[Template]:
    for field, group, names in (
        ("engagementScore", "Engagement", _ENGAGEMENT),
        ("churnRiskScore", "Churn risk", _CHURN),
    ):
        for name, (low, high) in zip(names, _BANDS, strict=True):
            key = group.split()[0].lower() + name.title().replace(" ", "")
            rules = all_of(rule(field, "between", [low, high]))
            yield Template(
                key, group, f"{group}: {name.lower()}", f"Scores from {low} to {high}.", rules, type=SMART
            )


def _by_stage() -> Iterator[Template]:
    for stage in _STAGES:
        name = stage.capitalize()
        rules = all_of(rule("lifecycleStage", "eq", stage))
        words = f"In the stage “{name}”."
        yield Template(f"stage{name}", "Lifecycle", f"Stage: {name.lower()}", words, rules, frequency=HOURLY)
