"""Notes over HTTP: what a key may read and write, mentions, versions, and what never leaks."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import AuditEntry
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from customers.models import Status
from customers.visibility import clubs_of
from tests.factories import ClubFactory, CustomerProfileFactory, NoteFactory, UserFactory
from tests.pages import log_in, member
from timeline.models import Activity, Note, NoteMention, NoteRevision, Visibility
from timeline.notes import add_note
from timeline.readers import staff_reader

SECRET = "kept under the hat"


@pytest.fixture
def ann(tenant):
    return CustomerProfileFactory(first_name="Ann")


def url(customer, note=None, more=""):
    one = f"/{getattr(note, 'pk', note)}{more}" if note else ""
    return f"/api/v1/customers/{getattr(customer, 'pk', customer)}/notes{one}"


def bodies(reply):
    assert reply.status_code == 200, reply.content
    return [row["body"] for row in reply.json()["data"]]


def test_a_note_says_who_wrote_what_and_makes_an_activity(api, ann):
    """A3.3, TL-1: the entry is there with the note, and holds nothing of it."""
    reply = api.post(url(ann), {"type": "CALL", "body": "Wants **lessons**.\r\nSoon.", "pinned": True})
    assert reply.status_code == 201, reply.content
    note = reply.json()
    wanted = {
        "type": "CALL", "body": "Wants **lessons**.\nSoon.", "visibility": "ALL", "pinned": True, "dueOn": None,
        "mentions": [], "authorName": "Test", "editedAt": None, "version": 1, "customerId": str(ann.pk),
        "bodyHtml": "<p>Wants <strong>lessons</strong>.<br>\nSoon.</p>\n",
    }  # fmt: skip
    assert {name: note[name] for name in wanted} == wanted
    assert note["author"].startswith("key:")
    assert api.get(reply["Location"]).json() == note
    entry = Activity.objects.get()
    assert (entry.type, entry.category, entry.source, entry.actor) == (
        "NOTE_ADDED",
        "NOTE",
        "crm",
        note["author"],
    )
    assert (entry.title, entry.description, entry.metadata) == ("Note added", "", {"noteId": note["id"]})
    assert (
        api.delete(f"/api/v1/customers/{ann.pk}/activities/{entry.pk}").json()["error"]["code"]
        == "ACTIVITY_NOT_MANUAL"
    )


def test_pinned_notes_come_first_then_the_newest_and_a_walk_meets_each_once(api, ann):
    now = timezone.now()
    for n in range(7):
        NoteFactory(
            customer=ann, body=str(n), is_pinned=n in (1, 3), created_at=now - timedelta(hours=n // 2)
        )
    NoteFactory(body="somebody else's")
    NoteFactory(customer=ann, body="gone", deleted_at=now)
    order = bodies(api.get(url(ann)))
    assert order[:2] == ["1", "3"]
    assert order[2:] == ["0", "2", "5", "4", "6"]
    walked, cursor = [], ""
    while cursor is not None:
        body = api.get(url(ann), {"take": 2, "cursor": cursor}).json()
        walked += [row["body"] for row in body["data"]]
        cursor = body["meta"]["nextCursor"]
    assert walked == order


def test_each_filter_narrows(api, ann):
    NoteFactory(customer=ann, body="hit", type="COMPLAINT", is_pinned=True, author="key:other")
    api.post(url(ann), {"body": "mine"})
    for query in (
        {"type": "COMPLAINT"},
        {"type": "CALL,COMPLAINT"},
        {"pinned": "true"},
        {"author": "key:other"},
    ):
        assert bodies(api.get(url(ann), query)) == ["hit"], query
    assert bodies(api.get(url(ann), {"author": "me"})) == ["mine"]
    assert api.get(url(ann), {"fields": "id,body", "pinned": "false"}).json()["data"][0].keys() == {
        "id",
        "body",
    }
    for query in ({"type": "MEMO"}, {"pinned": "x"}, {"sort": "body"}, {"foo": 1}):
        assert api.get(url(ann), query).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"body": ""}, {"body": "  \n "}, {"body": 7}, {"body": "x" * 20_001}, {"body": "x", "type": "MEMO"},
     {"body": "x", "visibility": "PRIVATE"}, {"body": "x", "visibility": "VIEWER"}, {"body": "x", "author": "me"},
     {"body": "x", "dueOn": "2026-12-01"}, {"body": "x", "type": "FOLLOW_UP", "dueOn": "soon"}, {"body": "a\0b"}],
)  # fmt: skip
def test_what_cannot_be_a_note_is_400_and_leaves_nothing(api, ann, body):
    assert api.post(url(ann), body).status_code == 400
    assert not Note.objects.exists()
    assert not Activity.objects.exists()


def test_a_follow_up_is_due_on_a_day_until_it_is_something_else(api, ann):
    note = api.post(url(ann), {"body": "Ring", "type": "FOLLOW_UP", "dueOn": "2026-12-01"}).json()
    assert note["dueOn"] == "2026-12-01"
    assert api.patch(url(ann, note["id"]), {"type": "CALL"}).json()["dueOn"] is None


def test_every_edit_is_kept_from_what_to_what(api, ann):
    note = api.post(url(ann), {"body": "One"}).json()
    api.patch(url(ann, note["id"]), {"body": "Two", "pinned": True})
    changed = api.patch(url(ann, note["id"]), {"body": "Two"})  # changes nothing
    assert changed.json()["version"] == 2
    assert changed.json()["editedBy"] == note["author"]
    versions = api.get(url(ann, note["id"], "/history")).json()["data"]
    assert [(v["version"], v["by"], v["byName"]) for v in versions] == [
        (2, note["author"], "Test"),
        (1, note["author"], "Test"),
    ]
    assert versions[0]["changes"] == [
        {"field": "body", "from": "One", "to": "Two"},
        {"field": "pinned", "from": False, "to": True},
    ]
    assert {"field": "body", "from": None, "to": "One"} in versions[1]["changes"]
    older = api.get(url(ann, note["id"], "/history"), {"take": 1}).json()["meta"]["nextCursor"]
    assert api.get(url(ann, note["id"], "/history"), {"cursor": older}).json()["data"] == versions[1:]


def test_a_change_made_from_another_version_is_412(api, ann):
    reply = api.post(url(ann), {"body": "One"})
    note, etag = reply.json(), reply["ETag"]
    address = url(ann, note["id"])
    assert api.patch(address, {"body": "Two"}, headers={"If-Match": etag}).status_code == 200
    for late in (
        api.patch(address, {"body": "Three"}, headers={"If-Match": etag}),
        api.delete(address, headers={"If-Match": etag}),
    ):
        assert (late.status_code, late.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")
    assert api.get(address).json()["body"] == "Two"
    assert api.delete(address, headers={"If-Match": api.get(address)["ETag"]}).status_code == 204
    assert (api.get(address).status_code, api.get(address).json()["error"]["code"]) == (404, "NOTE_NOT_FOUND")


def test_a_key_changes_its_own_notes_and_with_crm_admin_anybodys(api, tenant, ann):
    note = NoteFactory(customer=ann)
    plain = api.as_key_of(tenant, scopes=["crm:read", "crm:write"])
    for reply in (plain.patch(url(ann, note), {"body": "x"}), plain.delete(url(ann, note))):
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "NOT_THE_AUTHOR")
    own = plain.post(url(ann), {"body": "mine"}).json()
    assert plain.patch(url(ann, own["id"]), {"body": "still mine"}).status_code == 200
    assert api.patch(url(ann, note), {"body": "by an Admin"}).json()["body"] == "by an Admin"
    assert api.delete(url(ann, note)).status_code == 204


@pytest.mark.parametrize("visibility", Visibility.values)
def test_what_a_note_is_for_decides_which_keys_read_it(api, tenant, ann, visibility):
    note = NoteFactory(customer=ann, visibility=visibility, body=SECRET)
    plain = api.as_key_of(tenant, scopes=["crm:read", "crm:write"])
    for client, reads in ((plain, visibility == "ALL"), (api, visibility != "PRIVATE")):
        assert bodies(client.get(url(ann))) == ([SECRET] if reads else [])
        for address in (url(ann, note), url(ann, note, "/history")):
            assert client.get(address).status_code == (200 if reads else 404)
        if not reads:
            for reply in (client.patch(url(ann, note), {"body": "x"}), client.delete(url(ann, note))):
                assert (reply.status_code, reply.json()["error"]["code"]) == (404, "NOTE_NOT_FOUND")


def test_of_a_private_note_nothing_is_in_the_timeline_the_audit_log_or_the_news(tenant, api, ann):
    """TL-4: its text is in the note and its versions, and nowhere else."""
    reader = staff_reader(member(Role.STAFF))
    add_note(ann, body=SECRET, visibility=Visibility.PRIVATE, type="COMPLAINT", by=reader)
    for model in (Activity, AuditEntry, OutboxMessage):
        for row in model.objects.values():
            text = json.dumps(row, default=str)
            assert SECRET not in text
    assert "COMPLAINT" not in api.get(f"/api/v1/customers/{ann.pk}/activities").content.decode()


def test_a_version_from_when_it_was_private_stays_hidden(api, tenant, ann):
    writer = member(Role.STAFF)
    note = NoteFactory(customer=ann, visibility="PRIVATE", body=SECRET, author=f"user:{writer.user_id}")
    browser = log_in(writer.user)
    address = url(ann, note)
    changed = browser.patch(address, json.dumps({"visibility": "ALL", "body": "For all"}), "application/json")
    assert changed.status_code == 200, changed.content
    history = api.get(f"{address}/history")
    assert SECRET not in history.content.decode()
    assert [row["version"] for row in history.json()["data"]] == [2]
    assert SECRET in browser.get(f"{address}/history").content.decode()


# --- mentions
def test_whoever_may_read_the_note_can_be_mentioned_by_name_e_mail_or_id(api, ann):
    pieter = member(Role.STAFF, user=UserFactory(full_name="Pieter Fourie", email="pieter@club.example"))
    for who in ("Pieter Fourie", "pieter fourie", "PIETER@club.example", str(pieter.user_id)):
        note = api.post(url(ann), {"body": f"Ask @[{who}]."}).json()
        assert note["body"] == f"Ask @[{pieter.user_id}]."
        assert note["mentions"] == [{"id": str(pieter.user_id), "name": "Pieter Fourie"}]
        assert "@Pieter Fourie</span>" in note["bodyHtml"]
    assert NoteMention.objects.filter(user=pieter.user).count() == 4


def test_two_of_one_name_are_told_apart_by_their_e_mail(api, ann):
    member(user=UserFactory(full_name="Jo Smith", email="jo1@club.example"))
    member(user=UserFactory(full_name="Jo Smith", email="jo2@club.example"))
    assert api.post(url(ann), {"body": "@[Jo Smith]"}).status_code == 422
    assert api.post(url(ann), {"body": "@[jo2@club.example]"}).status_code == 201


def test_mentioning_somebody_without_access_is_refused_by_name(api, tenant, other_tenant, ann):
    """TL-4: by club, by role, by tenant, and those who left."""
    here, elsewhere = ClubFactory(), ClubFactory()
    ann.home_club_ref = here.refs[0]
    ann.save()
    member(Role.STAFF, clubs=(here,), user=UserFactory(full_name="Here"))
    member(Role.STAFF, clubs=(elsewhere,), user=UserFactory(full_name="Elsewhere"))
    member(Role.ADMIN, user=UserFactory(full_name="Boss"))
    member(Role.ADMIN, user=UserFactory(full_name="Gone"), is_active=False)
    with tenant_scope(other_tenant):
        stranger = member(user=UserFactory(full_name="Stranger"))
    assert clubs_of(ann) == {here.pk}
    for who, visibility, status in (
        ("Here", "ALL", 201), ("Here", "STAFF", 201), ("Here", "MARKETING", 422), ("Boss", "ADMIN", 201),
        ("Elsewhere", "ALL", 422), ("Gone", "ALL", 422), ("Stranger", "ALL", 422), (stranger.user_id, "ALL", 422),
    ):  # fmt: skip
        reply = api.post(url(ann), {"body": f"See @[{who}]", "visibility": visibility})
        assert reply.status_code == status, (who, visibility, reply.content)
        if status == 422:
            error = reply.json()["error"]
            assert error["code"] == "MENTION_NOT_ALLOWED"
            assert str(who) in error["message"]
            assert error["details"][0]["field"] == "body"
    assert not NoteMention.objects.filter(user=stranger.user).exists()


def test_narrowing_a_note_past_somebody_it_mentions_is_refused(api, ann):
    member(Role.VIEWER, user=UserFactory(full_name="Val"))
    note = api.post(url(ann), {"body": "See @[Val]"}).json()
    assert api.patch(url(ann, note["id"]), {"visibility": "ADMIN"}).status_code == 422
    assert api.patch(url(ann, note["id"]), {"visibility": "ADMIN", "body": "Alone"}).status_code == 200
    assert not NoteMention.objects.exists()


def test_a_note_that_mentions_somebody_who_left_can_still_be_changed(api, ann):
    val = member(Role.STAFF, user=UserFactory(full_name="Val"))
    note = api.post(url(ann), {"body": "See @[Val]"}).json()
    val.is_active = False
    val.save()
    address = url(ann, note["id"])
    assert api.patch(address, {"pinned": True}).status_code == 200
    changed = api.patch(address, {"body": f"See @[{val.user_id}], who left"})
    assert changed.json()["mentions"] == [{"id": str(val.user_id), "name": "Val"}]
    assert api.post(url(ann), {"body": f"See @[{val.user_id}]"}).status_code == 422


# --- staff sessions, by role
@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("visibility", Visibility.values)
def test_the_matrix_of_roles_and_visibilities(tenant, ann, role, visibility):
    """A3.3, PR-4: who reads which note, and who may change whose."""
    theirs = NoteFactory(customer=ann, visibility=visibility)
    me = member(role)
    browser = log_in(me.user)
    mine = NoteFactory(customer=ann, visibility=visibility, author=f"user:{me.user_id}")
    reads = visibility in {
        "VIEWER": {"ALL"}, "STAFF": {"ALL", "STAFF"}, "MARKETING": {"ALL", "STAFF", "MARKETING"},
        "ADMIN": set(Visibility.values),
    }[role]  # fmt: skip
    assert browser.get(url(ann, theirs)).status_code == (200 if reads else 404)
    assert browser.get(url(ann, mine)).status_code == 200
    writes = role != "VIEWER"

    def change(note):
        return browser.patch(url(ann, note), json.dumps({"body": "changed"}), "application/json").status_code

    assert change(mine) == (200 if writes else 403)
    assert change(theirs) == (403 if not writes else 404 if not reads else 200 if role == "ADMIN" else 403)
    added = browser.post(url(ann), json.dumps({"body": "x", "visibility": visibility}), "application/json")
    assert added.status_code == (201 if writes else 403)
    gone = browser.delete(url(ann, mine))
    assert gone.status_code == (204 if writes else 403)


def test_nobodys_notes_are_404(api, ann, other_tenant):
    with tenant_scope(other_tenant):
        theirs = NoteFactory(body=SECRET)
    deleted = CustomerProfileFactory(status=Status.DELETED)
    for pk in (theirs.customer_id, deleted.pk, uuid4(), "x"):
        for reply in (api.get(url(pk)), api.post(url(pk), {"body": "x"}), api.get(url(pk, theirs))):
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "CUSTOMER_NOT_FOUND")
    elsewhere = NoteFactory()
    for pk in (theirs.pk, elsewhere.pk, uuid4(), "x"):
        for reply in (api.get(url(ann, pk)), api.patch(url(ann, pk), {"body": "x"}), api.delete(url(ann, pk)),
                      api.get(url(ann, pk, "/history"))):  # fmt: skip
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "NOTE_NOT_FOUND")


def test_a_merged_person_has_the_winners_notes(api, ann):
    loser = CustomerProfileFactory(status=Status.MERGED, merged_into=ann)
    note = api.post(url(loser), {"body": "hers"}).json()
    assert note["customerId"] == str(ann.pk)
    assert bodies(api.get(url(loser))) == ["hers"]
    assert Note.objects.get().recorded_for == ann.pk
    assert NoteRevision.objects.count() == 1
