"""Segments on staff pages: the list, one of them, who may do what, what it costs."""

from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from segments import entries
from segments.admin.trend import counts_back
from segments.membership import refresh
from segments.models import MembershipChange, Segment, SegmentEntry, SegmentMember, SegmentSync
from segments.services import create_segment
from tests.factories import ClubFactory, CustomerProfileFactory
from tests.pages import LIST, at_most, staff_of, words

SEGMENTS = "/admin/segments/segment/"
GOOD = {"combinator": "AND", "rules": [{"field": "handicap", "operator": "lte", "value": 12}]}


@pytest.fixture
def ann(tenant: Tenant) -> Any:
    return CustomerProfileFactory(
        first_name="Ann", last_name="Botha", handicap="9.4", email="ann@example.com"
    )


@pytest.fixture
def ben(tenant: Tenant) -> Any:
    return CustomerProfileFactory(
        first_name="Ben", last_name="Nkosi", handicap="22.0", email="ben@example.com"
    )


@pytest.fixture
def good(ann: Any, ben: Any) -> Segment:
    segment = create_segment("Good players", by="user:x", criteria=GOOD, description="Below thirteen")
    refresh(segment.pk)
    segment.refresh_from_db()
    return segment


def url(segment: Segment, rest: str = "") -> str:
    return f"{SEGMENTS}{segment.pk}/{rest}"


# --- the list
def test_a_list_without_segments_leads_to_the_templates(tenant: Tenant) -> None:
    page = staff_of("MARKETING").get(SEGMENTS)
    assert "No segment yet" in words(page)
    assert f'href="{SEGMENTS}gallery/"' in page.content.decode()
    assert f'href="{SEGMENTS}gallery/"' not in staff_of("STAFF").get(SEGMENTS).content.decode()


def test_the_list_says_how_many_how_fresh_and_who_uses_it(good: Segment) -> None:
    create_segment(
        "Both", by="user:x", criteria=[{"field": "segments", "operator": "in", "value": [str(good.pk)]}]
    )
    Segment.objects.filter(pk=good.pk).update(refresh_error="It took too long.")
    page = staff_of().text(SEGMENTS)
    assert "Good players Below thirteen By rules" in page
    assert "1 Broken It took too long." in page
    assert "Both" in page
    assert "Out of date never At once" in page
    assert "No segment" not in page
    assert "Good players" not in staff_of().text(SEGMENTS, state="FRESH")
    assert "Good players" in staff_of().text(SEGMENTS, state="BROKEN")
    assert "Good players" not in staff_of().text(SEGMENTS, type="STATIC")
    assert "Good players" in staff_of().text(SEGMENTS, q="good")


def test_the_list_costs_the_same_however_many_there_are(good: Segment) -> None:
    for number in range(8):
        create_segment(f"More {number}", by="user:x", criteria=GOOD)
    browser = staff_of()
    browser.get(SEGMENTS)
    with at_most(10):
        browser.text(SEGMENTS)


def test_several_are_refreshed_and_switched_off_at_once(good: Segment) -> None:
    browser = staff_of("MARKETING")
    browser.post(SEGMENTS, {"action": "switch_off", "_selected_action": [good.pk]})
    good.refresh_from_db()
    assert not good.is_active
    browser.post(SEGMENTS, {"action": "switch_on", "_selected_action": [good.pk]})
    browser.post(SEGMENTS, {"action": "refresh_chosen", "_selected_action": [good.pk]})
    good.refresh_from_db()
    assert good.is_active
    assert good.due_at <= timezone.now()


# --- one segment
def test_its_page_says_who_is_in_it_and_since_when(good: Segment) -> None:
    browser = staff_of()
    with at_most(22):
        page = browser.text(url(good))
    assert "Good players Up to date By rules" in page
    assert "Ann Botha ann@example.com" in page
    assert "Ben Nkosi" not in page
    assert "1 joined, 0 left" in page
    assert AuditEntry.objects.filter(action="segment.viewed", object_id=str(good.pk)).exists()
    assert "Ann Botha" in browser.text(url(good), q="botha")
    assert "Nobody of that name is in it" in browser.text(url(good), q="nkosi")


def test_why_somebody_is_in_or_not_is_told_rule_by_rule(good: Segment, ann: Any, ben: Any) -> None:
    browser = staff_of()
    page = browser.text(url(good), tab="why", person=str(ann.pk))
    assert "Ann Botha is in it: the rules hold." in page
    assert "Known: 9.4" in page
    page = browser.text(url(good), tab="why", person="ben@example.com")
    assert "Ben Nkosi is not in it: the rules do not hold." in page
    assert "Known: 22" in page
    assert "Nobody found" in browser.text(url(good), tab="why", person="nobody@example.com")
    CustomerProfileFactory(first_name="Ann", last_name="Zulu")
    assert "Whom do you mean?" in browser.text(url(good), tab="why", person="Ann")


def test_what_a_role_may_not_see_is_not_told_by_why(ann: Any) -> None:
    rules = {"combinator": "AND", "rules": [{"field": "churnRiskScore", "operator": "gte", "value": 0}]}
    segment = create_segment("At risk", by="user:x", criteria=rules)
    refresh(segment.pk)
    assert "Known: 0" in staff_of("MARKETING").text(url(segment), tab="why", person=str(ann.pk))
    assert "Not shown to your role." in staff_of("VIEWER").text(url(segment), tab="why", person=str(ann.pk))


def test_the_log_says_who_came_and_went(good: Segment, ann: Any) -> None:
    browser = staff_of()
    assert "Joined Ann Botha The segment was worked out for the first time" in browser.text(
        url(good), tab="log"
    )
    assert "Nobody has joined or left yet" in browser.text(url(good), tab="log", way="out")


def test_two_segments_are_compared(good: Segment) -> None:
    everybody = create_segment(
        "Everybody", by="user:x", criteria=[{"field": "handicap", "operator": "isNotNull"}]
    )
    refresh(everybody.pk)
    page = staff_of().text(url(good), tab="overlap", **{"with": str(everybody.pk)})
    assert "Only in Good players 0 In both 1 Only in Everybody 1" in page
    assert "Choose another segment" in staff_of().text(url(good), tab="overlap")


def test_an_open_page_asks_for_what_is_new(good: Segment) -> None:
    browser = staff_of()
    reply = browser.get(url(good, "live/"))
    digest = reply.content.decode().split('data-digest="')[1].split('"')[0]
    assert browser.get(url(good, "live/"), {"digest": digest}).status_code == 204
    browser.post(url(good, "refresh/"))
    page = browser.text(url(good, "live/"), digest=digest)
    assert "being worked out" in page


# --- acts
def test_a_segment_is_copied_kept_as_a_list_switched_and_deleted(good: Segment, ann: Any) -> None:
    browser = staff_of("MARKETING")
    browser.post(url(good, "clone/"))
    assert Segment.objects.get(name="Good players (Copy)").criteria == good.criteria
    reply = browser.post(url(good, "snapshot/"))
    frozen = Segment.objects.get(type="STATIC")
    assert reply["Location"] == url(frozen)
    assert [row.customer_id for row in SegmentEntry.objects.filter(segment=frozen)] == [ann.pk]
    browser.post(url(good, "switch/"), {"on": ""})
    assert "Switched off" in browser.text(url(good))
    browser.post(url(good, "switch/"), {"on": "1"})
    assert browser.post(url(good, "remove/"))["Location"] == SEGMENTS
    assert browser.get(url(good)).status_code == 404


def test_one_that_is_used_is_not_deleted_and_its_users_are_named(good: Segment) -> None:
    create_segment(
        "Both", by="user:x", criteria=[{"field": "segments", "operator": "in", "value": [str(good.pk)]}]
    )
    reply = staff_of().post(url(good, "remove/"), follow=True)
    assert "It is used by Both" in words(reply)
    assert "Used by Both" in words(reply)
    good.refresh_from_db()
    assert good.deleted_at is None


def test_people_are_put_in_kept_out_and_released(good: Segment, ann: Any, ben: Any) -> None:
    browser = staff_of("MARKETING")
    last = (timezone.localdate()).isoformat()
    browser.post(
        url(good, "put-in/"),
        {"person": "ben@example.com", "reason": "A sponsor", "until": last, "tab": "hand"},
    )
    assert SegmentMember.objects.filter(segment=good, customer=ben).exists()
    page = browser.text(url(good), tab="hand")
    assert "Put in Ben Nkosi Somebody" in page
    assert "A sponsor · until" in page
    browser.post(url(good, "keep-out/"), {"person": str(ann.pk), "reason": "Asked"})
    assert not SegmentMember.objects.filter(segment=good, customer=ann).exists()
    assert "is kept out by hand: Asked" in browser.text(url(good), tab="why", person=str(ann.pk))
    browser.post(url(good, "release/"), {"person": str(ann.pk)})
    assert SegmentMember.objects.filter(segment=good, customer=ann).exists()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"person": "nobody@example.com"}, "Nobody has these identifiers."),
        ({"person": "Ann"}, "Give an e-mail address or the id of a customer."),
        ({"person": "ann@example.com", "until": "2001-01-01"}, "The last day must be today or later."),
        ({"person": "ann@example.com", "until": "soon"}, "The last day must be today or later."),
    ],
)
def test_who_cant_be_put_in_is_said(good: Segment, sent: dict[str, str], said: str) -> None:
    reply = staff_of().post(url(good, "put-in/"), sent, follow=True)
    assert said in words(reply)
    assert not SegmentEntry.objects.exists()


# --- roles
def test_those_who_may_not_market_look_and_change_nothing(good: Segment, ann: Any) -> None:
    for role in ("STAFF", "VIEWER"):
        browser = staff_of(role)
        page = browser.get(url(good)).content.decode()
        assert "Ann Botha" in page
        assert f'action="{url(good, "refresh/")}"' not in page
        for path in ("add/", "gallery/", f"{good.pk}/change/"):
            assert browser.get(f"{SEGMENTS}{path}").status_code == 403, path
        acts = ("refresh", "clone", "snapshot", "switch", "remove", "put-in", "keep-out", "release", "upload")
        for act in acts:
            assert browser.post(url(good, f"{act}/")).status_code == 403, act
        assert browser.post(f"{SEGMENTS}preview/").status_code == 403
    assert Segment.objects.get() == good


def test_staff_of_some_clubs_see_their_people_and_their_segments(good: Segment, ben: Any) -> None:
    here, there = ClubFactory(refs=["here"]), ClubFactory(refs=["there"])
    entries.put_in(good, [entries.Assignment(ben.pk)], by="user:x")
    type(ben).objects.filter(pk=ben.pk).update(home_club_ref="here")
    other = create_segment("Of theirs", by="user:x", criteria=GOOD, club_id=there.pk)
    browser = staff_of("STAFF", clubs=(here,))
    page = browser.text(url(good))
    assert "Ben Nkosi" in page
    assert "Ann Botha" not in page
    assert browser.get(url(other)).status_code == 404


# --- a person's page
def test_a_persons_page_has_the_segments_they_are_in(good: Segment, ann: Any, ben: Any) -> None:
    browser = staff_of()
    page = browser.get(f"{LIST}{ann.pk}/").content.decode()
    assert f'href="{url(good)}">Good players' in page
    assert f"{url(good)}?tab=why&amp;person={ann.pk}" in page
    assert "Good players" not in browser.get(f"{LIST}{ben.pk}/").content.decode()


def test_the_trend_counts_back_from_today(good: Segment, ann: Any, ben: Any) -> None:
    assert counts_back(5, [0, 3, 1], [0, 0, 2]) == [3, 6, 5]
    assert MembershipChange.objects.filter(segment=good, joined=True).count() == 1


def test_a_segment_is_sent_to_messaging_from_its_page(good: Segment, settings: Any) -> None:
    browser, page = staff_of("MARKETING"), f"{SEGMENTS}{good.pk}/"
    settings.MESSAGING_URL = ""
    assert "Keep in step at Messaging" not in browser.text(page)
    assert browser.post(f"{page}messaging/").status_code == 302
    assert "No Messaging service is set up" in browser.text(page)
    settings.MESSAGING_URL = "http://messaging.invalid"
    assert "Keep in step at Messaging" in browser.text(page)
    browser.post(f"{page}messaging/")
    assert SegmentSync.objects.get().segment_id == good.pk
