"""Whatever names a customer goes over in a merge, or says why it stays."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import UUIDField

from customers.models import CustomerProfile
from customers.moving import movers, reasons_to_stay

# Columns beside `customer` that a move itself reads or writes.
WITH_THE_MOVE = "recorded_for"


def columns_of_customers() -> Iterator[tuple[str, str]]:
    """(model, column): foreign keys to a customer, and ids without one, which may be a customer's."""
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            is_key = field.is_relation and field.related_model is CustomerProfile
            is_soft = isinstance(field, UUIDField) and not field.primary_key and not field.is_relation
            if is_key or (
                is_soft and model._meta.app_label in ("customers", "timeline", "segments", "campaigns")
            ):
                yield model._meta.label, field.name


def test_every_column_that_names_a_customer_moves_or_says_why_it_stays() -> None:
    moved = {(label, name) for label in movers() for name in ("customer", WITH_THE_MOVE)}
    stays = {tuple(column.rsplit(".", 1)) for column in reasons_to_stay()}
    assert set(columns_of_customers()) == moved | stays


def test_what_moves_knows_whose_it_was_told_to_be() -> None:
    for mover in movers().values():
        assert {"customer_id", "recorded_for", mover.order} <= {
            f.attname for f in mover.model._meta.concrete_fields
        }
