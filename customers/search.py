"""Finding people by what somebody typed: by an identifier in full, by how words start, by what was perhaps meant.

People are matched in CustomerSearch, a narrow table that the database keeps in step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from django.db.models import Q, Value

from crm.errors import CustomerNotFound
from crm.tenancy.masks import Personal
from crm.tenancy.rows import select
from crm.tenancy.scope import current_eyes, current_tenant
from customers import normalise, search_hits, terms
from customers.holdings import read_holders
from customers.masking import may_find_by
from customers.models import AliasHolder, AssociationNumber, CustomerProfile, CustomerSearch
from customers.services import get_customer
from customers.terms import Sight, Term

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
# A word at a time: the planner has to see its stems to go by their index.
SIMILAR = """
    SELECT DISTINCT word FROM customers_searchword
    WHERE tenant_id = %s AND stems && customers_word_stems(%s)::varchar[]
"""


class Rank(Enum):
    """Why somebody was found, the best reason first."""

    IDENTIFIER = "an identifier in full"
    FULL_NAME = "exactly this name"
    WORD = "words of the name"
    START = "how names, e-mails, numbers or ids start, or a part of a phone number"
    SIMILAR = "names that are a slip of the keys away"


Held = tuple[str, str]  # kind and value: the name, or an identifier


@dataclass(frozen=True, slots=True)
class Found:
    """matched_on: where the words were found; "id" without a value for an id of Fairway's own."""

    profile: CustomerProfile
    rank: Rank
    matched_on: tuple[Held, ...]


def find_people(text: str, *, take: int, within: Any = None) -> list[Found]:
    """Whom a term finds: the best reason first, then the most recently active; `take` at most, nobody hidden.

    within: the people that whoever asks is limited to. Of a reason that very many share, those come first who are
    among the most recently active, then any. Two to sixteen statements.
    """
    term = terms.parse(text)
    ranks = dict.fromkeys(exactly(text)[:take], Rank.IDENTIFIER)
    for pk, rank in _by_words(term, within, take):
        ranks.setdefault(pk, rank)
    if len(ranks) < take and (similar := _similar(term)):
        for pk in search_hits.latest(similar, within, take):
            ranks.setdefault(pk, Rank.SIMILAR)
    return _found(dict(list(ranks.items())[:take]), within, term)


def matching(text: str) -> Q:
    """The people of a list whom a term means: the owners of an identifier in full, else all whom its words find.

    Few of them are handed to the planner by id, since it can't know how rare a word is. Two to six statements.
    """
    term = terms.parse(text)
    if owners := exactly(text):
        return Q(pk__in=owners)
    for look in (_starting, _similar):
        if (wanted := look(term)) and (ids := search_hits.hits(wanted)):
            many = CustomerSearch.objects.filter(wanted).values("pk")
            return Q(pk__in=ids if len(ids) <= search_hits.FEW else many)
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
def _by_words(term: Term, within: Any, take: int) -> list[tuple[UUID, Rank]]:
    """Whom the words find, the best reason first: all that are few in one go, else reason by reason."""
    start = _starting(term)
    if not start:
        return []
    better = [
        (rank, _lexemes(query))
        for rank, query in ((Rank.FULL_NAME, terms.full_name(term)), (Rank.WORD, terms.exact_words(term)))
        if query
    ]
    if not term.is_short and len(ids := search_hits.hits(start, within)) <= search_hits.FEW:
        ranks = [*(rank for rank, _ in better), Rank.START]
        found = search_hits.ranked(ids, within, [wanted for _, wanted in better])
        return [(pk, ranks[place]) for pk, place in found[:take]]
    ranked: dict[UUID, Rank] = {}
    for rank, wanted in [*better, (Rank.START, start)]:
        if len(ranked) >= take:
            break
        first = search_hits.recent(wanted, within, take) if wanted is start else []
        enough = len(ranked) + len(first) >= take  # of a short term, a look at all hits is saved
        for pk in first if enough else search_hits.latest(wanted, within, take):
            ranked.setdefault(pk, rank)
    return list(ranked.items())


def _starting(term: Term) -> Q:
    return _each(term, _sight(), {}) if term.tokens else Q()


def _similar(term: Term) -> Q:
    """Who has what was perhaps meant; nothing where no word comes close. One statement, for the words."""
    similar = similar_words(term)
    return _each(term, _sight(), similar) if similar else Q()


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
    """The tenant's words that a slip of the keys turns into those of a term, the closest first.

    One statement for each word that is long enough.
    """
    found = {}
    for typed in dict.fromkeys(term.names):
        if len(typed) < terms.SHORTEST_MISSPELT:
            continue
        rows = select(SIMILAR, [current_tenant().pk, typed])
        near = (
            (terms.distance(typed, row["word"]), row["word"])
            for row in rows
            if terms.is_slip(typed, row["word"])
        )
        if meant := [word for _, word in sorted(near)]:
            found[typed] = meant[:MOST_SIMILAR]
    return found


# --- where it was found
def _found(ranks: Mapping[UUID, Rank], within: Any, term: Term) -> list[Found]:
    """Those of `ranks` who are listed, in its order, with where the term was found.

    One statement where their names and contacts say it, two more for other identifiers.
    """
    people = search_hits.listed(within).select_related("metrics").filter(pk__in=list(ranks))
    profiles = {one.pk: one for one in people} if ranks else {}
    held = {pk: _contacts(profile) for pk, profile in profiles.items()}
    unexplained = [pk for pk, said in held.items() if not _explains(said, term, ranks[pk])]
    if unexplained:
        masks = current_eyes().masks
        holders = AliasHolder.objects.filter(customer__in=unexplained)
        cards = AssociationNumber.objects.filter(customer__in=unexplained)
        for pk, kind, value in (
            *holders.values_list("customer", "alias__kind", "alias__value"),
            *cards.values_list("customer", Value("association"), "number"),
        ):
            held[pk] += [(kind, value)] if may_find_by(kind, masks) else []
    return [
        Found(profiles[pk], rank, _matched_on(held[pk], term, rank))
        for pk, rank in ranks.items()
        if pk in profiles
    ]


def _contacts(profile: CustomerProfile) -> list[Held]:
    said = " ".join(filter(None, (profile.first_name, profile.last_name, profile.display_name)))
    number = "" if profile.scl_member_id is None else str(profile.scl_member_id)
    contacts = [("email", profile.email), ("phoneNumber", profile.phone_number), ("sclMemberId", number)]
    masks = current_eyes().masks
    return [
        ("name", said),
        *((kind, value) for kind, value in contacts if value and may_find_by(kind, masks)),
    ]


def _explains(held: Sequence[Held], term: Term, rank: Rank) -> bool:
    """Do these names and identifiers account for everything that was typed?"""
    return rank is Rank.SIMILAR or all(
        any(terms.touches(token, *one) for one in held) for token in term.tokens
    )


def _matched_on(held: Sequence[Held], term: Term, rank: Rank) -> tuple[Held, ...]:
    if rank is Rank.SIMILAR:
        return (held[0],)
    found = dict.fromkeys(one for token in term.tokens for one in held if terms.touches(token, *one))
    return tuple(found) or (("id", ""),)
