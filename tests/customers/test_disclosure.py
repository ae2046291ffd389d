"""What a person is told of their data: all of theirs, and nothing of anybody else."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.management import call_command

from crm.tenancy.models import AuditEntry, Tenant
from customers.disclosure import disclose, document_of
from customers.models import Booking, BookingPlayer, CustomerProfile, Membership
from customers.payloads import WIRE
from tests.customers.test_erasure import person
from tests.factories import ClubFactory, CustomerProfileFactory, NoteFactory, hold
from timeline.models import InboundEvent

__all__ = ["person"]  # somebody with traces everywhere


def test_every_field_and_event_of_the_person_is_in_it(tenant: Tenant, person: CustomerProfile) -> None:
    document = json.loads(disclose(person.pk, by="user:x"))
    sections = document["sections"]
    assert sections["profile"][0].keys() == set(WIRE.values())
    mine = InboundEvent.objects.filter(customer=person).values_list("event_id", flat=True)
    assert {one["eventId"] for one in sections["events"]} == set(mine) >= {"zq-1", "zq-5"}
    assert sections["events"][1]["body"]["payload"]
    assert {
        "memberships",
        "payments",
        "orders",
        "tickets",
        "notes",
        "consents",
        "identifiers",
        "history",
    } <= set(sections)
    assert [one["body"] for one in sections["notes"]] == ["marker-in-note of Zanthippe"]


def test_nothing_of_anybody_else_is_in_it(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Ann", email="family@example.com")
    ben = CustomerProfileFactory(
        first_name="Benjamin", email="benjamin@example.com", phone_number="+27825550101"
    )
    hold(ben, "email", "family@example.com", is_owner=False)
    NoteFactory(customer=ben, body="Secret of his")
    party = [{"firstName": "Ann"}, {"firstName": "Benjamin", "email": "benjamin@example.com"}]
    Booking.objects.create(tenant=tenant, key="b", customer=ann, party=party, amount_cents=5)
    BookingPlayer.objects.create(
        tenant=tenant, key="b:1", booking_key="b", customer=ben, first_name="Benjamin"
    )
    text = disclose(ann.pk, by="user:x").decode()
    assert "family@example.com" in text
    for theirs in ("Benjamin", "benjamin@example.com", "5550101", "Secret", str(ben.pk)):
        assert theirs not in text, theirs


def test_fellow_players_are_left_out_of_the_events_as_sent(tenant: Tenant, person: CustomerProfile) -> None:
    events = document_of(person.pk)["sections"]["events"]
    (booking,) = [one for one in events if one["type"] == "teetime.booking.created"]
    assert "players" not in booking["body"]["payload"]
    assert booking["body"]["payload"]["clubId"] == "club-fynbos"


def test_it_is_a_page_to_read_and_a_file_for_programs(tenant: Tenant, person: CustomerProfile) -> None:
    archive = zipfile.ZipFile(io.BytesIO(disclose(person.pk, by="user:x", format="ZIP")))
    assert sorted(archive.namelist()) == ["data.html", "data.json"]
    page = archive.read("data.html").decode()
    assert "Your data" in page
    assert "marker-in-note" in page
    assert "<script" not in page


def test_what_a_sender_wrote_is_no_html(tenant: Tenant) -> None:
    who = CustomerProfileFactory(first_name="<script>alert(1)</script>")
    assert "<script>alert" not in disclose(who.pk, by="user:x", format="HTML").decode()


@pytest.mark.parametrize(
    ("own", "clubs", "expected"), [("af-ZA", "fr", "af-ZA"), ("", "fr", "fr"), ("", "", "en")]
)
def test_the_page_is_in_the_persons_language_else_their_clubs(
    tenant: Tenant, own: str, clubs: str, expected: str
) -> None:
    ClubFactory(refs=["here"], language=clubs)
    who = CustomerProfileFactory(language=own, home_club_ref="here")
    assert f'lang="{expected}"' in disclose(who.pk, by="user:x", format="HTML").decode()


def test_those_who_were_merged_into_them_are_told_too(tenant: Tenant) -> None:
    winner = CustomerProfileFactory(first_name="Winnie")
    CustomerProfileFactory(first_name="Losie", status="MERGED", merged_into=winner)
    assert "Losie" in disclose(winner.pk, by="user:x").decode()


def test_every_export_is_in_the_audit_log(tenant: Tenant, person: CustomerProfile) -> None:
    disclose(person.pk, by="user:x", format="HTML", ip="196.25.1.7")
    entry = AuditEntry.objects.get(action="customer.data_exported")
    assert (entry.actor, entry.ip, entry.after["format"]) == ("user:x", "196.25.1.7", "HTML")
    assert entry.after["sections"]["notes"] == 1
    assert "Zanthippe" not in json.dumps(entry.after)


def test_by_api_and_command(tenant: Tenant, person: CustomerProfile, api: Any, tmp_path: Any) -> None:
    path = f"/api/v1/customers/{person.pk}"
    reply = api.post(f"{path}/data-export", {"format": "ZIP"})
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/zip")
    assert "attachment" in reply["Content-Disposition"]
    file = tmp_path / "data.json"
    call_command("export_customer_data", tenant=tenant.slug, id=person.pk, format="JSON", output=str(file))
    assert json.loads(file.read_bytes())["customerId"] == str(person.pk)
    trial = api.post(f"{path}/erase", {"dryRun": True}).json()
    assert (trial["dryRun"], trial["rows"]["profile"]) == (True, 1)
    call_command("erase_customer", "--dry-run", tenant=tenant.slug, id=person.pk)
    assert Membership.objects.filter(customer=person).exists()
    assert api.post(f"{path}/erase").json()["rows"] == trial["rows"]
    assert api.post(f"{path}/erase").json()["rows"] == {}
    assert api.get(path).status_code == 404
    assert api.post(f"{path}/restore").status_code == 409
