"""How long people are kept, and the history of their fields."""

import time
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from crm.tenancy import audit
from crm.tenancy.retention import BY, Kind, keeps
from customers import history
from customers.erasure import LegalHold, erase_customer
from customers.models import CustomerProfile, FieldWrite, Stage

log = structlog.get_logger(__name__)

AT_ONCE, BUDGET = 100, 120  # people, and seconds, of one run: each is a walk through all tables


def due_history(moment: datetime) -> Any:
    held = CustomerProfile.objects.filter(pk=OuterRef("customer"), legal_hold_at__isnull=False)
    return FieldWrite.objects.filter(~Exists(held), is_erased=False, recorded_at__lt=moment)


def blank_history(rows: Any) -> int:
    """What it says goes; who changed which field, and when, stays."""
    done = 0
    while ids := list(rows.values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            done += history.erase_rows(ids)
    return done


def _erasable() -> Any:
    return CustomerProfile.objects.filter(
        erased_at=None, merged_into=None, legal_hold_at=None, processing_restricted_at=None
    )


def due_inactive(moment: datetime) -> Any:
    """People of whom nothing was heard since, and who are no members now."""
    heard = Q(metrics__last_activity_at=None) | Q(metrics__last_activity_at__lt=moment)
    silent = _erasable().filter(heard, created_at__lt=moment, updated_at__lt=moment)
    return silent.exclude(lifecycle_stage__in=[Stage.MEMBER, Stage.ADVOCATE])


def due_by_date(moment: datetime) -> Any:
    """People whose own date (“keep until”) has passed."""
    return _erasable().filter(data_retention_date__lt=timezone.localtime(moment).date())


def erase_people(rows: Any) -> int:
    """Erase a piece of the people; how many. What fails with one of them is in the log and the audit log, and waits."""
    deadline, done = time.monotonic() + BUDGET, 0
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        if time.monotonic() < deadline:
            done += _erase(pk)
    return done


def _erase(pk: UUID) -> bool:
    try:
        erase_customer(pk, by=BY, reason="retention rule")
    except LegalHold:
        return False  # placed meanwhile
    except Exception as error:  # whatever is wrong with one of them, the others are over their time too
        log.exception("retention.erasure_failed", customer=str(pk))
        audit.record(
            "customer.erasure_failed", by=BY, object_type="customer", object_id=pk,
            after={"error": type(error).__name__},
        )  # fmt: skip
        return False
    return True


for _kind in (
    Kind("INACTIVE_PEOPLE", "People who fell silent", "Erased after so many days without any sign of them; members and "
         "people under a legal hold stay.", None, due_inactive, erase_people, least=365),
    Kind("KEEP_UNTIL", "People past their date", "Erased so many days after the date “keep until” on their page.", None,
         due_by_date, erase_people, least=0),
    Kind("FIELD_HISTORY", "What fields were before", "The values; who changed which field, and when, stays.", None,
         due_history, blank_history, least=30),
):  # fmt: skip
    keeps(_kind)
