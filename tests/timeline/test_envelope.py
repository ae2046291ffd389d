import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from timeline.catalogue import Priority
from timeline.envelope import EnvelopeInvalid, clean, read_entry, read_envelope

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
SENT: dict[str, Any] = {
    "id": "c66f511b",
    "type": "scl.tier.changed",
    "version": "1.0",
    "timestamp": "2026-11-01T09:46:23.113+02:00",
    "tenantId": "demo",
    "source": "scl",
    "identity": {"sclMemberId": 48490},
    "payload": {"id": 48490, "newTierName": "Gold"},
    "metadata": {"correlationId": "abc"},
    "historical": True,
}
JOB: dict[str, Any] = {
    "eventId": "d869c063",
    "tenantId": "demo",
    "contactId": "f5b19f71",
    "email": "thabo@example.com",
    "phoneNumber": "084 531 6333",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ["id", "type", "timestamp", "tenantId", "source", "identity", "payload", "metadata", "historical"]


def details(item: Any) -> dict[str, str]:
    with pytest.raises(EnvelopeInvalid) as caught:
        read_envelope(item, now=NOW)
    return {detail.field: detail.code for detail in caught.value.details}


def test_an_envelope_is_read_whole():
    envelope = read_envelope(SENT, now=NOW)
    assert (envelope.id, envelope.type, envelope.sent_type) == (
        "c66f511b", "scl.member.tier.changed", "scl.tier.changed"
    )  # fmt: skip
    assert envelope.occurred_at == datetime(2026, 11, 1, 7, 46, 23, 113000, tzinfo=UTC)
    assert (envelope.tenant, envelope.source, envelope.version) == ("demo", "scl", "1.0")
    assert envelope.identity == {"sclMemberId": 48490}
    assert envelope.payload == {"id": 48490, "newTierName": "Gold"}
    assert (envelope.historical, envelope.metadata) == (True, {"correlationId": "abc"})
    assert envelope.priority == Priority.NORMAL
    event = envelope.event()
    assert (event.id, event.type, event.occurred_at) == (envelope.id, envelope.type, envelope.occurred_at)


def test_what_is_optional_may_be_absent_or_null():
    envelope = read_envelope(
        {"id": 7, "type": "order.paid", "timestamp": "2026-11-01T07:46:23", "identity": None}, now=NOW
    )
    assert (envelope.id, envelope.source, envelope.tenant) == ("7", "ecommerce", None)
    assert envelope.occurred_at == datetime(2026, 11, 1, 7, 46, 23, tzinfo=UTC)
    assert (envelope.identity, envelope.payload, envelope.metadata) == ({}, {}, {})
    assert not envelope.historical


@pytest.mark.parametrize(
    ("sent_type", "priority"),
    [
        ("contactPreference.updated", Priority.HIGH),
        ("payment.failed", Priority.HIGH),
        ("messaging.message.bounced", Priority.HIGH),
        ("scl.member.status.changed", Priority.HIGH),
        ("messaging.link.clicked", Priority.LOW),
        ("teetime.score.posted", Priority.LOW),
        ("teetime.booked", Priority.NORMAL),
        ("pos.till.opened", Priority.NORMAL),
    ],
)
def test_the_type_decides_the_priority(sent_type: str, priority: Priority):
    assert read_envelope({**SENT, "type": sent_type}, now=NOW).priority == priority


def test_an_unknown_type_is_readable_and_its_source_is_its_first_word():
    envelope = read_envelope({**SENT, "type": "pos.till.opened", "source": None}, now=NOW)
    assert (envelope.type, envelope.source) == ("pos.till.opened", "pos")


def test_everything_wrong_is_told_at_once():
    assert details(
        {"id": "", "timestamp": "yesterday", "identity": [], "payload": "x", "metadata": 3, "historical": 1}
    ) == {
        "id": "MISSING_FIELD",
        "type": "MISSING_FIELD",
        "timestamp": "INVALID_FORMAT",
        "identity": "INVALID_FIELD",
        "payload": "INVALID_FIELD",
        "metadata": "INVALID_FIELD",
        "historical": "INVALID_FIELD",
    }


@pytest.mark.parametrize("item", [None, [], "x", 3, True])
def test_an_item_that_is_no_object_is_refused(item: Any):
    assert details(item) == {"": "INVALID_FORMAT"}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("id", "x" * 201, "INVALID_FIELD"),
        ("id", True, "INVALID_FIELD"),
        ("id", {"a": 1}, "INVALID_FIELD"),
        ("id", " ", "MISSING_FIELD"),
        ("type", ["order.paid"], "INVALID_FIELD"),
        ("source", "s" * 51, "INVALID_FIELD"),
        ("timestamp", None, "MISSING_FIELD"),
        ("timestamp", 1761983183, "INVALID_FORMAT"),
        ("timestamp", "2026-13-01T00:00:00Z", "INVALID_FORMAT"),
        ("timestamp", "0001-01-01T00:00:00+14:00", "INVALID_FORMAT"),
        ("timestamp", "1969-12-31T23:59:59Z", "INVALID_FIELD"),
        ("timestamp", (NOW + timedelta(days=1, seconds=1)).isoformat(), "INVALID_FIELD"),
        ("payload", {"amount": float("nan")}, "INVALID_FIELD"),
        ("payload", {"amount": [float("inf")]}, "INVALID_FIELD"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, code: str):
    assert details({**SENT, field: value}) == {field: code}


def test_a_timestamp_up_to_a_day_ahead_is_fine():
    ahead = NOW + timedelta(days=1)
    assert read_envelope({**SENT, "timestamp": ahead.isoformat()}, now=NOW).occurred_at == ahead


def test_what_no_database_stores_is_cleaned_away_and_keys_keep_their_case():
    payload = {"First\0Name": "Th\ud800abo\0", "list": ["Zoë\0", {"x_Y": "\udfff"}], "n": 1, "flag": True}
    assert read_envelope({**SENT, "id": "a\0b", "payload": payload}, now=NOW).payload == {
        "FirstName": "Thabo", "list": ["Zoë", {"x_Y": ""}], "n": 1, "flag": True
    }  # fmt: skip


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"deeper": value}
    return value


def test_fifty_levels_are_deep_enough():
    assert read_envelope({**SENT, "payload": nested(50)}, now=NOW).payload == nested(50)
    assert details({**SENT, "payload": nested(51)}) == {"payload": "INVALID_FIELD"}


def test_a_messaging_job_becomes_an_envelope():
    envelope = read_envelope({"name": "contact.created", "data": {"payload": JOB}}, now=NOW)
    assert (envelope.id, envelope.type, envelope.source, envelope.tenant) == (
        "d869c063", "contact.created", "messaging", "demo"
    )  # fmt: skip
    assert envelope.identity == {
        "messagingContactId": "f5b19f71", "email": "thabo@example.com", "phoneNumber": "084 531 6333"
    }  # fmt: skip
    assert envelope.payload == JOB
    assert envelope.occurred_at == NOW


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"updatedAt": "2026-11-02", "changedAt": "2026-11-01T00:00:00Z"}, datetime(2026, 11, 1, tzinfo=UTC)),
        ({"changedAt": "soon"}, NOW),
        ({"changedAt": "2031-01-01T00:00:00Z"}, NOW),
        ({"createdAt": "2019-01-01T00:00:00Z"}, NOW),
    ],
)  # fmt: skip
def test_a_job_happened_when_its_payload_says_else_when_it_came(told: dict[str, str], expected: datetime):
    assert read_entry("contact.updated", {"payload": {**JOB, **told}}, now=NOW).occurred_at == expected


def test_a_contact_was_created_when_it_says_so():
    created = {**JOB, "createdAt": "2019-01-01T00:00:00Z"}
    envelope = read_entry("contact.created", {"payload": created}, now=NOW)
    assert envelope.occurred_at == datetime(2019, 1, 1, tzinfo=UTC)


def test_a_job_that_lacks_its_id_is_told_so_in_its_own_words():
    assert details({"name": "", "data": {"payload": {"tenantId": []}}}) == {
        "name": "MISSING_FIELD",
        "data.payload.eventId": "MISSING_FIELD",
        "data.payload.tenantId": "INVALID_FIELD",
    }


def test_a_stream_entry_may_hold_an_envelope_or_a_job_as_text():
    assert read_entry("ignored", json.dumps(SENT), now=NOW) == read_envelope(SENT, now=NOW)
    without_type = {name: value for name, value in SENT.items() if name != "type"}
    assert read_entry("scl.tier.changed", without_type, now=NOW).sent_type == "scl.tier.changed"
    assert read_entry("contact.created", json.dumps({"payload": JOB}).encode(), now=NOW).id == "d869c063"


@pytest.mark.parametrize("data", ["{", "[]", b"\xff", "[" * 100_000, None, 5, "1" * 5000])
def test_a_stream_entry_that_is_no_object_is_refused(data: Any):
    with pytest.raises(EnvelopeInvalid) as caught:
        read_entry("contact.created", data, now=NOW)
    assert [detail.field for detail in caught.value.details] == ["data"]


def test_ids_that_are_numbers_become_text():
    envelope = read_entry("contact.deleted", {"payload": {"eventId": 12, "tenantId": 3}}, now=NOW)
    assert (envelope.id, envelope.tenant) == ("12", "3")


@settings(deadline=None)
@given(JSON)
def test_no_json_raises_anything_but_the_one_error(item: Any):
    for read in (lambda: read_envelope(item, now=NOW), lambda: read_entry("order.paid", item, now=NOW)):
        try:
            assert read().id
        except EnvelopeInvalid as error:
            assert error.details


@settings(deadline=None)
@given(st.sampled_from(FIELDS), JSON)
def test_no_field_raises_anything_but_the_one_error(field: str, value: Any):
    try:
        read_envelope({**SENT, field: value}, now=NOW)
    except EnvelopeInvalid as error:
        assert {detail.field for detail in error.details} == {field}


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_clean_values_can_be_stored_and_stay_as_they_are(value: Any):
    cleaned = clean(value)
    text = json.dumps(cleaned, ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode("utf-8")
    assert clean(cleaned) == cleaned
