"""Finding people for staff: by any identifier exactly, by the beginning of a name. Every path has an index."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from django.db.models import Q

from crm.errors import CustomerNotFound
from crm.tenancy.rows import select
from crm.tenancy.scope import current_tenant
from customers import normalise
from customers.models import CustomerProfile
from customers.resolution import read_holders
from customers.services import get_customer

MOST_NAMES = 300
INDEXED_LETTERS = 3

# The distinct kinds by hopping from one to the next in the unique index, instead of reading every identifier.
KINDS = """
    WITH RECURSIVE hop (kind) AS (
        (SELECT kind FROM customers_identityalias WHERE tenant_id = %(tenant)s ORDER BY kind LIMIT 1)
        UNION ALL
        SELECT (SELECT a.kind FROM customers_identityalias a
                WHERE a.tenant_id = %(tenant)s AND a.kind > hop.kind ORDER BY a.kind LIMIT 1)
        FROM hop WHERE hop.kind IS NOT NULL
    )
    SELECT kind FROM hop WHERE kind IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The people a term means. is_exact: it was one of their identifiers, in full."""

    people: list[UUID]
    is_exact: bool = False
    is_capped: bool = False


def find_people(term: str) -> Found:
    """Whom a member of staff means by `term`: an id, an identifier of any kind, or the beginning of a name.

    At most four statements; names stop at 300 of each kind.
    """
    text = normalise.name(term)
    if exact := _by_id(text) or _by_identifier(text):
        return Found(exact, is_exact=True)
    if "@" in text or not any(letter.isalpha() for letter in text):
        return Found([])
    return _by_name(text)


def _by_id(text: str) -> list[UUID]:
    """The customer of an id as it stands in links and other systems, merged ones included."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    try:
        return [get_customer(wanted)[0].pk]
    except CustomerNotFound:
        return list(CustomerProfile.objects.filter(external_id=wanted).values_list("pk", flat=True))


def _by_identifier(text: str) -> list[UUID]:
    tenant = current_tenant()
    kinds = [row["kind"] for row in select(KINDS, {"tenant": tenant.pk})]
    keys = ((kind, normalise.identifier(kind, text, tenant.region)) for kind in kinds)
    holders = read_holders({(kind, value) for kind, value in keys if value is not None})
    return list(dict.fromkeys(holder.customer for held_by in holders.values() for holder in held_by))


def _by_name(text: str) -> Found:
    """First name, last name, or the one after the other, in either order and any case."""
    first, _, rest = text.partition(" ")
    wanted = _starts("last_name", text)
    if rest:
        wanted |= _starts("last_name", rest) & Q(first_name__istartswith=first)
        wanted |= _starts("last_name", first) & Q(first_name__istartswith=rest)
    found = _names(wanted)
    if not rest and len(found) <= MOST_NAMES:
        # No index leads with the first name, but this reads the name index alone, not the rows.
        capitalised = first[:1].upper() + first[1:]
        found += _names(_range("first_name", capitalised) & Q(first_name__istartswith=capitalised))
    return Found(list(dict.fromkeys(found))[:MOST_NAMES], is_capped=len(found) > MOST_NAMES)


def _names(wanted: Q) -> list[UUID]:
    rows = CustomerProfile.objects.filter(wanted).order_by("last_name", "first_name", "pk")
    return list(rows.values_list("pk", flat=True)[: MOST_NAMES + 1])


def _starts(column: str, text: str) -> Q:
    """`column` begins with `text` in any case: ranges of the index for the first letters, then the rest."""
    head = "".join(_ascii_letters(text))[:INDEXED_LETTERS]
    ranges = Q()
    for spelling in (
        {"".join(letters) for letters in product(*({c.lower(), c.upper()} for c in head))} if head else ()
    ):
        ranges |= _range(column, spelling)
    return ranges & Q(**{f"{column}__istartswith": text})


def _range(column: str, prefix: str) -> Q:
    """Everything that begins with `prefix`, as two bounds that any collation keeps apart.

    After z comes no letter in every collation, so there the upper bound is left out.
    """
    bounds = {f"{column}__gte": prefix}
    if prefix[-1:] not in ("z", "Z", ""):
        bounds[f"{column}__lt"] = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return Q(**bounds)


def _ascii_letters(text: str) -> Iterator[str]:
    for letter in text:
        if not (letter.isascii() and letter.isalpha()):
            return
        yield letter


def narrow(people: Any, term: str) -> Any:
    """`people` whom the term means."""
    return people.filter(pk__in=find_people(term).people) if term.strip() else people
