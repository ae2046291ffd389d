"""The devices of people: registered by apps, dropped when a provider does not know them any more."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.tenancy import audit
from crm.tenancy.scope import current_tenant
from customers.models import Device

MOST = 20  # a person; the ones seen longest ago go


@transaction.atomic
def register(customer: UUID, platform: str, token: str, *, by: str) -> Device:
    """Let a device be somebody's from now on, whoever had it before; again, it was only seen. Four statements."""
    now = timezone.now()
    found: Device
    found, is_new = Device.objects.update_or_create(
        tenant=current_tenant(), token=token,
        defaults={
            "customer_id": customer, "recorded_for": customer, "platform": platform, "last_seen_at": now,
            "dropped_at": None, "dropped_why": "",
        },
    )  # fmt: skip
    if is_new:
        rows = Device.objects.filter(customer=customer).order_by("-last_seen_at", "-pk")
        Device.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[MOST:])).delete()
        _note("customer.device_added", found, by)
    return found


@transaction.atomic
def forget(customer: UUID, token: str, *, by: str) -> None:
    """Take a device from somebody, who logged out on it; one that is not theirs is no error. Two statements."""
    found = Device.objects.filter(customer=customer, token=token).first()
    if found is not None and Device.objects.filter(pk=found.pk).delete()[0]:
        _note("customer.device_removed", found, by)


def drop(tokens: Collection[str], *, why: str) -> int:
    """Send nothing more to devices that their provider does not know any more; how many. One statement."""
    if not tokens:
        return 0
    live = Device.objects.filter(token__in=list(tokens), dropped_at=None)
    count: int = live.update(dropped_at=timezone.now(), dropped_why=why[:100])
    return count


def _note(action: str, device: Device, by: str) -> None:
    audit.record(
        action,
        by=by,
        object_type="customer",
        object_id=device.customer_id,
        after={"platform": device.platform},
    )
