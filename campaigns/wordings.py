"""The words of templates as they are kept: which language somebody reads, and words made ready to be sent."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Any
from uuid import UUID

from campaigns.models import Link, MessageTemplate, Sender, TemplateContent
from campaigns.rendering import Words
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant

MOST_READY = 200
_ready: "OrderedDict[int, Words]" = OrderedDict()
_lock = Lock()


def latest(template_ids: Iterable[UUID]) -> dict[UUID, dict[str, TemplateContent]]:
    """The words that count, by template and language; a language that was taken away is not in it. One statement."""
    ids = list(template_ids)
    found: dict[UUID, dict[str, TemplateContent]] = {pk: {} for pk in ids}
    rows: Any = TemplateContent.objects.filter(template__in=ids)
    for row in rows.order_by("template", "language", "-revision").distinct("template", "language"):
        if not is_withdrawn(row):
            found[row.template_id][row.language] = row
    return found


def is_withdrawn(content: TemplateContent) -> bool:
    """Whether this revision says only that there is nothing in its language any more."""
    return not (content.body or content.extra or content.subject)


def fallbacks(sender: Sender | None = None, club: Club | None = None) -> list[str]:
    """The languages to try after a person's own: the club's, those that the sender names, the tenant's."""
    of_club = club.language if club else ""
    named = list(sender.fallback_languages) if sender is not None else []
    return [one for one in (of_club, *named, current_tenant().language) if one]


def choose(
    contents: Mapping[str, TemplateContent], language: str, others: Sequence[str] = ()
) -> TemplateContent | None:
    """The words for somebody: their language, its base, another of its kind; then the same of the others; then any.

    None only where there are no words at all.
    """
    for wanted in (language, *others):
        if found := _nearest(contents, wanted):
            return found
    return contents.get("en") or next((contents[name] for name in sorted(contents)), None)


def _nearest(contents: Mapping[str, TemplateContent], wanted: str) -> TemplateContent | None:
    names = {name.lower(): name for name in contents}
    tag = wanted.replace("_", "-").lower()
    base = tag.split("-")[0]
    kin = next((names[name] for name in sorted(names) if name.split("-")[0] == base), None) if base else None
    name = names.get(tag) or names.get(base) or kin
    return contents[name] if name else None


def content_for(
    template: MessageTemplate, language: str, others: Sequence[str] = ()
) -> TemplateContent | None:
    """As `choose`, of one template. One statement."""
    return choose(latest([template.pk])[template.pk], language, others)


def words_of(content: TemplateContent) -> Words:
    """Words made ready; kept by the process, since a revision never changes. One statement the first time."""
    return words_of_many([content])[content.pk]


def words_of_many(contents: Iterable[TemplateContent]) -> dict[int, Words]:
    """As `words_of`, by the contents' ids. One statement for all that are new, and one for their templates."""
    rows = {row.pk: row for row in contents}
    with _lock:
        found = {pk: _ready[pk] for pk in rows if pk in _ready}
        for pk in found:
            _ready.move_to_end(pk)
    missing = [row for pk, row in rows.items() if pk not in found]
    if missing:
        made = _make(missing)
        with _lock:
            _ready.update(made)
            while len(_ready) > MOST_READY:
                _ready.popitem(last=False)
        found |= made
    return found


def _make(contents: list[TemplateContent]) -> dict[int, Words]:
    ids = [row.pk for row in contents]
    links: dict[int, list[str]] = {pk: [] for pk in ids}
    for link in Link.objects.filter(content__in=ids).order_by("content", "position"):
        links[link.content_id].append(link.url)
    templates = MessageTemplate.objects.filter(pk__in={row.template_id for row in contents})
    channels = dict(templates.values_list("pk", "channel"))
    return {
        row.pk: as_words(
            channels[row.template_id], row.language, row.subject, row.html, row.text, links[row.pk], row.extra
        )
        for row in contents
    }


def as_words(
    channel: str,
    language: str,
    subject: str,
    html: str,
    text: str,
    links: Sequence[str],
    extra: Mapping[str, Any],
) -> Words:
    link = extra.get("link")
    if link and link in links:
        extra = {**extra, "link": f"{{{{ _link[{list(links).index(link)}] }}}}"}
    return Words(
        channel=channel,
        language=language,
        subject=subject,
        html=html,
        text=text,
        links=tuple(links),
        extra=extra,
    )
