"""Two people edit one person: of what both changed somebody says whose stands, the rest comes together."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from crm.tenancy.models import Tenant
from customers.models import CustomerProfile
from customers.services import update_customer
from tests.customers.test_admin_edit import change, filled
from tests.factories import CustomerProfileFactory, CustomFieldFactory
from tests.pages import LIST, at_most, form_on, log_in, member, staff_of, words


def form_of(person: CustomerProfile) -> str:
    return f"{LIST}{person.pk}/change/"


def in_row(person: CustomerProfile, *names: str) -> tuple[Any, ...]:
    person.refresh_from_db()
    return tuple(getattr(person, name) for name in names)


@pytest.fixture
def ann(tenant: Tenant) -> Any:
    return CustomerProfileFactory(first_name="Ann", last_name="Botha", tags=["old"], membership_tier="Silver")


def test_different_fields_come_together_and_the_second_is_told(ann: Any) -> None:
    slow, quick = staff_of(), log_in(member(user__full_name="Pieter Quick").user)
    opened = filled(slow, form_of(ann), last_name="Slow")
    change(quick, ann, first_name="Quick", is_vip="on")
    saved = slow.post(form_of(ann), opened, follow=True)
    assert in_row(ann, "first_name", "last_name", "is_vip") == ("Quick", "Slow", True)
    assert "Meanwhile Pieter Quick changed First name and VIP; that stays." in words(saved)
    assert ann.provenance["first_name"][:5] < ann.provenance["last_name"][:5]  # each by who wrote it


def test_the_same_field_is_asked_about_with_both_values(ann: Any) -> None:
    slow, quick = staff_of(), log_in(member(user__full_name="Pieter Quick").user)
    opened = filled(slow, form_of(ann), last_name="Slow", membership_tier="Gold", first_name="Anna")
    change(quick, ann, last_name="Quick", membership_tier="Gold", member_since="2020-02-29")
    asked = slow.post(form_of(ann), opened)
    assert in_row(ann, "last_name", "first_name") == ("Quick", "Ann")
    said = words(asked)
    assert "Pieter Quick changed the same as you while you were editing" in said
    assert "Meanwhile Pieter Quick changed Member since; that stays." in said
    assert "Theirs: Quick Pieter Quick" in said
    form = asked.context["form"]
    assert form.clashing == ["last_name"]
    assert (form["last_name"].value(), form["first_name"].value()) == ("Slow", "Anna")
    assert form.errors.keys() == {"last_name", "__all__"}


@pytest.mark.parametrize(("choice", "name"), [("theirs", "Quick"), ("mine", "Slow")])
def test_one_keeps_theirs_or_mine_without_typing_again(ann: Any, choice: str, name: str) -> None:
    slow, quick = staff_of(), staff_of()
    opened = filled(slow, form_of(ann), last_name="Slow", display_name="Annie")
    change(quick, ann, last_name="Quick")
    asked = slow.post(form_of(ann), opened)
    saved = slow.post(form_of(ann), form_on(asked, **{"stands-last_name": choice}))
    assert saved.status_code == 302
    assert in_row(ann, "last_name", "display_name") == (name, "Annie")


def test_nothing_is_written_until_somebody_chose(ann: Any) -> None:
    slow, quick = staff_of(), staff_of()
    opened = filled(slow, form_of(ann), last_name="Slow")
    change(quick, ann, last_name="Quick")
    asked = slow.post(form_of(ann), opened)
    again = slow.post(form_of(ann), form_on(asked)).context["form"]
    assert again.errors["last_name"] == ["Say which of the two stands."]
    assert in_row(ann, "last_name") == ("Quick",)


def test_a_third_who_saves_meanwhile_is_asked_about_too(ann: Any) -> None:
    slow, quick = staff_of(), staff_of()
    opened = filled(slow, form_of(ann), last_name="Slow", display_name="Annie")
    change(quick, ann, last_name="Quick")
    asked = slow.post(form_of(ann), opened)
    change(quick, ann, last_name="Quicker", display_name="Nan")
    once_more = slow.post(form_of(ann), form_on(asked, **{"stands-last_name": "mine"})).context["form"]
    assert once_more.clashing == ["last_name", "display_name"]
    assert once_more.clashes["last_name"].theirs == "Quicker"
    assert not once_more.stands("last_name")
    assert in_row(ann, "last_name", "display_name") == ("Quicker", "Nan")


def test_what_is_wrong_elsewhere_loses_neither_text_nor_choice(ann: Any) -> None:
    slow, quick = staff_of(), staff_of()
    opened = filled(slow, form_of(ann), last_name="Slow")
    change(quick, ann, last_name="Quick")
    asked = slow.post(form_of(ann), opened)
    wrong = slow.post(
        form_of(ann), form_on(asked, **{"stands-last_name": "mine", "email": "no address"})
    ).context["form"]
    assert wrong.errors.keys() == {"email"}
    assert (wrong["last_name"].value(), wrong.clashes["last_name"].chosen) == ("Slow", "mine")


def test_what_a_source_says_meanwhile_is_no_obstacle(ann: Any) -> None:
    browser = staff_of()
    opened = filled(browser, form_of(ann), last_name="Slow")
    update_customer(ann.pk, {"membership_tier": "Gold", "tags": ["old", "new"]}, by="key:scl")
    assert browser.post(form_of(ann), opened).status_code == 302
    assert in_row(ann, "last_name", "membership_tier", "tags") == ("Slow", "Gold", ["old", "new"])


def test_fields_of_every_type_come_together(ann: Any) -> None:
    kinds = {"INT": 7, "DECIMAL": 1.5, "BOOL": True, "DATE": "2026-01-02", "DATETIME": "2026-01-02T10:00:00Z",
             "ENUM": "b", "MULTI_ENUM": ["a", "b"], "URL": "https://x.example/", "TEXT": "two\nlines"}  # fmt: skip
    for kind in kinds:
        choices = ["a", "b"] if "ENUM" in kind else []
        CustomFieldFactory(key=kind.lower(), label=kind, type=kind, choices=choices)
    slow = staff_of()
    opened = filled(slow, form_of(ann), last_name="Slow")
    theirs = {kind.lower(): value for kind, value in kinds.items()}
    update_customer(
        ann.pk,
        {
            "custom_fields": theirs,
            "date_of_birth": date(1980, 5, 6),
            "handicap": Decimal(12),
            "gdpr_consent": True,
        },
        by="user:x",
    )
    assert slow.post(form_of(ann), opened).status_code == 302
    ann.refresh_from_db()
    kept = dict(ann.custom_fields)
    assert kept.keys() == theirs.keys()
    assert (ann.last_name, str(ann.date_of_birth), ann.gdpr_consent) == ("Slow", "1980-05-06", True)
    before = ann.version
    opened = filled(slow, form_of(ann))
    assert slow.post(form_of(ann), opened).status_code == 302
    ann.refresh_from_db()
    assert (ann.version, ann.custom_fields) == (before, kept)  # and nothing looks changed that nobody touched
    opened = filled(slow, form_of(ann), custom_enum="a", custom_bool="false")
    update_customer(ann.pk, {"custom_fields": {"enum": None, "bool": None, "multi_enum": ["a"]}}, by="user:x")
    form = slow.post(form_of(ann), opened).context["form"]
    assert form.clashing == ["custom_bool", "custom_enum"]
    assert {clash.theirs for clash in form.clashes.values()} == {"nothing"}


def test_a_text_of_several_lines_is_not_changed_by_saving(ann: Any) -> None:
    update_customer(ann.pk, {"internal_notes": "Knee.\nBack."}, by="user:x")
    browser = staff_of()
    opened = filled(browser, form_of(ann), first_name="Anna")
    as_a_browser = {name: "".join(value).replace("\n", "\r\n") for name, value in opened.items()}
    stamp = in_row(ann, "provenance")[0]["internal_notes"]
    assert browser.post(form_of(ann), as_a_browser).status_code == 302
    assert in_row(ann, "first_name", "internal_notes") == ("Anna", "Knee.\nBack.")
    assert ann.provenance["internal_notes"] == stamp


def test_a_field_in_place_is_asked_about_where_it_stands(ann: Any) -> None:
    browser = staff_of()
    path = f"{LIST}{ann.pk}/field/?field=name"
    opened = form_on(browser.get(path), last_name="Slow")
    update_customer(ann.pk, {"email": "new@example.com"}, hints={"email": "new@example.com"}, by="user:x")
    assert browser.post(path, opened).status_code == 204
    opened = form_on(browser.get(path), last_name="Slower")
    update_customer(ann.pk, {"last_name": "Quick"}, by="user:x")
    asked = browser.post(path, opened)
    assert "Theirs: Quick" in words(asked)
    assert in_row(ann, "last_name") == ("Quick",)
    answer = form_on(asked, **{"stands-last_name": "mine"})
    assert browser.post(path, answer).status_code == 204
    assert in_row(ann, "last_name", "email") == ("Slower", "new@example.com")


def test_asking_costs_few_queries_however_many_fields_clash(ann: Any) -> None:
    slow, quick = staff_of(), staff_of()
    mine = {"last_name": "S", "first_name": "S", "membership_tier": "S", "display_name": "S", "tags": "s"}
    opened = filled(slow, form_of(ann), **mine)
    change(quick, ann, **{name: value.replace("S", "Q").replace("s", "q") for name, value in mine.items()})
    with at_most(26):
        asked = slow.post(form_of(ann), opened)
    assert len(asked.context["form"].clashes) == 5
