"""Saved views: the list as somebody narrowed and sorted it, under a name, own or the team's."""

from typing import Any

import pytest
from django.utils import timezone

from crm.tenancy.models import AuditEntry, Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from customers import saved_views
from customers.models import SavedView
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST, Browser, log_in, member, staff_of

VIEWS = f"{LIST}views/"


def save(browser: Browser, query: str, name: str, **sent: str) -> Any:
    return browser.post(f"{VIEWS}?{query}", {"name": name, **sent})


def tabs(browser: Browser, query: str = "") -> dict[str, Any]:
    reply = browser.get(f"{LIST}?{query}")
    assert reply.status_code == 200, reply.headers.get("Location")
    return {str(tab.view): tab for tab in reply.context["views"]["tabs"]}


def shown(browser: Browser, address: str) -> list[str]:
    return [str(profile) for profile in browser.get(address).context["cl"].result_list]


@pytest.fixture
def people(tenant: Tenant) -> None:
    now = timezone.now()
    for name, stage, cents in (
        ("Ann Zulu", "MEMBER", 100),
        ("Ben Adams", "MEMBER", 300),
        ("Cy Moor", "LEAD", 200),
    ):
        first, last = name.split()
        CustomerProfileFactory(
            first_name=first, last_name=last, lifecycle_stage=stage,
            metrics={"lifetime_value_cents": cents, "last_activity_at": now},
        )  # fmt: skip


def test_a_view_opens_the_same_people_in_the_same_order(people: None) -> None:
    browser = staff_of()
    assert "Save view" not in browser.text(LIST)
    assert "Save view" in browser.text(LIST, stage="MEMBER", o="-6")
    reply = save(browser, "stage=MEMBER&o=-6.1&q=ann&p=2", " Best   members ")
    assert reply.status_code == 302
    assert shown(browser, reply["Location"]) == ["Ben Adams", "Ann Zulu"]
    view = SavedView.objects.get()
    assert (view.name, view.filters, view.sort) == ("Best members", {"stage": "MEMBER"}, ["-value", "name"])
    tab = tabs(browser, "stage=MEMBER&o=-6.1")["Best members"]
    assert tab.is_open
    assert not tabs(browser, "stage=LEAD&o=")["Best members"].is_open


def test_without_an_order_it_has_the_usual_one_whatever_stood_before(people: None) -> None:
    browser = staff_of()
    save(browser, "stage=MEMBER", "Members")
    assert shown(browser, f"{LIST}?o=1") == ["Ben Adams", "Cy Moor", "Ann Zulu"]
    assert shown(browser, tabs(browser)["Members"].url) == ["Ben Adams", "Ann Zulu"]


def test_columns_are_kept_by_name_so_that_one_more_moves_nothing(people: None) -> None:
    browser = staff_of()
    save(browser, "o=8", "Oldest first")
    assert SavedView.objects.get().sort == ["created"]
    CustomFieldFactory(key="locker", label="Locker", is_listed=True)
    assert tabs(browser)["Oldest first"].url == f"{LIST}?o=9"
    viewer = log_in(member(Role.VIEWER).user)  # who has no boxes to choose by, and no values
    save(viewer, "o=6", "Oldest first")
    assert SavedView.objects.exclude(pk=SavedView.objects.earliest("created_at").pk).get().sort == ["created"]


def test_the_same_name_replaces_and_another_persons_stays(people: None) -> None:
    browser, other = staff_of(Role.VIEWER), staff_of(Role.STAFF)
    save(other, "stage=LEAD", "Mine")
    save(browser, "stage=LEAD", "Mine")
    save(browser, "stage=MEMBER", "MINE")
    assert {(view.name, view.filters["stage"]) for view in SavedView.objects.all()} == {
        ("Mine", "LEAD"),
        ("MINE", "MEMBER"),
    }
    assert list(tabs(browser)) == ["MINE"]
    assert list(tabs(other)) == ["Mine"]


def test_a_shared_view_stands_above_everybodys_list_and_its_owner_and_admins_change_it(people: None) -> None:
    owner, admin, viewer = staff_of(Role.MARKETING), staff_of(), staff_of(Role.VIEWER)
    save(owner, "stage=MEMBER", "Team", shared="1")
    view = SavedView.objects.get()
    assert view.is_shared
    assert [tabs(one)["Team"].may_change for one in (owner, admin, viewer, staff_of(Role.MARKETING))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert shown(viewer, tabs(viewer)["Team"].url) == ["Ben Adams", "Ann Zulu"]
    for one, status in ((viewer, 403), (staff_of(Role.MARKETING), 403)):
        assert one.post(f"{VIEWS}{view.pk}/", {"name": "Stolen"}).status_code == status
        assert one.post(f"{VIEWS}{view.pk}/remove/").status_code == status
    admin.post(f"{VIEWS}{view.pk}/?stage=LEAD", {"name": "Everybody's", "shared": "1"})
    view.refresh_from_db()
    assert (view.name, view.is_shared) == ("Everybody's", True)
    assert owner.post(f"{VIEWS}{view.pk}/remove/").status_code == 302
    assert not SavedView.objects.exists()
    acts = AuditEntry.objects.filter(action__startswith="savedview").values_list("action", flat=True)
    assert sorted(acts) == ["savedview.changed", "savedview.deleted", "savedview.saved"]


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER])
def test_who_may_not_send_to_people_shares_no_view(people: None, role: Role) -> None:
    browser = staff_of(role)
    assert "For the whole team" not in browser.text(LIST, stage="MEMBER")
    assert save(browser, "stage=MEMBER", "Team", shared="1").status_code == 403
    assert not SavedView.objects.exists()


def test_a_private_view_is_not_there_for_anybody_else(people: None) -> None:
    save(staff_of(Role.VIEWER), "stage=MEMBER", "Mine")
    view = SavedView.objects.get()
    for address in (f"{VIEWS}{view.pk}/", f"{VIEWS}{view.pk}/remove/"):
        assert staff_of().post(address, {"name": "Other"}).status_code == 404


def test_whoever_lost_the_right_to_share_keeps_off_what_they_shared(people: None) -> None:
    owner = member(Role.MARKETING)
    browser = log_in(owner.user)
    save(browser, "stage=MEMBER", "Team", shared="1")
    owner.role = Role.VIEWER
    owner.save()
    assert not tabs(browser)["Team"].may_change
    assert browser.post(f"{VIEWS}{SavedView.objects.get().pk}/remove/").status_code == 403


def test_a_view_by_what_a_role_does_not_see_is_not_shown_to_it(people: None) -> None:
    save(staff_of(), "score=value", "Big spenders", shared="1")
    save(staff_of(), "stage=MEMBER&o=-6", "Members", shared="1")
    assert set(tabs(staff_of(Role.MARKETING))) == {"Big spenders", "Members"}
    assert {name: tab.url for name, tab in tabs(staff_of(Role.VIEWER)).items()} == {
        "Members": f"{LIST}?stage=MEMBER&o="
    }


def test_names_are_checked_where_they_are_typed(people: None, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = staff_of()
    save(browser, "stage=MEMBER", "One")
    save(browser, "stage=LEAD", "Two")
    two = SavedView.objects.get(name="Two")
    reply = browser.post(f"{VIEWS}{two.pk}/?stage=LEAD&o=", {"name": "ONE"}, follow=True)
    assert "There is a view “ONE” already." in reply.content.decode()
    assert shown(browser, reply.redirect_chain[-1][0]) == ["Cy Moor"]
    for name, says in ((" ", "Give the view a name."), ("x" * 61, "at most 60 characters")):
        assert says in browser.post(f"{VIEWS}?stage=LEAD", {"name": name}, follow=True).content.decode()
    monkeypatch.setattr(saved_views, "MOST", 2)
    reply = browser.post(f"{VIEWS}?stage=LEAD", {"name": "Three"}, follow=True)
    assert "as many saved views as one person can have" in reply.content.decode()
    assert SavedView.objects.count() == 2


def test_only_the_filters_of_the_list_are_kept(people: None) -> None:
    browser = staff_of()
    save(browser, "stage=MEMBER&email=ann@example.com&_facets=1&o=99.x.-1.", "Odd")
    assert not SavedView.objects.exclude(filters={"stage": "MEMBER"}).exists()
    for view in SavedView.objects.all():
        assert view.sort == ["-name"]


def test_another_tenants_views_are_not_there(people: None, other_tenant: Tenant, outsider: Any) -> None:
    save(staff_of(), "stage=MEMBER", "Team", shared="1")
    view = SavedView.objects.get()
    stranger = log_in(outsider)
    assert tabs(stranger) == {}
    assert stranger.post(f"{VIEWS}{view.pk}/remove/").status_code == 404
    with tenant_scope(other_tenant):
        assert not SavedView.objects.exists()


def test_a_narrowed_view_becomes_a_segment(people: None) -> None:
    browser = staff_of(Role.MARKETING)
    address = save(browser, "stage=MEMBER&o=-6", "Best members")["Location"]
    (link,) = browser.get(address).context["links"]
    form = browser.get(link.url).context["form"]
    assert form.initial["criteria"]["rules"] == [
        {"field": "lifecycleStage", "operator": "eq", "value": "MEMBER"}
    ]
