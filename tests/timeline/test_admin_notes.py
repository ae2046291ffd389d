"""Notes on staff pages: writing, drafts that survive, two editors at once, mentions, versions, the wall."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from crm.errors import PreconditionFailed
from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.retention import apply_rules
from crm.tenancy.scope import tenant_scope
from crm.versions import Condition
from customers.models import CustomerProfile
from tests.factories import (
    ActivityFactory,
    ClubFactory,
    CustomerProfileFactory,
    NoteFactory,
    UserFactory,
)
from tests.pages import LIST, Browser, log_in, member, staff_of
from timeline.models import Activity, Note, NoteDraft, NoteMention, NoteRevision
from timeline.notes import edit_note
from timeline.readers import staff_reader

NOTES = "/admin/timeline/note/"
ACTIVITIES = "/admin/timeline/activity/"


@pytest.fixture
def ann(tenant: Tenant) -> CustomerProfile:
    return CustomerProfileFactory(first_name="Ann", last_name="Botha")


def form(**values: str) -> dict[str, str]:
    return {"body": "Likes the window table.", "type": "GENERAL", "visibility": "ALL", **values}


def write(browser: Browser, customer: CustomerProfile, **values: str) -> Any:
    return browser.post(f"{NOTES}for/{customer.pk}/write/", form(**values))


def tab(browser: Browser, customer: CustomerProfile, **query: str) -> str:
    return browser.text(f"{LIST}{customer.pk}/", tab="notes", **query)


def test_a_note_is_written_without_a_script_and_leads_back_to_itself(ann: CustomerProfile) -> None:
    browser = staff_of(Role.STAFF)
    reply = write(browser, ann, body="Likes the **window** table.", type="CALL")
    note = Note.objects.get()
    assert reply["Location"] == f"{LIST}{ann.pk}/?tab=notes#note-{note.pk}"
    page = browser.get(f"{LIST}{ann.pk}/?tab=notes").content.decode()
    assert "Likes the <strong>window</strong> table." in page
    assert f'id="note-{note.pk}"' in page
    assert "Call : Likes the window table." in browser.text(f"{LIST}{ann.pk}/")


def test_what_cannot_be_kept_comes_back_with_its_text_and_the_reason(ann: CustomerProfile) -> None:
    page = staff_of(Role.STAFF).post(f"{NOTES}for/{ann.pk}/write/", form(body="Ask @[Nobody Here]"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "Ask @[Nobody Here]" in text
    assert "There is no member of staff “Nobody Here” here to mention." in text
    assert not Note.objects.exists()


def test_markup_of_a_hostile_writer_shows_as_text(ann: CustomerProfile) -> None:
    NoteFactory(customer=ann, body="<script>alert(1)</script> [x](javascript:alert(1))", is_pinned=True)
    browser = staff_of()
    for path in (f"{LIST}{ann.pk}/?tab=notes", f"{LIST}{ann.pk}/", NOTES):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page
        assert 'href="javascript' not in page


def test_pinned_notes_stand_above_every_tab(ann: CustomerProfile) -> None:
    NoteFactory(customer=ann, body="Allergic to nuts", is_pinned=True)
    NoteFactory(customer=ann, body="Not pinned")
    NoteFactory(customer=ann, body="Private pin", is_pinned=True, visibility="PRIVATE")
    for opened in ("timeline", "golf"):
        page = staff_of(Role.VIEWER).text(f"{LIST}{ann.pk}/", tab=opened)
        assert "Allergic to nuts" in page
        assert "Not pinned" not in page
        assert "Private pin" not in page
    assert "Private pin" in staff_of(Role.ADMIN).text(f"{LIST}{ann.pk}/", tab="golf")


@pytest.mark.parametrize("role", Role.values)
def test_viewers_read_and_nobody_edits_anothers_note_but_an_admin(ann: CustomerProfile, role: str) -> None:
    theirs = NoteFactory(customer=ann)
    me = member(role)
    mine = NoteFactory(customer=ann, author=f"user:{me.user_id}")
    browser = log_in(me.user)
    writes, all_of_them = role != "VIEWER", role == "ADMIN"
    page = browser.get(f"{LIST}{ann.pk}/?tab=notes").content.decode()
    assert ("data-draft" in page) == writes
    assert (f"{mine.pk}/edit/" in page, f"{theirs.pk}/edit/" in page) == (writes, all_of_them)
    assert write(browser, ann).status_code == (302 if writes else 403)
    for note, may in ((mine, writes), (theirs, all_of_them)):
        assert browser.get(f"{NOTES}{note.pk}/edit/").status_code == (200 if may else 403)
        assert browser.post(f"{NOTES}{note.pk}/pin/").status_code == (302 if may else 403)
        assert browser.post(f"{NOTES}{note.pk}/remove/").status_code == (302 if may else 403)
        assert browser.post(f"{NOTES}{note.pk}/restore/").status_code == (
            302 if may else 404 if writes else 403
        )


def test_a_deleted_note_can_be_brought_back_from_where_it_stood(ann: CustomerProfile) -> None:
    me = member(Role.STAFF)
    note = NoteFactory(customer=ann, author=f"user:{me.user_id}", body="Oops")
    browser = log_in(me.user)
    after = browser.post(f"{NOTES}{note.pk}/remove/")["Location"]
    page = browser.text(after.split("#")[0])
    assert "The note is deleted." in page
    assert "Oops" not in page
    browser.post(f"{NOTES}{note.pk}/restore/")
    assert "Oops" in tab(browser, ann)
    assert "Undo" not in tab(browser, ann, deleted="nonsense")


def test_what_another_club_knows_stays_there(ann: CustomerProfile) -> None:
    here, elsewhere = ClubFactory(), ClubFactory()
    CustomerProfile.objects.filter(pk=ann.pk).update(home_club_ref=here.refs[0])
    note = NoteFactory(customer=ann, body="Known here")
    assert "Known here" in tab(staff_of(Role.STAFF, clubs=(here,)), ann)
    away = staff_of(Role.ADMIN, clubs=(elsewhere,))
    assert "Known here" not in away.text(NOTES)
    for path in ("", "edit/", "versions/"):
        assert away.get(f"{NOTES}{note.pk}/{path}").status_code == 404
    for path in ("pin/", "remove/", "restore/"):
        assert away.post(f"{NOTES}{note.pk}/{path}").status_code == 404
    for path in ("write/", "draft/", "colleagues/"):
        address = f"{NOTES}for/{ann.pk}/{path}"
        assert (away.get(address) if path == "colleagues/" else away.post(address, form())).status_code == 404
    assert away.post(f"{ACTIVITIES}for/{ann.pk}/log/", {"type": "VISIT"}).status_code == 404


def test_another_tenants_customer_takes_no_note(ann: CustomerProfile, other_tenant: Tenant) -> None:
    with tenant_scope(other_tenant):
        stranger = staff_of()
    assert write(stranger, ann).status_code == 404
    assert stranger.post(f"{NOTES}for/{ann.pk}/draft/", form()).status_code == 404
    assert not Note.objects.exists()


# --- drafts
def test_a_draft_survives_a_log_out_and_is_nobody_elses(ann: CustomerProfile) -> None:
    """TL-4, autosave: on the server, by user and customer."""
    me = member(Role.STAFF)
    browser = log_in(me.user)
    saved = browser.post(f"{NOTES}for/{ann.pk}/draft/", form(body="Half a thou", type="COMPLAINT"))
    assert saved.json()["savedAt"]
    browser.logout()
    assert "Half a thou" not in tab(staff_of(Role.ADMIN), ann)
    again = log_in(me.user)
    assert "Half a thou" in tab(again, ann)
    other = CustomerProfileFactory()
    assert "Half a thou" not in tab(again, other)
    write(again, ann, body="A whole thought")
    assert not NoteDraft.objects.exists()
    assert "Half a thou" not in tab(again, ann)


def test_an_emptied_or_discarded_draft_is_gone_and_an_old_one_too(ann: CustomerProfile) -> None:
    browser, address = staff_of(), f"{NOTES}for/{ann.pk}/draft/"
    for end in ({"body": "  "}, {"body": "x", "discard": "1"}):
        browser.post(address, form(body="Half"))
        browser.post(address, form(body="Half and more"))
        assert [draft.form["body"] for draft in NoteDraft.objects.all()] == ["Half and more"]
        browser.post(address, form(**end))
        assert not NoteDraft.objects.exists()
    browser.post(address, form(body="Forgotten"))
    assert apply_rules(timezone.now()) == 0
    assert apply_rules(timezone.now() + timedelta(days=31)) == 1


def test_a_draft_takes_no_more_than_a_note_and_only_about_what_may_be_seen(ann: CustomerProfile) -> None:
    browser, address = staff_of(Role.STAFF), f"{NOTES}for/{ann.pk}/draft/"
    browser.post(address, form(body="x" * 30_000, other="y"))
    draft = NoteDraft.objects.get()
    assert len(draft.form["body"]) == 20_000
    assert "other" not in draft.form
    hidden, elsewhere = NoteFactory(customer=ann, visibility="PRIVATE"), NoteFactory()
    for about in (hidden.pk, elsewhere.pk, uuid4(), "x"):
        assert browser.post(address, form(about=str(about))).status_code == 404


# --- two editors
def test_the_second_editor_sees_both_texts_and_loses_neither(ann: CustomerProfile) -> None:
    note = NoteFactory(customer=ann, body="As it was")
    first, second = staff_of(), staff_of()
    address = f"{NOTES}{note.pk}/edit/"
    assert "As it was" in second.text(address)
    assert first.post(address, form(body="From the first", version="1")).status_code == 302
    reply = second.post(address, form(body="From the second", version="1"))
    page = reply.content.decode()
    assert reply.status_code == 200
    assert "From the first" in page
    assert "From the second" in page
    assert 'name="version" value="2"' in page
    assert second.post(address, form(body="From both", version="2")).status_code == 302
    assert list(NoteRevision.objects.order_by("version").values_list("body", flat=True)) == [
        "As it was", "From the first", "From both",
    ]  # fmt: skip
    page = first.text(f"{NOTES}{note.pk}/versions/")
    assert page.index("From the first From both") < page.index("As it was From the first")


@pytest.mark.django_db(transaction=True)
@pytest.mark.services
def test_of_many_edits_from_one_version_exactly_one_is_kept() -> None:
    """Real threads: the row's lock and its version decide."""
    from tests.factories import TenantFactory

    tenant = TenantFactory()
    with tenant_scope(tenant):
        boss = member(Role.ADMIN)
        note = NoteFactory()
        customer, etag = note.customer, note.etag

    def edit(n: int) -> bool:
        try:
            with tenant_scope(tenant):
                edit_note(
                    customer, note.pk, {"body": f"by {n}"}, by=staff_reader(boss), if_match=Condition.of(etag)
                )
            return True
        except PreconditionFailed:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(edit, range(6)))
    assert sum(won) == 1
    with tenant_scope(tenant):
        note.refresh_from_db()
        assert (note.version, note.body) == (2, f"by {won.index(True)}")
        assert NoteRevision.objects.filter(note=note).count() == 2


# --- mentions
def test_whoever_is_mentioned_is_told_until_they_have_looked(ann: CustomerProfile) -> None:
    pieter = member(Role.STAFF, user=UserFactory(full_name="Pieter Fourie"))
    write(staff_of(), ann, body="@[Pieter Fourie] please ring her.")
    browser = log_in(pieter.user)
    assert "1 new mention" in browser.text("/admin/")
    unread = browser.text(NOTES, whose="new")
    assert "mentions you" in unread
    assert "@Pieter Fourie please ring her." in unread
    assert "please ring her." not in staff_of().text(NOTES, whose="new")
    assert "0 new mentions" in tab(browser, ann)
    assert "0 new mentions" in browser.text("/admin/")
    assert "please ring her." in browser.text(NOTES, whose="me")
    assert "please ring her." not in browser.text(NOTES, whose="new")


def test_a_mention_in_a_note_that_is_gone_or_closed_to_one_calls_nobody(ann: CustomerProfile) -> None:
    pieter = member(Role.STAFF)
    for fields in ({"deleted_at": timezone.now()}, {"visibility": "ADMIN"}):
        note = NoteFactory(customer=ann, **fields)
        NoteMention.objects.create(tenant=note.tenant, note=note, user=pieter.user)
    browser = log_in(pieter.user)
    assert "0 new mentions" in browser.text("/admin/")


def test_the_picker_says_who_may_not_see_the_note(ann: CustomerProfile) -> None:
    member(Role.VIEWER, user=UserFactory(full_name="Val Viewer"))
    browser = staff_of(Role.STAFF)
    address = f"{NOTES}for/{ann.pk}/colleagues/"
    found = {one["name"]: one["maySee"] for one in browser.get(address).json()["colleagues"]}
    assert found["Val Viewer"] is True
    rows = browser.get(address, {"visibility": "MARKETING"}).json()["colleagues"]
    assert {one["name"]: one["maySee"] for one in rows} == {"Val Viewer": False, "Sam Starter": True}


def test_an_author_edits_names_and_not_ids(ann: CustomerProfile) -> None:
    me = member(Role.STAFF, user=UserFactory(full_name="Pieter Fourie"))
    note = NoteFactory(customer=ann, author=f"user:{me.user_id}", body=f"Ask @[{me.user_id}]")
    assert "Ask @[Pieter Fourie]" in log_in(me.user).text(f"{NOTES}{note.pk}/edit/")


# --- entries by hand
def test_a_call_is_logged_changed_and_deleted_by_whoever_logged_it(ann: CustomerProfile) -> None:
    """A3.5."""
    me = member(Role.STAFF)
    browser = log_in(me.user)
    values = {"type": "PHONE_CALL", "title": "", "description": "About lessons", "counts": "on"}
    assert browser.post(f"{ACTIVITIES}for/{ann.pk}/log/", values).status_code == 302
    entry = Activity.objects.get()
    assert (entry.title, entry.channel, entry.source, entry.counts) == ("Call", "PHONE", "staff", True)
    assert f"{entry.pk}/edit/" in browser.get(f"{LIST}{ann.pk}/").content.decode()
    at = entry.occurred_at
    browser.post(f"{ACTIVITIES}{entry.pk}/edit/", {**values, "title": "About Tuesday"})
    entry.refresh_from_db()
    assert (entry.title, entry.occurred_at) == ("About Tuesday", at)
    other = staff_of(Role.MARKETING)
    assert f"{entry.pk}/edit/" not in other.get(f"{LIST}{ann.pk}/").content.decode()
    assert other.post(f"{ACTIVITIES}{entry.pk}/remove/").status_code == 403
    assert staff_of(Role.VIEWER).post(f"{ACTIVITIES}for/{ann.pk}/log/", values).status_code == 403
    assert browser.post(f"{ACTIVITIES}{entry.pk}/remove/").status_code == 302
    assert not Activity.objects.exists()


def test_what_a_system_reported_has_no_form(ann: CustomerProfile) -> None:
    entry = ActivityFactory(customer=ann)
    browser = staff_of()
    assert f"{entry.pk}/edit/" not in browser.get(f"{LIST}{ann.pk}/").content.decode()
    assert browser.get(f"{ACTIVITIES}{entry.pk}/edit/").status_code == 403
    assert browser.post(f"{ACTIVITIES}{entry.pk}/remove/").status_code == 403


def test_an_open_page_hears_of_a_new_note(ann: CustomerProfile) -> None:
    browser = staff_of()
    page = browser.get(f"{LIST}{ann.pk}/?tab=notes")
    live = f"{LIST}{ann.pk}/live/?tab=notes&digest={page.context['digest']}"
    assert browser.get(live).status_code == 204
    NoteFactory(customer=ann, body="Just in")
    assert "Just in" in browser.get(live).content.decode()
