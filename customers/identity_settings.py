"""The rules of identity of the open tenant: read once until they change, changed by staff."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from crm.errors import Detail, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import Club, Tenant
from crm.tenancy.scope import current_tenant
from customers import normalise
from customers.identity_rules import EXACT, Block, Rules, merged
from customers.models import BlockedValue, IdentityRule
from customers.models.rules import described

OUR_OWN = "The club’s own"
_kept: dict[UUID, tuple[UUID, Rules]] = {}


def current_rules() -> Rules:
    """The open tenant's rules. Three statements after a change, else none.

    The tenant's row, which every request and task reads anyway, says which version of its rules counts.
    """
    tenant = current_tenant()
    known = _kept.get(tenant.pk)
    if known is None or known[0] != tenant.identity_rules:
        known = _kept[tenant.pk] = (tenant.identity_rules, _read(tenant))
    return known[1]


def _read(tenant: Tenant) -> Rules:
    blocks = [row.as_block() for row in BlockedValue.objects.all()]
    return merged((row.as_rule() for row in IdentityRule.objects.all()), [*_of_clubs(tenant), *blocks])


def _of_clubs(tenant: Tenant) -> list[Block]:
    """What the clubs are reached by themselves: whoever has it in their data was written in by the front desk."""
    found = []
    for club in Club.objects.all():
        own = {"email": club.email, "phoneNumber": club.phone}
        for kind, raw in own.items():
            value = normalise.identifier(kind, raw, club.region or tenant.region)
            if value:
                found.append(Block(kind, EXACT, value, OUR_OWN))
    return found


@transaction.atomic
def set_rules(rows: Mapping[str, Mapping[str, Any]], *, by: str) -> int:
    """Write the rules of the kinds named (attributes of IdentityRule); how many changed.

    They count from the next event on; what is tied stays tied. Raises ValidationFailed.
    """
    before = {rule.kind: rule for rule in IdentityRule.objects.select_for_update()}
    usual, changed = current_rules(), 0
    for kind, values in rows.items():
        was = usual.of(kind)._replace(kind=kind)
        if (after := was._replace(**values)) != was:
            rule = before.get(kind) or IdentityRule(tenant=current_tenant(), kind=kind)
            for name, value in after._asdict().items():
                setattr(rule, name, value)
            _clean(rule)
            rule.save()
            _note("identityrule.changed", kind, by, was._asdict(), after._asdict())
            changed += 1
    if changed:
        current_tenant().renew_identity_rules()
    return changed


@transaction.atomic
def block(values: Mapping[str, Any], *, by: str) -> BlockedValue:
    """Block a value from now on: kind (blank = all), how, pattern, reason. Raises ValidationFailed."""
    row = BlockedValue(tenant=current_tenant(), **values)
    if row.how == EXACT and row.kind:
        row.pattern = normalise.identifier(row.kind, row.pattern, current_tenant().region) or row.pattern
    key = {"kind": row.kind, "how": row.how, "pattern": row.pattern}
    known = BlockedValue.objects.select_for_update().filter(**key).first()
    if known is not None:
        known.reason, known.is_active, row = row.reason, True, known
    _clean(row)
    row.save()
    current_tenant().renew_identity_rules()
    _note("blockedvalue.added", row.pattern, by, None, described(row))
    return row


@transaction.atomic
def switch(key: tuple[str, str, str], *, is_active: bool, by: str) -> None:
    """Let a blocked value (kind, how, pattern), a usual one too, count again, or block it again.

    Raises ValidationFailed when there is none.
    """
    known = next((one for one in current_rules().blocks if one.key == key), None)
    if known is None:
        raise ValidationFailed("There is no such blocked value.")
    kind, how, pattern = key
    BlockedValue.objects.update_or_create(
        tenant=current_tenant(), kind=kind, how=how, pattern=pattern,
        defaults={"is_active": is_active, "reason": known.reason},
    )  # fmt: skip
    current_tenant().renew_identity_rules()
    after = known._replace(is_active=is_active)
    _note("blockedvalue.changed", pattern, by, known._asdict(), after._asdict())


def _clean(row: IdentityRule | BlockedValue) -> None:
    try:
        row.full_clean(exclude=["tenant"], validate_constraints=False)
    except ValidationError as error:
        details = [
            Detail(name, "INVALID_FIELD", " ".join(messages)) for name, messages in error.message_dict.items()
        ]
        raise ValidationFailed(" ".join(detail.message for detail in details), details=details) from None


def _note(action: str, about: str, by: str, before: Any, after: Any) -> None:
    audit.record(action, by=by, object_type="identity", object_id=about, before=before, after=after)
