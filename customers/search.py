"""Finding people by what somebody typed: by an identifier in full, by how words start, by what was perhaps meant.

People are matched in CustomerSearch, a narrow table that the database keeps in step. Nothing here sorts more than
FEW people or reads through all that a short or common term finds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Q, Subquery

from crm.errors import CustomerNotFound
from crm.tenancy.masks import Masks, Personal
from crm.tenancy.rows import select
from crm.tenancy.scope import current_eyes, current_tenant
from customers import normalise, terms
from customers.masking import may_find_by
from customers.models import (
    AliasHolder,
    AssociationNumber,
    CustomerMetrics,
    CustomerProfile,
    CustomerSearch,
)
from customers.resolution import read_holders
from customers.services import get_customer
from customers.terms import Sight, Term, Token

FEW = 1000  # hits that are put in order exactly
# Of more hits, those among so many most recently active people come first; looked through in steps.
RECENT = (0, 300, 3000)
MOST_SIMILAR = 20  # words that one that was typed may have meant

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
SIMILAR = """
    SELECT DISTINCT t.word AS typed, k.word FROM unnest(%s::text[]) AS t (word)
    JOIN customers_searchword k ON k.tenant_id = %s AND k.stems && customers_word_stems(t.word)::varchar[]
"""


class Rank(Enum):
    """Why somebody was found, the best reason first."""

    IDENTIFIER = "an identifier in full"
    FULL_NAME = "exactly this name"
    WORD = "words of the name"
    START = "how names, e-mails, numbers or ids start, or a part of a phone number"
    SIMILAR = "names that are a slip of the keys away"


@dataclass(frozen=True, slots=True)
class Found:
    """matched_on: where the words were found, as kind and value: the name, or an identifier."""

    profile: CustomerProfile
    rank: Rank
    matched_on: tuple[tuple[str, str], ...]


def find_people(text: str, *, take: int, within: Any = None) -> list[Found]:
    """Whom a term finds: the best reason first, then the most recently active; `take` at most, nobody hidden.

    within: the people that whoever asks is limited to. Of a reason that more than FEW share, those come first who
    are among the most recently active, then any. Three to twenty statements.
    """
    term = terms.parse(text)
    ranks = dict.fromkeys(exactly(text)[:take], Rank.IDENTIFIER)
    for rank, wanted in _reasons(term):
        if len(ranks) >= take:
            break
        is_short = term.is_short and rank is Rank.START
        for pk in _latest(wanted, within, take, is_short=is_short):
            ranks.setdefault(pk, rank)
    return _found(ranks, _listed(within), term)[:take]


def matching(text: str) -> Q:
    """The people of a list whom a term means: the owners of an identifier in full, else all whom its words find.

    Few of them are handed to the planner by id, since it can't know how rare a word is. Two to six statements.
    """
    term = terms.parse(text)
    if owners := exactly(text):
        return Q(pk__in=owners)
    for rank, wanted in _reasons(term):
        if rank in (Rank.START, Rank.SIMILAR):
            hits = CustomerSearch.objects.filter(wanted).values("pk")
            ids = [row["pk"] for row in hits[: FEW + 1]]
            if ids:
                return Q(pk__in=ids if len(ids) <= FEW else hits)
    return Q(pk__in=[])


# --- identifiers in full
def exactly(text: str) -> list[UUID]:
    """The people who have this id or identifier, of whatever kind; several where a household shares it."""
    term = normalise.name(text)
    if not terms.parse(term).names_somebody:
        return []
    return _by_id(term) or _by_identifier(term)


def _by_id(text: str) -> list[UUID]:
    """The customer of an id as it stands in links and other systems; of one that was merged, the winner."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    ids = [wanted, *CustomerProfile.objects.filter(external_id=wanted).values_list("pk", flat=True)]
    for pk in ids:
        try:
            return [get_customer(pk)[0].pk]
        except CustomerNotFound:
            continue
    return []


def _by_identifier(text: str) -> list[UUID]:
    tenant, masks = current_tenant(), current_eyes().masks
    kinds = [row["kind"] for row in select(KINDS, {"tenant": tenant.pk}) if may_find_by(row["kind"], masks)]
    keys = ((kind, normalise.identifier(kind, text, tenant.region)) for kind in kinds)
    holders = read_holders({(kind, value) for kind, value in keys if value is not None})
    return list(dict.fromkeys(holder.customer for held_by in holders.values() for holder in held_by))


# --- words
def _reasons(term: Term) -> Iterator[tuple[Rank, Q]]:
    """What to look for, the best reason first. What is similar is looked up when it is asked for."""
    if not term.tokens:
        return
    if name := terms.full_name(term):
        yield Rank.FULL_NAME, _lexemes(name)
    if exact := terms.exact_words(term):
        yield Rank.WORD, _lexemes(exact)
    sight = _sight()
    if start := _each(term, sight, {}):
        yield Rank.START, start
    if (similar := similar_words(term)) and (meant := _each(term, sight, similar)):
        yield Rank.SIMILAR, meant


def _sight() -> Sight:
    masks = current_eyes().masks
    return Sight(
        emails=Personal.EMAIL not in masks,
        phones=Personal.PHONE not in masks,
        ids=Personal.IDENTIFIERS not in masks,
    )


def _lexemes(query: str) -> Q:
    return Q(lexemes__matches=query)


def _each(term: Term, sight: Sight, similar: dict[str, list[str]]) -> Q:
    """Everything that was typed is found: words in one query, and what may be inside a phone number beside it.

    Nothing (an empty Q) where a part of it may not be searched for.
    """
    fragments = [token for token in term.tokens if token.fragment and sight.phones]
    rest = [terms.starts(token, sight, similar) for token in term.tokens if token not in fragments]
    if not all(rest):
        return Q()
    wanted = _lexemes(" & ".join(rest)) if rest else Q()
    for token in fragments:
        wanted &= _lexemes(terms.starts(token, sight)) | Q(phones__contains=token.fragment)
    if spaced := terms.spaced_id(term, sight):
        wanted |= _lexemes(spaced)
    return wanted


def similar_words(term: Term) -> dict[str, list[str]]:
    """The tenant's words that a slip of the keys turns into those of a term, the closest first. One statement."""
    typed = [word for word in term.names if len(word) >= terms.SHORTEST_MISSPELT]
    found: dict[str, list[str]] = {}
    if typed:
        for row in select(SIMILAR, [typed, current_tenant().pk]):
            if terms.is_slip(row["typed"], row["word"]):
                found.setdefault(row["typed"], []).append(row["word"])
    for word, meant in found.items():
        meant.sort(key=lambda other, word=word: (terms.distance(word, other), other))  # type: ignore[misc]
        del meant[MOST_SIMILAR:]
    return found


# --- who of them
def _listed(within: Any) -> Any:
    return (CustomerProfile.objects.all() if within is None else within).listed()


def _latest(wanted: Q, within: Any, take: int, *, is_short: bool) -> list[UUID]:
    """The most recently active of those who are wanted. A short term is looked for among the recent first."""
    recent = _recent(wanted, within, take) if is_short else []
    if len(recent) >= take:
        return recent
    hits = CustomerSearch.objects.filter(wanted)
    if within is not None:
        hits = hits.filter(customer__in=within.values("pk"))
    ids = list(hits.values_list("pk", flat=True)[: FEW + 1])
    if len(ids) > FEW and not is_short:
        recent = _recent(wanted, within, take)
        if len(recent) >= take:
            return recent
    people = _listed(within).filter(pk__in=ids).values_list("pk", "metrics__last_activity_at") if ids else ()
    latest = [pk for pk, _ in sorted(people, key=_by_activity, reverse=True)]
    return list(dict.fromkeys([*recent, *latest]))[:take]


def _recent(wanted: Q, within: Any, take: int) -> list[UUID]:
    """Those of the most recently active people who are wanted, looked through in growing steps until they suffice."""
    order = (F("last_activity_at").desc(nulls_last=True), F("customer").desc())
    # A subquery for a value: one for existence may be turned into a look at all hits.
    hit = Subquery(CustomerSearch.objects.filter(wanted, pk=OuterRef("customer")).values("pk")[:1])
    active = CustomerMetrics.objects.order_by(*order).values_list("customer", hit)
    found: list[UUID] = []
    for start, end in pairwise(RECENT):
        rows = list(active[start:end])
        ids = [pk for pk, is_hit in rows if is_hit]
        seen = set(_listed(within).filter(pk__in=ids).values_list("pk", flat=True)) if ids else ()
        found += [pk for pk in ids if pk in seen]
        if len(found) >= take or len(rows) < end - start:
            break
    return found[:take]


def _by_activity(row: tuple[UUID, datetime | None]) -> tuple[float, UUID]:
    pk, at = row
    return at.timestamp() if at else float("-inf"), pk


def _found(ranks: dict[UUID, Rank], people: Any, term: Term) -> list[Found]:
    """Those of `ranks` who are among `people`, in its order, with where the term was found. Three statements."""
    masks = current_eyes().masks
    profiles = {one.pk: one for one in people.select_related("metrics").filter(pk__in=list(ranks))}
    held = {pk: _contacts(profile) for pk, profile in profiles.items()}
    holders = AliasHolder.objects.filter(customer__in=list(profiles))
    for pk, kind, value in holders.values_list("customer", "alias__kind", "alias__value"):
        held[pk].append((kind, value))
    cards = AssociationNumber.objects.filter(customer__in=list(profiles))
    for pk, number in cards.values_list("customer", "number"):
        held[pk].append(("association", number))
    return [
        Found(
            profiles[pk],
            rank,
            _matched_on(term.tokens, [one for one in held[pk] if _is_seen(one[0], masks)], rank),
        )
        for pk, rank in ranks.items()
        if pk in profiles
    ]


def _is_seen(kind: str, masks: Masks) -> bool:
    return kind == "name" or may_find_by(kind, masks)


def _contacts(profile: CustomerProfile) -> list[tuple[str, str]]:
    said = " ".join(filter(None, (profile.first_name, profile.last_name, profile.display_name)))
    return [("name", said), ("email", profile.email), ("phoneNumber", profile.phone_number)]


def _matched_on(
    tokens: tuple[Token, ...], held: list[tuple[str, str]], rank: Rank
) -> tuple[tuple[str, str], ...]:
    if rank is Rank.SIMILAR:
        return (held[0],)
    found = (one for token in tokens for one in held if one[1] and terms.touches(token, *one))
    return tuple(dict.fromkeys(found))
