"""What the rule builder is told, as JSON: fields, relations and operators of the tenant, and its own words."""

from collections.abc import Iterable
from typing import Any

from django.templatetags.static import static
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from crm.tenancy.markup import SOURCES, SYMBOLS, country_name
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from customers.models import Tag
from segments import operators, rules, values
from segments.models import Segment
from segments.periods import Period, Unit
from segments.vocabulary import Field, Kind, Maker, Relation, Vocabulary, Words
from timeline.admin.words import type_words

Pairs = list[tuple[str, str]]
MOST_OFFERED = 500
TYPES = (
    "TEETIME_BOOKED", "TEETIME_UPDATED", "TEETIME_COMPLETED", "TEETIME_CANCELLED", "TEETIME_NO_SHOW", "ROUND_COMPLETED",
    "SCORE_POSTED", "HANDICAP_UPDATED", "COMPETITION_ENTERED", "COMPETITION_WITHDRAWN", "MEMBER_CREATED",
    "MEMBER_UPDATED", "MEMBER_TIER_CHANGED", "MEMBER_STATUS_CHANGED", "PAYMENT_RECEIVED", "PAYMENT_FAILED",
    "INVOICE_SENT", "INVOICE_OVERDUE", "MESSAGE_SENT", "MESSAGE_DELIVERED", "MESSAGE_BOUNCED", "MESSAGE_COMPLAINED",
    "MESSAGE_UNSUBSCRIBED", "EMAIL_OPENED", "EMAIL_CLICKED", "SMS_REPLIED", "ORDER_CREATED", "ORDER_PAID",
    "ORDER_COMPLETED", "ORDER_CANCELLED", "ORDER_REFUNDED", "CART_ABANDONED", "WEB_PAGE_VIEW", "WEB_PRODUCT_VIEW",
    "WEB_ADD_TO_CART", "WEB_PURCHASE", "TICKET_OPENED", "TICKET_RESOLVED", "FEEDBACK_VOTED", "NOTE_ADDED",
)  # fmt: skip
# What can be chosen where anything can be typed: field -> a list of `offered`.
OFFERS = {
    "tags": "tags", "homeClubId": "clubs", "clubIds": "clubs", "clubId": "clubs", "country": "countries",
    "source": "sources", "lastActivityType": "types", "activities.type": "types", "activities.source": "sources",
}  # fmt: skip


def builder_words(vocabulary: Vocabulary, *, without: Any = None) -> dict[str, Any]:
    """Everything that the builder of a page has to know. Three statements.

    without: the segment whose rules are edited, which they can't speak of.
    """
    tenant = current_tenant()
    others = Segment.objects.kept().exclude(pk=without).order_by("name")
    return {
        **_words(vocabulary.words, vocabulary.groups()),
        "relations": {name: _relation(one) for name, one in vocabulary.relations.items()},
        "operators": {name: _operator(one) for name, one in operators.OPERATORS.items()},
        "segments": [(str(pk), name) for pk, name in others.values_list("pk", "name")[:MOST_OFFERED]],
        "offered": _offered(tenant.region),
        "units": [(unit.value, unit_words(unit)) for unit in Unit],
        "sliding": [unit.value for unit in Unit if unit.slides],
        "uneven": [Unit.MONTHS.value, Unit.YEARS.value],
        "periods": _periods(Period),
        "yearly": _periods(values.YEARLY),
        "currency": SYMBOLS.get(tenant.currency, tenant.currency).strip(),
        "icons": static("crm/icons.svg"),
        "limits": {"depth": rules.DEEPEST, "leaves": rules.MOST_LEAVES, "steps": rules.MOST_STEPS},
        "words": ui_words(),
    }


def _words(words: Words, groups: Iterable[tuple[str, list[Field]]], relation: str = "") -> dict[str, Any]:
    return {
        "groups": [(label, [field.name for field in fields]) for label, fields in groups],
        "fields": {name: _field(field, relation) for name, field in words.fields.items()},
        "makers": [_maker(prefix, make) for prefix, make in words.makers.items() if make("…")],
    }


def _maker(prefix: str, make: Maker) -> tuple[str, str, str]:
    made = make("…")
    assert made is not None  # noqa: S101 - those that make nothing are left out
    return prefix, made.label.removesuffix("…").strip(), made.kind.value


def _relation(relation: Relation) -> dict[str, Any]:
    fields = list(relation.words.fields.values())
    return {
        "label": capfirst(relation.label),
        "theirs": _("Their %s") % relation.label,
        "one": relation.one,
        "time": relation.time,
        **_words(relation.words, [(capfirst(relation.label), fields)], relation.name),
    }


def _field(field: Field, relation: str = "") -> dict[str, Any]:
    offer = OFFERS.get(f"{relation}.{field.name}" if relation else field.name, OFFERS.get(field.name, ""))
    told = {
        "label": field.label,
        "kind": field.kind.value,
        "unit": field.unit,
        "history": bool(field.history),
        "help": field.help_text,
        "offer": offer,
        "choices": [(choice.value, choice.label) for choice in field.choices],
    }
    return {name: value for name, value in told.items() if value}


def _operator(operator: operators.Operator) -> dict[str, Any]:
    special = {kind.value: str(words) for (name, kind), words in _labels().items() if name == operator.name}
    return {
        "name": operator.name,
        "label": operator.label,
        "labels": special,
        "shape": operator.shape.value,
        "kinds": sorted(kind.value for kind in operator.kinds),
    }


def _labels() -> dict[tuple[str, Kind], str]:
    """Where an operator is called otherwise of some kind of value."""
    times = {
        "eq": _("is on"), "neq": _("is not on"), "gt": _("is after"), "gte": _("is on or after"), "lt": _("is before"),
        "lte": _("is on or before"), "during": _("is during"),
        "anniversaryWithin": _("has its anniversary from"), "anniversaryDuring": _("has its anniversary during"),
    }  # fmt: skip
    return {
        **{(name, kind): words for name, words in times.items() for kind in (Kind.DATE, Kind.MOMENT)},
        ("in", Kind.SEGMENTS): _("include any of"),
        ("notIn", Kind.SEGMENTS): _("include none of"),
        ("lt", Kind.SAMPLE): _("of"),
    }


def _offered(region: str) -> dict[str, Pairs]:
    clubs = Club.objects.order_by("name")
    return {
        "tags": [(name, name) for name in Tag.objects.order_by("key").values_list("name", flat=True)[:MOST_OFFERED]],
        "clubs": [(ref, club.name) for club in clubs for ref in club.refs[:1]],
        "countries": [(code, country_name(code)) for code in dict.fromkeys([region, "ZA", "GB", "IE", "US", "DE"])],
        "sources": list(SOURCES.items()),
        "types": [(name, type_words(name)) for name in TYPES],
    }  # fmt: skip


def unit_words(unit: Unit) -> str:
    return {
        Unit.MINUTES: _("minutes"), Unit.HOURS: _("hours"), Unit.DAYS: _("days"), Unit.WEEKS: _("weeks"),
        Unit.MONTHS: _("months"), Unit.YEARS: _("years"),
    }[unit]  # fmt: skip


def _periods(periods: Iterable[Period]) -> Pairs:
    return [(period.value, period.label) for period in periods]


def ui_words() -> dict[str, Any]:
    """The builder's own words. {name} and the like are filled in by it."""
    return {
        "all": _("Rules of the segment"),
        "people": _("People who match"),
        "match": _("People who match"),
        "ofThese": _("of these rules"),
        "allOf": _("all"),
        "anyOf": _("any"),
        "howMany": _("All of the rules, or any of them"),
        "not": _("Not"),
        "notHelp": _("Turns the group round: everybody of whom this is not so."),
        "and": _("and"),
        "or": _("or"),
        "noRules": _("No rule yet. Add one, or start from a template."),
        "emptyGroup": _("This group is empty: add a rule, drag one in, or take the group away."),
        "groupName": _("Group {number}"),
        "ruleName": _("Rule {number}"),
        "subjectName": _("What rule {number} is about"),
        "operatorName": _("What rule {number} asks"),
        "valueName": _("{field}, rule {number}"),
        "suffixName": _("Which one, rule {number}"),
        "suffix": _("name"),
        "choose": _("Choose what it is about…"),
        "chooseProperty": _("Choose a property…"),
        "lost": _("“{name}” is not there any more"),
        "named": _("By a name of your own"),
        "didWhat": _("What they did"),
        "inOrder": _("One thing after another"),
        "addRule": _("Add rule"),
        "addGroup": _("Add group"),
        "addCondition": _("Add condition"),
        "tooMany": _("There can be {n} rules in all."),
        "tooDeep": _("Groups can be nested {n} deep."),
        "more": _("Move or copy: {name}"),
        "removeName": _("Remove: {name}"),
        "up": _("Move up"),
        "down": _("Move down"),
        "inside": _("Move into a group"),
        "outside": _("Move out of the group"),
        "lasting": _("Only if so for some time"),
        "notLasting": _("However long it is so"),
        "duplicate": _("Duplicate"),
        "remove": _("Remove"),
        "drag": _("Drag to move"),
        "cannot": _("It can’t go any further there."),
        "moved": _("Now at {number}."),
        "removed": _("Removed."),
        "duplicated": _("Duplicated."),
        "yes": _("yes"),
        "no": _("no"),
        "percent": _("% of people"),
        "from": _("{name}, from"),
        "to": _("{name}, to"),
        "amount": _("{name}, how many"),
        "unit": _("{name}, unit of time"),
        "daysAgoTo": _("days ago to"),
        "daysAhead": _("days ahead"),
        "held": _("and has been so for at least"),
        "heldName": _("For how long, rule {number}"),
        "hows": {
            "some": _("at least once"),
            "never": _("never"),
            "count": _("how often"),
            "sum": _("the total of"),
            "avg": _("the average of"),
            "min": _("the lowest"),
            "max": _("the highest"),
            "first": _("the first one’s"),
            "last": _("the latest one’s"),
        },
        "howName": _("How, rule {number}"),
        "measureName": _("Of which property, rule {number}"),
        "times": _("times"),
        "withinName": _("When, rule {number}"),
        "anyTime": _("at any time"),
        "inTheLast": _("in the last"),
        "where": _("of which"),
        "holdForSame": _("of these hold for the same {one}"),
        "narrow": _("Only a certain {one}…"),
        "first": _("First"),
        "then": _("then"),
        "theyDid": _("they had"),
        "theyDidNot": _("they had no"),
        "withinAfter": _("within"),
        "whatever": _("A number, true, false or a text; “12” in quotes is a text."),
        "addStep": _("Add a step"),
        "removeStep": _("Remove step {number}"),
        "same": _("All with the same"),
        "chips": {"take": _("Take {tag} away"), "added": _("{tag} added"), "removed": _("{tag} taken away")},
    }
