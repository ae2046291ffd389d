"""Every table with a way to a customer says what it tells the person and how it forgets them."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

import crm.tenancy.models as tenancy
from crm.outbox.models import OutboxMessage
from customers.models import CustomerProfile, FieldChange, IdentityAlias, SearchWord, Suppression
from customers.privacy import holdings
from tests.architecture.test_schema import OURS

# Columns that name a customer, or a row of theirs, without a foreign key.
SOFT = {"recorded_for", "customer_id", "activity_id", "about", "object_id"}
NOTHING_OF_A_PERSON = {
    FieldChange: "is a view of FieldWrite",
    IdentityAlias: "goes with its last holder",
    SearchWord: "goes with the last name that has it",
    Suppression: "is the keyed hash that must stay",
}
LOGS = {tenancy.AuditEntry, tenancy.IdempotentCall, OutboxMessage}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]


def tells_of_a_customer(model: type[models.Model]) -> bool:
    if model is CustomerProfile:
        return True
    fields: Any = model._meta.concrete_fields
    kinds = {field.related_model for field in fields if field.is_relation}
    return CustomerProfile in kinds or bool(SOFT & {field.attname for field in fields})


def is_part_of_what_does(model: type[models.Model]) -> bool:
    """A row of a row about a customer: a revision of a note, the body of an event."""
    fields: Any = model._meta.concrete_fields
    owners = {field.related_model for field in fields if field.is_relation}
    return any(owner in MODELS and tells_of_a_customer(owner) for owner in owners)


WITH_PEOPLE = [model for model in MODELS if tells_of_a_customer(model) or is_part_of_what_does(model)]


@pytest.mark.parametrize("model", WITH_PEOPLE, ids=lambda model: model._meta.label)
def test_every_table_about_people_is_registered_or_has_a_reason(model: type[models.Model]) -> None:
    known = {holding.model for holding in holdings()} | NOTHING_OF_A_PERSON.keys()
    assert model in known, "register it beside the others (customers/personal_data.py, timeline/privacy.py)"


def test_logs_and_queues_are_registered_too() -> None:
    assert {holding.model for holding in holdings()} >= LOGS


def test_each_says_what_stays_and_tells_what_it_erases() -> None:
    for holding in holdings():
        assert holding.kept.endswith("."), holding.model
        assert (holding.title is None) == (holding.told is None), holding.model
    titles = [holding.title for holding in holdings() if holding.title]
    assert len(titles) == len(set(titles))
