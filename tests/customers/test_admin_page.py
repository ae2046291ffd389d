"""A person's page: what it says, who may see it, what it costs, and how it stays fresh."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from customers.admin.tabs import tabs
from customers.gathering import gather
from customers.models import (
    AssociationNumber,
    Booking,
    CustomerProfile,
    DuplicateCandidate,
    HandicapRevision,
    Membership,
    Order,
    Payment,
    Ticket,
)
from customers.services import update_customer
from tests.factories import ActivityFactory, CustomerProfileFactory, hold
from tests.pages import LIST, Browser, at_most, staff_of, words


def url(profile: CustomerProfile, rest: str = "") -> str:
    return f"{LIST}{profile.pk}/{rest}"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(
        first_name="Ann", last_name="Botha", email="ann@example.com",
        phone_number="+27821234567", phone_is_valid=True, scl_member_id=4711,
        date_of_birth=date(1980, 2, 29), country="ZA", language="en-ZA", gender="FEMALE",
        lifecycle_stage="MEMBER", membership_tier="Gold", membership_status="ACTIVE", home_club_name="Fynbos",
        handicap="12.4", is_vip=True, tags=["committee"], email_opt_in=True, sms_opt_in=False,
        metrics={"lifetime_value_cents": 123450, "activity_count_30d": 7},
    )  # fmt: skip


def test_one_page_says_who_it_is(ann: CustomerProfile) -> None:
    page = staff_of().text(url(ann))
    for words_ in (
        "Ann Botha Member VIP", "Gold (active)", "Fynbos", "Member 4711", "Handicap 12.4", "committee",
        "ann @example.com", "+27821234567", "29 Feb 1980", "South Africa", "English (South Africa)",
        "Lifetime value R 1,234.50",
        "Activities, 30 days 7", "Engagement – not scored yet",
    ):  # fmt: skip
        assert words_ in page, words_


def test_consent_is_a_light_for_each_channel(ann: CustomerProfile) -> None:
    page = staff_of().text(url(ann))
    assert "E-mail Opted in SMS Opted out Push Unknown WhatsApp Unknown" in page


def test_every_value_tells_where_it_came_from(ann: CustomerProfile) -> None:
    update_customer(ann.pk, {"gender": "OTHER"}, by="user:x")
    today = timezone.localtime().strftime("%-d %b %Y")
    page = staff_of().text(url(ann))
    assert f"Gender Other from staff, {today}" in page


def test_identifiers_tell_their_kind_owner_and_source(ann: CustomerProfile) -> None:
    ben = CustomerProfileFactory(first_name="Ben", last_name="Botha", email="")
    hold(ben, "email", "ann@example.com", is_owner=False)
    hold(ann, "externalIds.golfRsaId", "GR-77")
    browser = staff_of()
    page = browser.text(url(ann))
    assert "4711 SCL member · theirs alone · test" in page
    assert "GR-77 Golf RSA · theirs alone" in page
    assert "ann@example.com E-mail · owner, shared with Ben Botha" in page
    assert "ann@example.com E-mail · shared with Ann Botha" in browser.text(url(ben))


def test_a_household_is_those_with_the_same_address(ann: CustomerProfile) -> None:
    ben = CustomerProfileFactory(first_name="Ben", last_name="Botha", email="")
    hold(ben, "email", "ann@example.com", is_owner=False)
    hold(ben, "phoneNumber", "+27821234567", is_owner=False)
    gather([("email", "ann@example.com")], now=timezone.now())
    assert "Ben Botha shares the e-mail, phone" in staff_of().text(url(ann))


def test_the_next_tee_time_stands_out(ann: CustomerProfile) -> None:
    for days, key in ((-1, "past"), (3, "next"), (9, "later")):
        Booking.objects.create(
            tenant=ann.tenant, key=key, customer=ann, status="BOOKED", club_name=f"Club {key}",
            tee_time=timezone.now() + timedelta(days=days),
        )  # fmt: skip
    page = staff_of().text(url(ann))
    assert "Next tee time" in page
    assert "Club next" in page
    assert "Club later" not in page


def test_a_possible_duplicate_is_announced_to_those_who_may_merge(ann: CustomerProfile) -> None:
    twin = CustomerProfileFactory(first_name="Anna", last_name="Botha")
    first, second = sorted((ann, twin), key=lambda one: one.pk)
    pair = DuplicateCandidate.objects.create(
        tenant=ann.tenant, first=first, second=second, reason="the same phoneNumber"
    )
    reply = staff_of().get(url(ann))
    page = reply.content.decode()
    assert "Possibly the same person as Anna Botha : the same phone." in words(reply)
    assert f"/admin/customers/duplicatecandidate/{pair.pk}/" in page
    looked_up = staff_of("VIEWER").get(url(ann)).content.decode()
    assert "Possibly the same person as" in looked_up
    assert f"/admin/customers/duplicatecandidate/{pair.pk}/" not in looked_up


def test_the_facts_are_in_tabs(ann: CustomerProfile) -> None:
    tenant = ann.tenant
    Booking.objects.create(
        tenant=tenant, key="b", customer=ann, status="NO_SHOW", amount_cents=39000, currency="ZAR"
    )
    HandicapRevision.objects.create(
        tenant=tenant, key="h", customer=ann, handicap="12.4", effective_on=date(2026, 1, 2)
    )
    Membership.objects.create(tenant=tenant, key="m", customer=ann, tier="Gold", status="ACTIVE")
    AssociationNumber.objects.create(
        tenant=tenant, key="a", customer=ann, association="golfRsaId", number="77"
    )
    Order.objects.create(
        tenant=tenant, key="o", customer=ann, status="PAID", total_cents=7100, currency="GBP"
    )
    Payment.objects.create(
        tenant=tenant, key="p", customer=ann, failure_reason="card declined", status="FAILED"
    )
    Ticket.objects.create(tenant=tenant, key="t", customer=ann, subject="Lost putter", status="OPEN")
    browser = staff_of()
    golf, shop = browser.text(url(ann), tab="golf"), browser.text(url(ann), tab="shop")
    assert "R 390.00 No-show" in golf
    assert "2 Jan 2026 12.4" in golf
    assert "£71.00" in shop
    assert "card declined – Failed" in shop
    assert "Lost putter" in browser.text(url(ann), tab="service")
    assert "Who wrote what last" in browser.text(url(ann), tab="data")
    assert "Golf RSA 77" in browser.text(url(ann))


def test_an_unknown_tab_is_the_first(ann: CustomerProfile) -> None:
    assert "Nothing has happened yet" in staff_of().text(url(ann), tab="nonsense")


def test_a_merged_id_leads_to_the_winner(ann: CustomerProfile) -> None:
    loser = CustomerProfileFactory(status="MERGED", merged_into=ann)
    browser = staff_of()
    reply = browser.get(url(loser), follow=True)
    assert reply.redirect_chain == [(url(ann), 302)]
    assert "was merged into this one" in words(reply)


def test_a_deleted_person_is_a_page_for_admins_alone(ann: CustomerProfile) -> None:
    admin = staff_of()
    admin.post(url(ann, "remove/"), {"reason": "asked to go"})
    assert "This customer is deleted" in admin.text(url(ann))
    assert 'class="button" href="mailto:' not in admin.get(url(ann)).content.decode()
    assert staff_of("MARKETING").get(url(ann)).status_code == 404
    admin.post(url(ann, "restore/"))
    assert staff_of("MARKETING").get(url(ann)).status_code == 200
    done = AuditEntry.objects.filter(object_id=str(ann.pk)).values_list("action", flat=True)
    assert {"customer.deleted", "customer.restored"} <= set(done)


@pytest.mark.parametrize("query", [{"tab": tab.key} for tab in tabs()])
def test_the_page_stays_within_its_queries(ann: CustomerProfile, query: dict[str, str]) -> None:
    for n in range(30):
        ActivityFactory(customer=ann, title=f"Entry {n}")
        Booking.objects.create(tenant=ann.tenant, key=f"b{n}", customer=ann)
        hold(ann, f"externalIds.kind{n}", str(n))
    browser = staff_of()
    with at_most(26):
        assert browser.get(url(ann), query).status_code == 200


# --- who looked
def views(profile: CustomerProfile) -> list[str]:
    entries = AuditEntry.objects.filter(
        action="customer.viewed", object_type="customer", object_id=str(profile.pk)
    )
    return list(entries.values_list("actor", flat=True))


def test_every_opening_of_the_page_is_audited_once_in_five_minutes(
    ann: CustomerProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = staff_of()
    browser.get(url(ann))
    browser.get(url(ann))
    (one,) = views(ann)
    assert one.startswith("user:")
    later = timezone.now() + timedelta(minutes=6)
    monkeypatch.setattr("crm.tenancy.audit.timezone.now", lambda: later)
    browser.get(url(ann))
    staff_of().get(url(ann))
    assert views(ann).count(one) == 2
    assert len(views(ann)) == 3


def test_admins_see_who_looked(ann: CustomerProfile) -> None:
    staff_of("VIEWER").get(url(ann))
    page = staff_of().get(url(ann))
    assert [name for name, _at in page.context["lookers"]] == ["Sam Starter", "Sam Starter"]
    assert "Who looked" in words(page)
    assert "Who looked" not in staff_of("MARKETING").text(url(ann))


def test_the_refreshes_of_an_open_page_are_the_same_view(ann: CustomerProfile) -> None:
    browser = staff_of()
    browser.get(url(ann))
    browser.get(url(ann), {"tab": "golf"}, headers={"X-Requested-With": "fetch"})
    browser.get(url(ann, "live/"))
    assert len(views(ann)) == 1


def test_nobody_looks_unseen_by_asking_for_parts(ann: CustomerProfile) -> None:
    staff_of().get(url(ann), {"tab": "golf"}, headers={"X-Requested-With": "fetch"})
    assert len(views(ann)) == 1
    staff_of().get(url(ann, "live/"))
    assert len(views(ann)) == 2


# --- fresh
def live(browser: Browser, profile: CustomerProfile, digest: str) -> int:
    return int(browser.get(url(profile, "live/"), {"digest": digest}).status_code)


def test_an_open_page_hears_of_nothing_until_something_happens(ann: CustomerProfile) -> None:
    browser = staff_of()
    digest = browser.get(url(ann)).context["digest"]
    with at_most(9):  # asked every few seconds by every open page: without the cards around the tab
        assert live(browser, ann, digest) == 204
    ActivityFactory(customer=ann, title="Just arrived")
    reply = browser.get(url(ann, "live/"), {"digest": digest})
    assert "Just arrived" in words(reply)
    assert live(browser, ann, reply.context["digest"]) == 204


def test_an_open_page_hears_of_a_changed_profile_and_of_counters(ann: CustomerProfile) -> None:
    browser = staff_of()
    digest = browser.get(url(ann)).context["digest"]
    update_customer(ann.pk, {"first_name": "Annabel"}, by="user:x")
    assert live(browser, ann, digest) == 200
    digest = browser.get(url(ann)).context["digest"]
    ann.metrics.lifetime_value_cents += 100
    ann.metrics.save()
    assert live(browser, ann, digest) == 200


def test_what_a_source_wrote_is_never_markup(tenant: Tenant) -> None:
    evil = "<script>alert(1)</script>"
    person = CustomerProfileFactory(first_name=evil, last_name="X", tags=[evil], custom_fields={evil: evil})
    ActivityFactory(customer=person, title=evil, description=evil, metadata={evil: evil})
    browser = staff_of()
    for query in ({}, {"tab": "data"}, {"tab": "golf"}):
        assert "<script>alert" not in browser.get(url(person), query).content.decode()
    for path in (LIST, "/admin/", "/admin/timeline/activity/"):
        assert "<script>alert" not in browser.get(path).content.decode()
