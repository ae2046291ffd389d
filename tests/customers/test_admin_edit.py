"""Adding and editing a person by hand: the same rules as the API's."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm.outbox.models import OutboxMessage
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from customers.holdings import read_holders
from customers.models import CustomerProfile
from customers.services import update_customer
from tests.factories import ClubFactory, CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST, Browser, form_on, staff_of, words
from timeline.models import Activity

ADD = f"{LIST}add/"


def filled(browser: Browser, path: str, **changes: Any) -> dict[str, Any]:
    """What a browser sends of the form at `path`, with some of it changed."""
    return form_on(browser.get(path), **changes)


def owner(kind: str, value: str) -> Any:
    return read_holders({(kind, value)})[kind, value][0].customer


def change(browser: Browser, profile: CustomerProfile, **changes: Any) -> Any:
    path = f"{LIST}{profile.pk}/change/"
    return browser.post(path, filled(browser, path, **changes))


def test_a_person_is_added_with_an_identifier(tenant: Tenant) -> None:
    club = ClubFactory(name="Fynbos", refs=["club-fynbos"])
    reply = staff_of().post(
        ADD,
        {"first_name": "Ann", "last_name": "Botha", "email": "Ann@Example.com", "phone_number": "082 123 4567",
         "customer_type": "REGISTERED", "home_club_ref": "club-fynbos", "tags": "committee, vet"},
    )  # fmt: skip
    ann = CustomerProfile.objects.get()
    assert reply["Location"] == f"{LIST}{ann.pk}/"
    assert (ann.email, ann.email_display, ann.phone_number) == (
        "ann@example.com",
        "Ann@Example.com",
        "+27821234567",
    )
    assert (ann.home_club_name, ann.tags) == (club.name, ["committee", "vet"])
    assert ann.created_by.startswith("user:")
    assert owner("email", "ann@example.com") == owner("phoneNumber", "+27821234567") == ann.pk
    assert "crm.profile.created" in OutboxMessage.objects.values_list("topic", flat=True)


def test_adding_nobody_in_particular_says_what_is_missing(tenant: Tenant) -> None:
    reply = staff_of().post(ADD, {"first_name": "Ann", "customer_type": "REGISTERED"})
    assert "An e-mail, phone number or other identifier is needed." in words(reply)
    assert not CustomerProfile.objects.exists()


def test_a_birth_date_in_the_future_is_refused_beside_its_field(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    reply = change(staff_of(), person, date_of_birth="2999-01-01")
    assert reply.context["form"].errors.keys() == {"date_of_birth"}
    assert CustomerProfile.objects.get().date_of_birth is None


def test_a_bad_identifier_is_named_beside_its_field(tenant: Tenant) -> None:
    reply = staff_of().post(ADD, {"email": "not an address", "customer_type": "REGISTERED"})
    assert list(reply.context["form"].errors) == ["email"]


def test_a_taken_address_names_its_owner_and_can_be_shared(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Ann", last_name="Botha", email="home@example.com")
    browser = staff_of()
    answers = {"first_name": "Ben", "email": "home@example.com", "customer_type": "REGISTERED"}
    refused = browser.post(ADD, answers)
    assert "Ann Botha has this e-mail or phone already" in words(refused)
    assert f'href="{LIST}{ann.pk}/"' in refused.content.decode()
    assert browser.post(ADD, answers | {"shared": "on"}).status_code == 302
    assert owner("email", "home@example.com") == ann.pk


def test_only_what_was_changed_is_written(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Ann", tags=["one", "two"], email_display="Ann@Example.com")
    change(staff_of(), ann, first_name="Annabel")
    ann.refresh_from_db()
    assert ann.first_name == "Annabel"
    assert {"tags", "email", "home_club_ref"}.isdisjoint(ann.provenance)
    assert ann.provenance["first_name"][5] == "staff"
    entry = Activity.objects.get()
    assert entry.type == "PROFILE_UPDATED"
    assert set(entry.metadata["changes"]) <= {"firstName", "source"}


def test_clearing_a_field_is_a_change_too(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(display_name="Annie", tags=["one"], is_vip=True)
    change(staff_of(), ann, display_name="", tags="", is_vip=None)
    ann.refresh_from_db()
    assert (ann.display_name, ann.tags, ann.is_vip) == ("", [], False)


def test_a_new_address_becomes_an_identifier(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(email="old@example.com")
    change(staff_of(), ann, email="new@example.com")
    assert owner("email", "new@example.com") == ann.pk
    ann.refresh_from_db()
    assert ann.email == "new@example.com"


def test_consent_and_links_are_not_for_staff_to_write(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(email_opt_in=None)
    change(
        staff_of(),
        ann,
        first_name="X",
        email_opt_in="on",
        scl_member_id="9",
        status="DELETED",
        merged_into=ann.pk,
    )
    ann.refresh_from_db()
    assert (ann.email_opt_in, ann.scl_member_id, ann.status, ann.merged_into) == (None, None, "ACTIVE", None)


def test_the_form_of_a_merged_person_is_the_winners(tenant: Tenant) -> None:
    winner = CustomerProfileFactory(first_name="Win", last_name="Ner")
    loser = CustomerProfileFactory(status="MERGED", merged_into=winner)
    assert "Edit Win Ner" in staff_of().text(f"{LIST}{loser.pk}/change/")


def test_a_page_that_is_no_customer_is_not_found(tenant: Tenant) -> None:
    browser = staff_of()
    for path in (
        f"{LIST}nonsense/change/",
        f"{LIST}01900000-0000-7000-8000-000000000000/change/",
        f"{LIST}nonsense/",
    ):
        assert browser.get(path, follow=True).status_code == 404


def test_membership_handicap_consent_and_notes_are_edited_by_hand(tenant: Tenant) -> None:
    person = CustomerProfileFactory()
    browser = staff_of()
    reply = change(
        browser, person, membership_tier="Gold", membership_status="ACTIVE", member_since="2020-02-29",
        membership_expiry="2027-01-31", handicap="-1.5", gdpr_consent="true", data_retention_date="2030-01-01",
        customer_notes="See you on Friday.",
    )  # fmt: skip
    assert reply.status_code == 302
    person.refresh_from_db()
    assert (person.membership_tier, str(person.member_since), str(person.membership_expiry)) == (
        "Gold", "2020-02-29", "2027-01-31",
    )  # fmt: skip
    assert (str(person.handicap), person.gdpr_consent, str(person.data_retention_date)) == (
        "-1.5",
        True,
        "2030-01-01",
    )
    assert person.handicap_updated_at == person.gdpr_consent_at == person.updated_at
    assert "Notes for them See you on Friday." in browser.text(f"{LIST}{person.pk}/")
    assert list(change(browser, person, handicap="54.1").context["form"].errors) == ["handicap"]


def offered(form: Any, name: str) -> dict[str, Any]:
    """What a select of the form offers, groups dissolved."""
    found: dict[str, Any] = {}
    for value, said in form.fields[name].choices:
        found.update(said if isinstance(said, list) else {value: said})
    return found


def test_people_are_put_together_from_names_not_codes(tenant: Tenant) -> None:
    ClubFactory(name="Heathland", refs=["heath"], region="GB", language="en")
    person = CustomerProfileFactory(
        gender="female", country="ZA", language="en-GB", membership_status="active"
    )
    browser = staff_of()
    path = f"{LIST}{person.pk}/change/"
    form = browser.get(path).context["form"]
    assert offered(form, "country")["GB"] == "United Kingdom (GB)"
    assert offered(form, "language")["en-GB"] == "English (United Kingdom)"
    assert offered(form, "gender")["female"] == "Female"  # as their source spells it, so that nothing changes
    assert offered(form, "membership_status")["active"] == "Active"
    assert browser.post(path, filled(browser, path)).status_code == 302
    person.refresh_from_db()
    assert person.provenance == {}
    reply = change(
        browser, person, country="GB", status="INACTIVE", membership_status="RESIGNED", gender="OTHER"
    )
    assert reply.status_code == 302
    person.refresh_from_db()
    assert (person.country, person.status, person.membership_status, person.gender) == (
        "GB", "INACTIVE", "RESIGNED", "OTHER",
    )  # fmt: skip


def test_what_no_list_offers_stays_as_a_source_told_it(tenant: Tenant) -> None:
    person = CustomerProfileFactory(
        gender="undisclosed", country="AQ", language="tlh", membership_status="HONORARY"
    )
    browser = staff_of()
    path = f"{LIST}{person.pk}/change/"
    form = browser.get(path).context["form"]
    assert (offered(form, "gender")["undisclosed"], offered(form, "membership_status")["HONORARY"]) == (
        "Undisclosed", "Honorary",
    )  # fmt: skip
    assert browser.post(path, filled(browser, path)).status_code == 302
    person.refresh_from_db()
    assert (person.provenance, person.country, person.language) == ({}, "AQ", "tlh")


def test_errors_stand_at_the_field_and_lead_there_from_the_top(tenant: Tenant) -> None:
    reply = staff_of().post(ADD, {"email": "not an address", "customer_type": "REGISTERED"})
    page = reply.content.decode()
    assert '<a href="#id_email">E-mail</a>: ' in page
    assert 'aria-describedby="id_email_error"' in page
    assert 'href="#part-contact" class="bad"' in page


def test_tags_are_suggested_from_those_there_are(tenant: Tenant) -> None:
    update_customer(CustomerProfileFactory().pk, {"tags": ["committee"]}, by="user:x")
    assert '<option value="committee">' in staff_of().get(ADD).content.decode()


def test_a_tier_is_free_text_with_those_in_use_to_choose_from(tenant: Tenant, other_tenant: Tenant) -> None:
    for tier in ("Silver", "gold", "Silver", ""):
        CustomerProfileFactory(membership_tier=tier)
    with tenant_scope(other_tenant):
        CustomerProfileFactory(membership_tier="Elsewhere")
    page = staff_of().get(ADD)
    assert page.context["tiers"] == ["gold", "Silver"]
    assert '<datalist id="known-tiers"><option value="gold"></option>' in page.content.decode()
    person = CustomerProfileFactory()
    assert change(staff_of(), person, membership_tier="Founder").status_code == 302
    person.refresh_from_db()
    assert person.membership_tier == "Founder"


def in_place(browser: Browser, profile: CustomerProfile, field: str, **answers: str) -> Any:
    path = f"{LIST}{profile.pk}/field/?field={field}"
    etag = browser.get(path).context["form"]["etag"].value()
    return browser.post(path, {"etag": etag, **answers})


def test_one_field_is_written_without_the_others(tenant: Tenant) -> None:
    ann = CustomerProfileFactory(first_name="Ann", last_name="Botha", email="ann@example.com", is_vip=True)
    browser = staff_of("MARKETING")
    assert (
        in_place(browser, ann, "email", email="new@example.com", is_vip="", last_name="X").status_code == 204
    )
    assert in_place(browser, ann, "phone", phone_number="082 123 4567").status_code == 204
    ann.refresh_from_db()
    assert (ann.email, ann.phone_number, ann.last_name, ann.is_vip) == (
        "new@example.com", "+27821234567", "Botha", True,
    )  # fmt: skip
    assert owner("email", "new@example.com") == ann.pk


def test_a_field_in_place_is_refused_as_the_whole_form_is(tenant: Tenant) -> None:
    ann, _ben = CustomerProfileFactory(), CustomerProfileFactory(first_name="Ben", email="ben@example.com")
    browser = staff_of()
    assert "Ben" in words(in_place(browser, ann, "email", email="ben@example.com"))
    path = f"{LIST}{ann.pk}/field/?field=name"
    opened = browser.get(path).context["form"]["etag"].value()
    update_customer(ann.pk, {"first_name": "Quick"}, by="user:x")
    assert "changed since you opened" in words(browser.post(path, {"etag": opened, "first_name": "Slow"}))
    ann.refresh_from_db()
    assert ann.first_name == "Quick"
    assert browser.get(f"{LIST}{ann.pk}/field/?field=status").status_code == 404
    assert staff_of("STAFF").get(path).status_code == 403


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("date_of_birth", "1980-02-29", date(1980, 2, 29)),
        ("country", "GB", "GB"),
        ("handicap", "12.4", Decimal("12.4")),
        ("membership_tier", "Gold", "Gold"),
        ("home_club_ref", "fynbos", "fynbos"),
    ],
)
def test_a_line_of_a_card_is_changed_where_it_stands(
    tenant: Tenant, field: str, sent: str, kept: Any
) -> None:
    ClubFactory(name="Fynbos", refs=["fynbos"])
    ann = CustomerProfileFactory(
        country="ZA", handicap=20, membership_tier="Silver", home_club_ref="x", date_of_birth=date(1979, 1, 1)
    )
    browser = staff_of("MARKETING")
    assert f'?field={field}"' in browser.get(f"{LIST}{ann.pk}/").content.decode()
    assert in_place(browser, ann, field, **{field: sent}).status_code == 204
    ann.refresh_from_db()
    assert getattr(ann, field) == kept
    assert f"?field={field}" not in staff_of("STAFF").get(f"{LIST}{ann.pk}/").content.decode()


def test_a_custom_field_is_changed_where_it_stands(tenant: Tenant) -> None:
    CustomFieldFactory(key="shirt", type="ENUM", choices=["M", "L"])
    ann = CustomerProfileFactory(custom_fields={"shirt": "M"})
    browser = staff_of()
    assert '?field=custom_shirt"' in browser.get(f"{LIST}{ann.pk}/").content.decode()
    assert in_place(browser, ann, "custom_shirt", custom_shirt="L").status_code == 204
    ann.refresh_from_db()
    assert ann.custom_fields == {"shirt": "L"}
    assert "Select a valid choice" in words(in_place(browser, ann, "custom_shirt", custom_shirt="XXL"))
    for nowhere in ("custom_nothing", "status", "etag", "internal_notes", "custom_"):
        assert browser.get(f"{LIST}{ann.pk}/field/?field={nowhere}").status_code == 404
