"""The tabs Golf, Shop and Service of a person's page: their facts in small tables."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.admin.columns import COLUMNS, Column, name_places
from customers.admin.history import OWN, labels_of
from customers.admin.page import origin
from customers.admin.tabs import Panel, tab
from customers.models import (
    Booking,
    CompetitionEntry,
    CustomerProfile,
    Deal,
    HandicapRevision,
    Invoice,
    Membership,
    Order,
    Payment,
    PrivacyRequest,
    Ticket,
)

SHOWN = 10
BLOCKS: dict[str, list[tuple[Any, str, type[Model], str]]] = {
    "golf": [
        (_("Bookings"), "calendar-days", Booking, "-tee_time"),
        (_("Handicap history"), "trending-up", HandicapRevision, "-effective_on"),
        (_("Competition entries"), "trophy", CompetitionEntry, "-entered_at"),
        (_("Memberships"), "id-card", Membership, "-joined_on"),
    ],
    "shop": [
        (_("Orders"), "shopping-bag", Order, "-placed_at"),
        (_("Payments"), "credit-card", Payment, "-paid_at"),
        (_("Invoices"), "receipt", Invoice, "-due_at"),
        (_("Deals"), "handshake", Deal, "-pk"),
    ],
    "service": [
        (_("Support tickets"), "life-buoy", Ticket, "-opened_at"),
        (_("Privacy requests"), "shield-check", PrivacyRequest, "-requested_at"),
    ],
}


@dataclass(frozen=True, slots=True)
class Cell:
    shown: Any
    is_number: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A small table: its newest rows, each a list of cells, and whether there are more."""

    title: Any
    icon: str
    columns: list[Column]
    rows: list[list[Cell]]
    has_more: bool


def load_blocks(key: str, profile: CustomerProfile) -> Panel:
    """One statement a table, and the names of clubs and competitions."""
    blocks = []
    for title, icon, model, order in BLOCKS[key]:
        columns = COLUMNS[model]
        manager: Any = model._default_manager
        found = list(manager.filter(customer=profile.pk).order_by(order, "-pk")[: SHOWN + 1])
        name_places(found[:SHOWN])
        cells = [[Cell(column.show(row), column.is_number) for column in columns] for row in found[:SHOWN]]
        blocks.append(Block(title, icon, columns, cells, len(found) > SHOWN))
    return Panel("admin/customers/blocks.html", {"blocks": blocks})


@tab("golf", _("Golf"), icon="land-plot", position=20)
def golf_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    return load_blocks("golf", profile)


@tab("shop", _("Shop and payments"), icon="shopping-bag", position=30)
def shop_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    return load_blocks("shop", profile)


@tab("service", _("Service"), icon="life-buoy", position=40)
def service_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    return load_blocks("service", profile)


@tab("data", _("All data"), icon="file-text", position=50)
def data_tab(request: HttpRequest, profile: CustomerProfile) -> Panel:
    """Free-form data, and for every attribute who wrote it last. Two statements at most."""
    labels = labels_of(f"{OWN}{key}" for key in profile.custom_fields)
    own = [(labels[f"{OWN}{key}"], value) for key, value in profile.custom_fields.items()]
    return Panel("admin/customers/data.html", {"profile": profile, "own": own, "written": written(profile)})


def written(profile: CustomerProfile) -> list[dict[str, Any]]:
    labels = labels_of(profile.provenance)
    return [
        {"name": labels[name], "value": value_of(profile, name), "origin": origin(profile, name),
         "event": stamp[4]}
        for name, stamp in sorted(profile.provenance.items())
    ]  # fmt: skip


def value_of(profile: CustomerProfile, attribute: str) -> Any:
    """The value that a stamp is about: an attribute's, or a custom field's."""
    name, _dot, key = attribute.partition(".")
    value = getattr(profile, name, "")
    return value.get(key) if key and isinstance(value, dict) else value
