"""Rules at random over everything that there is to ask, as JSON; values are such that some people have them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from segments.operators import OPERATORS, Operator, Shape, of_kind
from segments.periods import Period, Unit
from segments.trees import Function
from segments.values import YEARLY
from segments.vocabulary import Field, Kind, Relation, Vocabulary, Words

TEXTS = (
    "Gold", "gold", "GÖLD", "Straße", "Zoë", "zoe", "O’Brien", "İstanbul", "ΣΊΣΥΦΟΣ", "naïve Æsir", "50% off_now",
    "a\\b", "x", "Anna-Lena", "thandi@example.com", "+27821234567", "line\nbreak", "ﬁne", "Ａ", "  lead", "'; DROP --",
)  # fmt: skip
CODES = ("alpha", "Alpha", "beta", "club-1", "club-2", "GOLD", "42", "NO_SHOW", "EMAIL_OPENED", "é")
PATTERNS = (
    "^g.ld$",
    "[a-c]",
    "o|z",
    "^.{3}$",
    "\\d{2,}",
    "e+$",
    "(an|in).",
    "[^a-z]",
    "ss",
    "^\\w+\\s",
    "\\.com$",
)
NUMBERS = (0, 1, 2, 3, 5, 8.4, 12, 18.5, -1, 54, 50, 90, 10000, 49999, 50000, 0.1)
# Around what clocks and calendars do: midnights, changes of clocks, leap days, ends of years.
MOMENTS = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in (
        "2026-11-25T09:30:00", "2026-03-29T01:00:00", "2026-10-25T00:59:59.999999", "2028-02-29T12:00:00",
        "2027-02-28T22:00:00", "2027-03-01T00:00:00", "2026-12-31T23:30:00", "2027-01-01T00:00:00",
        "2026-11-24T22:00:00", "2026-11-25T22:00:00",
    )
)  # fmt: skip
ZONES = ("Africa/Johannesburg", "Europe/London", "America/St_Johns", "Pacific/Apia", "UTC")


def moment_near(random: Random, moment: datetime) -> datetime:
    """A time that is on, or just beside, what rules draw their lines at."""
    days = random.choice((0, 0, 1, -1, 7, -7, 30, -30, 31, -29, 365, -366, random.randint(-800, 100)))
    at = moment + timedelta(days=days, hours=random.choice((0, 0, 1, -2, 3, 5)))
    if random.random() < 0.4:
        at = at.replace(
            hour=random.choice((0, 22, 23, 3)), minute=random.choice((0, 30)), second=0, microsecond=0
        )
    return at + timedelta(microseconds=random.choice((0, 0, -1, 1)))


class RuleMaker:
    def __init__(self, random: Random, vocabulary: Vocabulary, segments: Sequence[str] = ()) -> None:
        self.random, self.vocabulary, self.segments = random, vocabulary, segments
        self.fields = [
            field for field in vocabulary.words.fields.values() if field.kind is not Kind.SEGMENTS or segments
        ]
        found = vocabulary.words.find("externalIds.golfRsaId")
        assert found
        self.fields.append(found)
        self.by_kind: dict[Kind, list[Field]] = {}
        for field in self.fields:
            self.by_kind.setdefault(field.kind, []).append(field)

    def tree(self) -> dict[str, Any]:
        return self.group(self.leaf, depth=1)

    def group(self, leaf: Callable[[], Any], depth: int, most: int = 4) -> dict[str, Any]:
        count = self.random.randint(1, most)
        rules = [
            self.group(leaf, depth + 1, 3) if depth < 4 and self.random.random() < 0.25 else leaf()
            for _ in range(count)
        ]
        group: dict[str, Any] = {"combinator": self.random.choice(("AND", "OR")), "rules": rules}
        return group | ({"not": True} if self.random.random() < 0.25 else {})

    def leaf(self) -> dict[str, Any]:
        chance = self.random.random()
        if chance < 0.25:
            return self.rows()
        if chance < 0.35:
            return self.sequence()
        kind = self.random.choice(list(self.by_kind))
        field = self.random.choice(self.by_kind[kind])
        rule = self.test(field)
        if field.history and self.random.random() < 0.3:
            rule["for"] = self.length(Kind.MOMENT)
        return rule

    def test(self, field: Field) -> dict[str, Any]:
        operator = self.random.choice(list(of_kind(field.kind)))
        rule = {"field": field.name, "operator": operator.name}
        if field.kind is Kind.ANY:
            kind = self.random.choice((Kind.TEXT, Kind.NUMBER, Kind.BOOL, Kind.ANY))
            operator = self.random.choice(list(of_kind(kind)))
            field = Field("", kind, "", field.column)
            rule["operator"] = operator.name
        return rule | self.value(operator, field)

    # rows
    def filters(self, relation: Relation, *, within: bool = True) -> dict[str, Any]:
        filters: dict[str, Any] = {"relation": relation.name}
        if self.random.random() < 0.7:
            filters["where"] = self.group(lambda: self.test(self.field_of(relation.words)), depth=4, most=2)
        if within and self.random.random() < 0.4:
            is_period = self.random.random() < 0.3
            filters["within"] = (
                self.random.choice(list(Period)).value if is_period else self.length(relation.time_field.kind)
            )
        return filters

    def field_of(self, words: Words) -> Field:
        if words.makers and self.random.random() < 0.4:
            made = words.find(f"metadata.{self.random.choice(('ref', 'amount', 'flag', 'deep.key'))}")
            assert made
            return made
        return self.random.choice(list(words.fields.values()))

    def rows(self) -> dict[str, Any]:
        relation = self.random.choice(list(self.vocabulary.relations.values()))
        rule = self.filters(relation)
        function = self.random.choice(list(Function))
        if function is Function.COUNT:
            number = {"operator": self.random.choice(("eq", "neq", "gt", "gte", "lt", "lte")), "value": 0}
            return rule | (
                number | {"value": self.random.choice((0, 1, 1, 2, 3))} if self.random.random() < 0.9 else {}
            )
        numbers = [one for one in relation.words.fields.values() if one.kind is Kind.NUMBER]
        times = [one for one in relation.words.fields.values() if one.kind in (Kind.DATE, Kind.MOMENT)]
        if function in (Function.SUM, Function.AVG):
            fields = numbers
        elif function in (Function.MIN, Function.MAX):
            fields = numbers + times
        else:
            fields = list(relation.words.fields.values())
        if not fields:
            return rule
        field = self.random.choice(fields)
        test = self.test(field)
        del test["field"]
        return rule | {"measure": {"function": function.value, "of": field.name}} | test

    def sequence(self) -> dict[str, Any]:
        relations = [one for one in self.vocabulary.relations.values() if one.time_field.kind is Kind.MOMENT]
        count = self.random.choice((2, 2, 3))
        steps = [self.filters(self.random.choice(relations), within=number == 0) for number in range(count)]
        for step in steps[1:]:
            if self.random.random() < 0.7:
                step["within"] = {
                    "amount": self.random.choice((1, 7, 30, 500)),
                    "unit": self.random.choice(("hours", "days", "weeks")),
                }
        if self.random.random() < 0.5:
            steps[-1]["not"] = True
        shared = ["metadata.ref"] if all(step["relation"] == "activities" for step in steps) else []
        common = set.intersection(*(
            {(name, field.kind) for name, field in self.vocabulary.relations[step["relation"]].words.fields.items()}
            for step in steps
        ))  # fmt: skip
        names = shared + sorted(name for name, _kind in common)
        return {"sequence": steps} | (
            {"same": [self.random.choice(names)]} if names and self.random.random() < 0.3 else {}
        )

    # values
    def value(self, operator: Operator, field: Field) -> dict[str, Any]:
        if operator.shape is Shape.NONE:
            return {}
        one = self.one
        match operator.shape:
            case Shape.ONE:
                return {"value": one(field)}
            case Shape.MANY:
                return {"value": [one(field) for _ in range(self.random.randint(1, 3))]}
            case Shape.PAIR:
                return {
                    "value": sorted((one(field) for _ in range(2)), key=str if field.kind in TIMES else None)
                }
            case Shape.COUNT:
                return {"value": self.random.randint(1, 3)}
            case Shape.PATTERN:
                return {"value": self.random.choice(PATTERNS)}
            case Shape.LENGTH:
                return {"value": self.length(field.kind)}
            case Shape.BETWEEN:
                low = self.length(field.kind)
                return {"value": {"from": low["amount"], "to": low["amount"] + 20, "unit": low["unit"]}}
            case Shape.PERIOD:
                periods = YEARLY if operator is OPERATORS["anniversaryDuring"] else tuple(Period)
                return {"value": self.random.choice(periods).value}
            case Shape.AROUND:
                first = self.random.randint(-40, 30)
                return {"value": {"from": first, "to": first + self.random.randint(0, 40)}}
        raise AssertionError(operator)

    def length(self, kind: Kind) -> dict[str, Any]:
        units = [unit for unit in Unit if not (unit.slides and kind is Kind.DATE)]
        unit = self.random.choice(units)
        most = {"minutes": 3000, "hours": 200, "days": 60, "weeks": 20, "months": 14, "years": 3}[unit.value]
        return {"amount": self.random.choice((0, 1, 7, 30, self.random.randint(0, most))), "unit": unit.value}

    def one(self, field: Field) -> Any:
        random = self.random
        match field.kind:
            case Kind.TEXT | Kind.ANY:
                return random.choice(TEXTS).strip() or "x"
            case Kind.CODE | Kind.LIST:
                return random.choice([choice.value for choice in field.choices] or CODES)
            case Kind.NUMBER:
                return random.choice(NUMBERS)
            case Kind.BOOL:
                return random.random() < 0.5
            case Kind.AGE:
                return random.randint(0, 90)
            case Kind.DATE:
                return moment_near(random, random.choice(MOMENTS)).date().isoformat()
            case Kind.MOMENT:
                at = moment_near(random, random.choice(MOMENTS))
                return at.date().isoformat() if random.random() < 0.5 else at.isoformat()
            case Kind.SEGMENTS:
                return random.choice(self.segments)
            case Kind.SAMPLE:
                return random.choice((10, 50, 99.5))


TIMES = (Kind.DATE, Kind.MOMENT)
ONE_PLACE = Decimal("0.1")
