"""What follows from a profile's other columns, its tenant's rule and the time."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from crm.tenancy.scope import current_tenant
from customers import lifecycle
from customers.models import Status
from customers.stamps import EPOCH, microseconds

FARTHEST_YEAR = 9000  # a membership until then runs for ever, and its grace needs room in the calendar


def derived(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The lifecycle stage, when time alone moves it next, and since when the profile is deleted. No statement."""
    facts: dict[str, Any] = {
        "over_at": _membership_over(row), "now": microseconds(now), "lapse": _lapse(), "pin": row["lifecycle_pin"]
    }  # fmt: skip
    turn = lifecycle.turns_at(row["stages_reached"], **facts)
    written = row["provenance"].get("status")
    is_deleted = written and row["status"] == Status.DELETED
    return {
        "lifecycle_stage": lifecycle.current_stage(row["stages_reached"], **facts),
        "stage_due_at": None if turn is None else EPOCH + timedelta(microseconds=turn),
        "deleted_at": EPOCH + timedelta(microseconds=written[2]) if is_deleted else None,
    }


def _membership_over(row: Mapping[str, Any]) -> int | None:
    """When the membership ended, or ends with the day until which it runs, by the tenant's clock."""
    ended, expiry = row["membership_ended_at"], row["membership_expiry"]
    ends = [microseconds(ended)] if ended else []
    if expiry is not None and expiry.year < FARTHEST_YEAR:
        midnight = datetime.combine(expiry + timedelta(days=1), time.min, current_tenant().zone)
        ends.append(microseconds(midnight))
    return min(ends, default=None)


def _lapse() -> lifecycle.Lapse:
    tenant = current_tenant()
    return lifecycle.Lapse.of_days(tenant.lapse_grace_days, tenant.lapse_quiet_days)
