from datetime import UTC, date, datetime

import pytest

from tests.timeline.sources.reading import WHEN, interpret, wrong
from timeline.effects import Fact

MEMBER = {
    "id": 48490,
    "firstName": " Thabo ",
    "lastName": "Nkosi",
    "email": "THABO@EXAMPLE.COM",
    "status": "active",
    "membershipTierId": 2,
    "membershipTierName": "Silver",
    "dateOfBirth": "1987-04-15",
    "createdAt": "2026-10-12T04:50:13.066Z",
    "clubId": "club-fynbos",
}


def test_a_new_member_is_linked_copied_and_a_member():
    effect = interpret("member.created", MEMBER, email="thabo@example.com", phoneNumber="084 531 6333")
    (person,) = effect.people
    assert person.hints == {"sclMemberId": 48490, "email": "thabo@example.com", "phoneNumber": "084 531 6333"}
    assert person.fields == {
        "first_name": "Thabo",
        "last_name": "Nkosi",
        "email": "THABO@EXAMPLE.COM",
        "phone_number": "084 531 6333",
        "date_of_birth": date(1987, 4, 15),
        "membership_tier": "Silver",
        "membership_status": "ACTIVE",
        "membership_ended_at": None,
        "member_since": date(2026, 10, 12),
        "status": "ACTIVE",
    }
    assert (person.stage, person.tier, effect.club_ref) == ("MEMBER", 1, "club-fynbos")
    assert (effect.entry.type, effect.entry.category, effect.entry.counts) == (
        "MEMBER_CREATED",
        "MEMBERSHIP",
        True,
    )
    assert effect.facts == (
        Fact(
            "membership",
            "48490:club-fynbos",
            {
                "club_ref": "club-fynbos", "status": "ACTIVE", "tier": "Silver",
                "joined_on": date(2026, 10, 12), "left_on": None,
            },
        ),
    )  # fmt: skip


@pytest.mark.parametrize("status", ["RESIGNED", "pending"])
def test_who_is_not_or_no_longer_a_member_gets_no_member_stage(status: str):
    assert interpret("scl.member.created", {**MEMBER, "status": status}).people[0].stage is None


def test_an_update_writes_what_changed_and_nothing_else():
    payload = {
        **MEMBER,
        "changes": ["email", "lastName", "phoneNumber"],
        "lastName": "Smith",
        "nickname": "T",
    }
    effect = interpret("scl.member.updated", payload)
    assert effect.people[0].fields == {"email": "THABO@EXAMPLE.COM", "last_name": "Smith"}
    assert effect.people[0].hints == {"sclMemberId": 48490, "email": "THABO@EXAMPLE.COM"}
    assert effect.facts == ()
    assert (effect.entry.type, effect.entry.counts) == ("MEMBER_UPDATED", False)
    assert effect.entry.metadata["nickname"] == "T"
    assert "email" not in effect.entry.metadata


def test_an_update_without_changes_writes_what_is_there_and_a_null_clears():
    effect = interpret(
        "scl.member.updated", {"id": 1, "dateOfBirth": None, "firstName": "Zoë", "status": "LAPSED"}
    )
    assert effect.people[0].fields == {
        "date_of_birth": None, "first_name": "Zoë", "membership_status": "LAPSED", "membership_ended_at": WHEN
    }  # fmt: skip
    assert effect.facts[0].values == {"status": "LAPSED", "left_on": WHEN.date()}


def test_a_soft_deletion_ends_the_membership():
    payload = {"id": 48490, "deletionType": "soft", "reason": "resigned", "deletedAt": "2026-09-29T08:12:27Z"}
    effect = interpret("scl.member.deleted", payload)
    ended = datetime(2026, 9, 29, 8, 12, 27, tzinfo=UTC)
    assert effect.people[0].fields == {
        "status": "INACTIVE", "membership_status": "INACTIVE", "membership_ended_at": ended
    }  # fmt: skip
    assert [fact.kind for fact in effect.facts] == ["membership"]
    assert effect.facts[0].values == {"status": "INACTIVE", "left_on": ended.date()}


def test_a_hard_deletion_also_asks_for_erasure():
    effect = interpret(
        "member.deleted", {"id": 48490, "deletionType": "hard", "reason": "GDPR_REQUEST"}, id="e9"
    )
    assert effect.people[0].fields["status"] == "DELETED"
    assert effect.facts[1] == Fact(
        "privacy_request", "ERASURE:e9", {"kind": "ERASURE", "reason": "GDPR_REQUEST", "requested_at": WHEN}
    )


def test_a_tier_change_writes_the_tier_alone():
    payload = {
        "id": 1,
        "previousTierName": "Silver",
        "newTierName": "Gold",
        "reason": "upgrade",
        "clubId": "c",
    }
    effect = interpret("tier.changed", payload)
    assert effect.people[0].fields == {"membership_tier": "Gold"}
    assert effect.facts == (Fact("membership", "1:c", {"club_ref": "c", "tier": "Gold"}),)
    assert effect.entry.title == "Tier changed from Silver to Gold"
    assert effect.entry.metadata["reason"] == "upgrade"


@pytest.mark.parametrize(
    ("status", "stage", "fields"),
    [
        ("SUSPENDED", None, {"membership_ended_at": None}),
        ("ACTIVE", "MEMBER", {"membership_ended_at": None, "status": "ACTIVE"}),
        ("RESIGNED", None, {"membership_ended_at": WHEN}),
    ],
)
def test_a_status_change_says_whether_the_membership_ended(status: str, stage: str | None, fields: dict):
    effect = interpret("scl.member.status.changed", {"id": 1, "newStatus": status})
    assert effect.people[0].fields == {"membership_status": status} | fields
    assert effect.people[0].stage == stage


def test_a_payment_is_a_fact_with_its_money():
    payload = {"id": "pay_1", "memberId": 7, "amount": 125000, "currency": "gbp", "invoiceId": "INV-1"}
    effect = interpret("scl.payment.received", payload)
    assert effect.people[0].hints == {"sclMemberId": 7}
    assert effect.people[0].stage == "CUSTOMER"
    assert (effect.entry.title, effect.entry.counts) == ("Paid 1,250.00 GBP", True)
    values = {
        "amount_cents": 125000,
        "currency": "GBP",
        "invoice_key": "INV-1",
        "status": "RECEIVED",
        "paid_at": WHEN,
    }
    assert effect.facts == (Fact("payment", "pay_1", values),)


def test_a_failed_payment_is_no_act_of_the_customer():
    effect = interpret(
        "payment.failed", {"id": "pay_1", "memberId": 7, "amount": 5, "reason": "insufficient_funds"}
    )
    assert (effect.entry.type, effect.entry.counts) == ("PAYMENT_FAILED", False)
    assert effect.facts[0].values == {
        "amount_cents": 5,
        "failure_reason": "insufficient_funds",
        "status": "FAILED",
    }
    assert effect.people[0].stage is None


def test_an_invoice_sent_late_does_not_unsay_that_it_is_overdue():
    sent = interpret("scl.invoice.sent", {"id": "INV-1", "memberId": 7, "amount": 5})
    overdue = interpret("scl.invoice.overdue", {"id": "INV-1", "memberId": 7, "amount": 5, "daysOverdue": 14})
    assert (sent.facts[0].opening, "status" in sent.facts[0].values) == ({"status": "SENT"}, False)
    assert overdue.facts[0].values == {"amount_cents": 5, "days_overdue": 14, "status": "OVERDUE"}


def test_a_version_of_the_entity_is_passed_on():
    assert interpret("scl.member.updated", {"id": 1, "entityVersion": 12}).version == 12
    assert interpret("scl.member.updated", {"id": 1, "version": True}).version == 0


def test_the_identity_block_wins_over_the_payload():
    hints = (
        interpret("scl.member.updated", {"id": 1, "email": "b@x.org"}, sclMemberId=2, email="a@x.org")
        .people[0]
        .hints
    )
    assert hints == {"sclMemberId": 2, "email": "a@x.org"}


@pytest.mark.parametrize(
    ("sent_type", "payload", "problems"),
    [
        ("scl.member.created", {}, {"id": "is required"}),
        ("scl.member.created", {"id": None}, {"id": "must be an integer or text"}),
        ("scl.member.created", {"id": 1, "dateOfBirth": "15.04.1987"}, {"dateOfBirth": "must be a day (YYYY-MM-DD)"}),
        ("scl.member.updated", {"id": 1, "changes": [3]}, {"changes[0]": "must be text"}),
        ("member.deleted", {"id": 1, "deletionType": "x"}, {"deletionType": "must be one of SOFT, soft, HARD, hard"}),
        ("scl.member.tier.changed", {"id": 1, "newTierName": " "}, {"newTierName": "must not be blank"}),
        ("scl.payment.received", {"id": 1, "amount": 12.5}, {"amount": "must be an integer"}),
        ("scl.payment.received", {"id": 1, "amount": 12.0}, {"amount": "must be an integer"}),
        ("scl.payment.received", {"id": 1, "amount": True}, {"amount": "must be an integer"}),
        ("scl.payment.received", {"id": 1, "amount": 2**53 + 1}, {"amount": "must be at most 9007199254740992"}),
        (
            "scl.payment.received",
            {"id": 1, "amount": 1, "currency": "RAND"},
            {"currency": "must be a currency code of three letters"},
        ),
    ],
)  # fmt: skip
def test_a_wrong_payload_is_told_by_field(sent_type: str, payload: dict, problems: dict):
    assert wrong(sent_type, payload) == problems
