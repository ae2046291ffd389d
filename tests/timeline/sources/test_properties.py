"""Whatever a sender puts into a payload, it is told what is wrong, or it is interpreted into what we know."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.facts import MODELS
from customers.models import CustomerMetrics, CustomerProfile
from customers.normalise import GUEST_KIND
from tests.timeline.sources.reading import NOW
from timeline.catalogue import TYPES
from timeline.docs import examples
from timeline.effects import Effect, Event
from timeline.envelope import clean, read_envelope
from timeline.models import Category
from timeline.schema import problems

EVENTS = {name: read_envelope(item, now=NOW).event() for name, item in examples().items()}
NAMES = sorted(
    {field for known in TYPES.values() for field in known.schema["properties"]} | {"ipAddress", "version"}
)
HINTS = {"authUserId", "email", "phoneNumber", "sclMemberId", "teetimePlayerId", "messagingContactId"}
KINDS = HINTS | {GUEST_KIND}
STAGES = {None, "SUBSCRIBER", "LEAD", "PROSPECT", "CUSTOMER", "MEMBER"}
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.integers(1, 400).map("x".__mul__)
    | st.sampled_from(
        ["2026-11-01", "2026-11-01T10:00:00Z", "0001-01-01T00:00:00+14:00", "ZAR", "SOFT", "STOP"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)


def columns(model: Any) -> dict[str, int | None]:
    """The columns of a model, with the longest text that each takes."""
    return {field.name: field.max_length for field in model._meta.concrete_fields}


def assert_fits(values: Mapping[str, Any], columns: Mapping[str, int | None]) -> None:
    assert set(values) <= set(columns)
    for name, value in values.items():
        assert not isinstance(value, str) or len(value) <= (columns[name] or len(value)), name
        assert not isinstance(value, float), name


BY_HINTS = {"auth_user_id", "scl_member_id", "teetime_player_id", "messaging_contact_id", "external_ids"}
RAW: dict[str, int | None] = {"email": None, "phone_number": None}  # cut to size where they are normalised
PROFILE = {name: size for name, size in columns(CustomerProfile).items() if name not in BY_HINTS} | RAW
METRICS = set(columns(CustomerMetrics))
FACTS = {kind: columns(model) for kind, model in MODELS.items()}
CATEGORIES = set(Category.values)


def assert_known(effect: Effect) -> None:
    """The effect names only what the applier has, and refers to its own people."""
    for person in effect.people:
        assert person.hints
        assert all(kind in KINDS or kind.startswith("externalIds.") for kind in person.hints)
        assert_fits(person.fields, PROFILE)
        assert set(person.seen) <= METRICS
        assert person.stage in STAGES
    for fact in effect.facts:
        assert_fits({**fact.values, **fact.opening}, FACTS[fact.kind])
        assert fact.key
        assert fact.person is None or fact.person < len(effect.people)
    assert len({(fact.kind, fact.key) for fact in effect.facts}) == len(effect.facts)
    if effect.entry:
        assert effect.people
        assert effect.entry.category in CATEGORIES
        assert effect.entry.title
        assert not {"ip", "ipAddress"} & set(effect.entry.metadata)


def test_every_example_names_only_what_is_known():
    for name, event in EVENTS.items():
        assert_known(TYPES[name].interpret(event))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_mutated_payload_is_wrong_or_understood(data: st.DataObject):
    name = data.draw(st.sampled_from(sorted(TYPES)))
    event = EVENTS[name]
    payload = clean(event.payload | data.draw(st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=4)))
    for gone in data.draw(st.lists(st.sampled_from(sorted(payload)), max_size=2)):
        payload.pop(gone, None)
    identity = data.draw(
        st.just(event.identity)
        | st.dictionaries(st.sampled_from([*sorted(HINTS), "phone", "externalIds"]), JUNK)
    )
    found = problems(TYPES[name], payload)
    assert all(path and message for path, message in found)
    if not found:
        when = datetime(2026, 11, 1, tzinfo=UTC)
        assert_known(TYPES[name].interpret(Event("e", name, "s", when, identity, payload)))


@settings(deadline=None)
@given(st.sampled_from(sorted(TYPES)), JUNK)
def test_any_payload_is_wrong_or_understood(name: str, payload: Any):
    if not problems(TYPES[name], payload):
        when = datetime(2026, 11, 1, tzinfo=UTC)
        assert_known(TYPES[name].interpret(Event("e", name, "s", when, {}, payload)))


@settings(deadline=None)
@given(st.sampled_from(sorted(TYPES)), st.text(min_size=8, alphabet="abcdefgh"))
def test_what_is_wrong_is_told_without_the_value(name: str, secret: str):
    payload = {field: [secret] for field in TYPES[name].schema["properties"]}
    assert secret not in str(problems(TYPES[name], payload))


def test_an_effect_has_no_other_parts():
    assert {field.name for field in fields(Effect)} == {
        "people",
        "entry",
        "facts",
        "club_ref",
        "version",
        "announce",
    }
