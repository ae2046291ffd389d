from datetime import UTC, datetime

import pytest

from tests.timeline.sources.reading import WHEN, interpret, wrong

CONTACT = {
    "eventId": "e", "tenantId": "demo", "contactId": "c1", "email": "t@x.org", "phoneNumber": "084 531 6333",
    "firstName": "Thabo", "lastName": "Nkosi", "emailOptIn": True, "smsOptIn": False,
}  # fmt: skip
MESSAGE = {"messageId": "m1", "campaignId": "c-17", "templateId": "tpl"}


def test_a_new_contact_is_linked_with_its_consent():
    effect = interpret("messaging.contact.created", CONTACT)
    (person,) = effect.people
    assert person.hints == {"messagingContactId": "c1", "email": "t@x.org", "phoneNumber": "084 531 6333"}
    assert person.writes == {
        "email": "t@x.org",
        "phone_number": "084 531 6333",
        "first_name": "Thabo",
        "last_name": "Nkosi",
        "email_opt_in": True,
        "email_opt_in_at": WHEN,
        "sms_opt_in": False,
    }
    assert (person.tier, person.stage) == (1, "SUBSCRIBER")
    assert (effect.entry.metadata, effect.entry.counts) == ({}, False)


def test_a_changed_contact_only_fills():
    effect = interpret("contact.updated", CONTACT)
    assert effect.people[0].tier == 0
    assert effect.people[0].fields["first_name"] == "Thabo"
    assert effect.entry is None


def test_a_changed_address_shows_on_the_timeline():
    effect = interpret("contact.updated", {**CONTACT, "changes": ["email"]})
    assert effect.entry.type == "CONTACT_UPDATED"
    assert "last_name" not in effect.people[0].fields


@pytest.mark.parametrize(
    ("flags", "fields", "way", "title"),
    [
        ({"emailOptIn": False}, {"email_opt_in": False}, "OUT", "Opted out of email"),
        (
            {"whatsappOptIn": True},
            {"whatsapp_opt_in": True, "whatsapp_opt_in_at": WHEN},
            "IN",
            "Opted in to WhatsApp",
        ),
        (
            {"smsOptIn": True, "pushOptIn": False},
            {"sms_opt_in": True, "sms_opt_in_at": WHEN, "push_opt_in": False},
            "OUT",
            "Opted in to SMS, out of push",
        ),
    ],
)  # fmt: skip
def test_exactly_the_flag_that_changed_is_written(flags: dict, fields: dict, way: str, title: str):
    effect = interpret("messaging.consent.changed", {"contactId": "c1", **flags})
    assert effect.people[0].writes == fields
    assert (effect.entry.type, effect.entry.category, effect.entry.title) == (
        f"CONSENT_OPTED_{way}",
        "CONSENT",
        title,
    )
    assert effect.announce == ()


def test_a_grant_counts_from_when_it_was_given():
    effect = interpret(
        "contactPreference.updated",
        {"emailOptIn": True, "changedAt": "2026-10-12T09:00:00Z"},
        email="t@x.org",
    )
    assert effect.people[0].writes["email_opt_in_at"] == datetime(2026, 10, 12, 9, 0, tzinfo=UTC)


def test_a_consent_that_becomes_unknown_is_no_entry():
    effect = interpret("contactPreference.updated", {"contactId": "c1", "smsOptIn": None})
    assert (effect.people[0].writes, effect.entry) == ({"sms_opt_in": None}, None)


def test_a_deleted_contact_keeps_its_consent():
    effect = interpret("contact.deleted", {"contactId": "c1"})
    assert (effect.people[0].writes, effect.entry.type) == ({}, "CONTACT_DELETED")


@pytest.mark.parametrize(
    ("what", "type"),
    [("sent", "MESSAGE_SENT"), ("delivered", "MESSAGE_DELIVERED"), ("failed", "MESSAGE_FAILED")],
)
def test_sending_is_not_the_customers_act(what: str, type: str):
    effect = interpret(f"message.{what}", {**MESSAGE, "channel": "SMS"}, messagingContactId="c1")
    assert (effect.entry.type, effect.entry.channel, effect.entry.source_id) == (type, "SMS", "m1")
    assert effect.entry.metadata == {"campaignId": "c-17", "templateId": "tpl"}
    assert (effect.entry.counts, effect.people[0].writes, effect.announce) == (False, {}, ())


@pytest.mark.parametrize(
    ("sent_type", "extra", "field", "reason", "counts"),
    [
        ("message.bounced", {"bounceType": "HARD"}, "email_opt_in", "HARD_BOUNCE", False),
        (
            "message.bounced",
            {"bounceType": "Permanent", "channel": "sms"},
            "sms_opt_in",
            "HARD_BOUNCE",
            False,
        ),
        ("message.complained", {}, "email_opt_in", "COMPLAINT", False),
        ("message.unsubscribed", {"channel": "WHATSAPP"}, "whatsapp_opt_in", "UNSUBSCRIBE", True),
        ("sms.replied", {"text": " stop. "}, "sms_opt_in", "STOP_REPLY", True),
    ],
)
def test_who_wants_no_more_is_opted_out_at_once(
    sent_type: str, extra: dict, field: str, reason: str, counts: bool
):
    effect = interpret(sent_type, {**MESSAGE, **extra}, messagingContactId="c1")
    assert effect.people[0].writes == {field: False}
    ((topic, payload),) = effect.announce
    assert topic == "crm.consent.optout.requested"
    assert payload["reason"] == reason
    assert f"{payload['channel'].lower()}_opt_in" == field
    assert effect.entry.counts is counts


def test_a_soft_bounce_opts_nobody_out():
    effect = interpret("message.bounced", {**MESSAGE, "bounceType": "SOFT"}, messagingContactId="c1")
    assert (effect.people[0].writes, effect.announce) == ({}, ())


@pytest.mark.parametrize(
    ("sent_type", "extra", "type", "seen", "stage"),
    [
        ("email.opened", {}, "EMAIL_OPENED", ("last_email_open_at",), None),
        (
            "messaging.link.clicked",
            {"url": "https://x"},
            "EMAIL_CLICKED",
            ("last_email_click_at",),
            "PROSPECT",
        ),
        ("email.clicked", {"channel": "SMS"}, "SMS_CLICKED", (), "PROSPECT"),
        ("sms.replied", {"text": "Please stop by"}, "SMS_REPLIED", ("last_sms_reply_at",), None),
    ],
)
def test_engagement_counts_and_is_seen(
    sent_type: str, extra: dict, type: str, seen: tuple, stage: str | None
):
    effect = interpret(sent_type, {**MESSAGE, **extra}, email="t@x.org")
    assert (effect.entry.type, effect.entry.counts) == (type, True)
    assert (effect.people[0].seen, effect.people[0].stage, effect.people[0].fields) == (seen, stage, {})


@pytest.mark.parametrize("sent_type", ["email.opened", "email.clicked"])
def test_a_machine_engages_nobody(sent_type: str):
    effect = interpret(sent_type, {**MESSAGE, "isBot": True}, email="t@x.org")
    assert (effect.entry.counts, effect.people[0].seen, effect.people[0].stage) == (False, (), None)


def test_a_reply_tells_who_sent_it():
    effect = interpret("sms.replied", {"messageId": "m1", "text": "Yes", "from": "082 160 9550"})
    assert effect.people[0].hints == {"phoneNumber": "082 160 9550"}
    assert (effect.entry.description, effect.entry.metadata) == ("Yes", {})


@pytest.mark.parametrize(
    ("sent_type", "payload", "problems"),
    [
        (
            "contactPreference.updated",
            {"contactId": "c"},
            {"payload": "needs at least one of emailOptIn, smsOptIn, pushOptIn, whatsappOptIn"},
        ),
        ("contactPreference.updated", {"emailOptIn": "yes"}, {"emailOptIn": "must be true or false"}),
        ("message.sent", {}, {"messageId": "is required"}),
        (
            "sms.replied",
            {"channel": "EMAIL"},
            {"channel": "must be one of SMS, sms, WHATSAPP, whatsapp"},
        ),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_told_by_field(sent_type: str, payload: dict, problems: dict):
    assert wrong(sent_type, payload) == problems
