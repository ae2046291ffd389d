"""What leaves: messages put into words, for those who are about to send them and those who look at what was sent."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parseaddr
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from campaigns import tokens, variables, wordings
from campaigns.models import (
    CampaignRun,
    CampaignType,
    CampaignVariant,
    Message,
    MessageClass,
    Origin,
    Reason,
    Sender,
    TemplateContent,
)
from campaigns.rendering import LinkMaker, PlainLinks, Rendered, RenderFailed, Words, render
from campaigns.senders import senders_by_ref
from crm.messaging import delivery
from crm.tenancy.masks import Personal
from crm.tenancy.models import Club
from crm.tenancy.scope import current_eyes, current_tenant
from customers.models import CustomerProfile
from customers.models.veil import as_seen

ALWAYS = ("currency", "isService", "_zone", "_dateFormat")  # what words need that name no variable
SPELT = 1_000  # subjects of variants that a process keeps ready
_spelt: dict[tuple[int, str], Words] = {}


# Values that a mask may keep back.
KEPT_BACK = {"customFields": Personal.CUSTOM_FIELDS, "lifetimeValue": Personal.SCORES}


class Made(NamedTuple):
    """A message in words: what leaves, and what is kept to show it as it was."""

    outgoing: delivery.Outgoing
    content_id: int
    language: str
    variables: dict[str, Any]
    parts: int


class NotMade(NamedTuple):
    """Why there are no words for a message."""

    reason: str
    why: str = ""


class Said(NamedTuple):
    """The wording that a message is made of."""

    content: TemplateContent
    words: Words


def key_of(message: Message) -> str:
    """What names a message to its provider, at every attempt."""
    return f"{current_tenant().pk.hex}:{message.pk}"


def make(messages: Sequence[Message], *, again: bool = False) -> dict[int, Made | NotMade]:
    """Message id -> its words. A dozen statements and two a run, however many messages.

    again: with the wording and the values that it was made of the first time, for a second try under the same key.
    """
    if not messages:
        return {}
    senders = senders_by_ref()
    said = _as_before(messages) if again else _said(messages, senders)
    values = {one.pk: one.variables or {} for one in messages} if again else _values(messages, senders)
    found: dict[int, Made | NotMade] = {}
    for message in messages:
        if message.pk not in said:
            found[message.pk] = NotMade(Reason.NO_CONTENT)
        elif message.pk not in values:
            found[message.pk] = NotMade(Reason.ERASED)
        else:
            sender = senders.get(message.club_ref) or senders[""]
            found[message.pk] = _made(message, said[message.pk], values[message.pk], sender)
    return found


def _made(message: Message, said: Said, values: Mapping[str, Any], sender: Sender) -> Made | NotMade:
    try:
        rendered = render(said.words, values, tokens.MessageLinks(message.pk, sender, said.words.links))
    except RenderFailed as error:
        return NotMade(Reason.RENDER_ERROR, str(error))
    if not (rendered.text.strip() or rendered.html.strip() or rendered.extra):
        return NotMade(Reason.NO_CONTENT)
    outgoing = delivery.Outgoing(
        key=key_of(message), channel=delivery.Channel(message.channel), to=message.address,
        sender=_sender(sender, message.channel), subject=rendered.subject, html=rendered.html, text=rendered.text,
        headers=tokens.headers(message, sender), is_marketing=message.message_class == MessageClass.MARKETING,
        **_extra(message, said, rendered),
    )  # fmt: skip
    return Made(outgoing, said.content.pk, said.content.language, kept(said.words, values), rendered.parts)


def kept(words: Words, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that words took: as little of a person as shows what was said to them."""
    if any("{" in url for url in words.links):
        return dict(values)
    roots = {name.partition(".")[0] for name in words.facts.variables}
    return {name: values[name] for name in (*sorted(roots), *ALWAYS) if name in values}


def _sender(sender: Sender, channel: str) -> delivery.Sender:
    name, address = parseaddr(settings.EMAIL_FROM)
    phone = sender.whatsapp_from if channel == "WHATSAPP" else sender.sms_from
    return delivery.Sender(
        name=sender.from_name or name or current_tenant().name, email=sender.from_email or address,
        reply_to=sender.reply_to, phone=phone, account={"tenantId": current_tenant().slug},
    )  # fmt: skip


def _extra(message: Message, said: Said, rendered: Rendered) -> dict[str, Any]:
    """What only a push or a WhatsApp message has."""
    extra = rendered.extra
    if message.channel == "WHATSAPP" and extra.get("template"):
        parameters = json.dumps(extra.get("parameters", []))
        language = str(extra.get("language") or said.content.language)
        return {"data": {"template": str(extra["template"]), "language": language, "parameters": parameters}}
    if message.channel == "PUSH":
        return {"link": str(extra.get("link", "")), "image": str(extra.get("image", ""))}
    return {}


# --- which words
def _said(messages: Sequence[Message], senders: Mapping[str, Sender]) -> dict[int, Said]:
    """The wording of each: of its variant's template, or of the template of the wording that it was planned with."""
    runs = _runs(messages)
    variants = CampaignVariant.objects.in_bulk({one.variant_id for one in messages if one.variant_id})
    planned = TemplateContent.objects.in_bulk(
        {one.content_id for one in messages if one.content_id and not one.run_id}
    )
    people = {one.customer_id for one in messages}
    languages = dict(CustomerProfile.objects.filter(pk__in=people).values_list("pk", "language"))
    clubs = {ref: club for club in Club.objects.all() for ref in club.refs}
    templates = {one.pk: _template(one, variants, planned) for one in messages}
    latest = {pk: _latest(run, set(templates.values()) - {None}) for pk, run in runs.items()}
    chosen: dict[int, TemplateContent] = {}
    for message in messages:
        fixed = planned.get(message.content_id) if message.origin == Origin.TEST else None
        others = wordings.fallbacks(senders.get(message.club_ref) or senders[""], clubs.get(message.club_ref))
        contents = latest[message.run_id].get(templates[message.pk], {})
        found = fixed or wordings.choose(contents, languages.get(message.customer_id, ""), others)
        if found is not None:
            chosen[message.pk] = found
    ready = wordings.words_of_many(chosen.values())
    subjects = {one.pk: variants[one.variant_id].subject for one in messages if one.variant_id in variants}
    return {
        pk: Said(content, _with_subject(content.pk, ready[content.pk], subjects.get(pk, "")))
        for pk, content in chosen.items()
    }


def _template(
    message: Message, variants: Mapping[Any, CampaignVariant], planned: Mapping[Any, TemplateContent]
) -> Any:
    if message.variant_id in variants:
        return variants[message.variant_id].template_id_on(message.channel)
    return planned[message.content_id].template_id if message.content_id in planned else None


def _runs(messages: Sequence[Message]) -> dict[Any, CampaignRun | None]:
    wanted = {one.run_id for one in messages if one.run_id}
    rows = CampaignRun.objects.select_related("campaign__club").in_bulk(wanted)
    return {None: None, **rows}


def _latest(run: CampaignRun | None, templates: Iterable[UUID]) -> dict[UUID, dict[str, TemplateContent]]:
    """The words that count: of a run as they were when it began, so that nobody gets others than were approved."""
    if run is None or run.campaign.type == CampaignType.TRIGGERED:
        return wordings.latest(templates)
    found: dict[UUID, dict[str, TemplateContent]] = defaultdict(dict)
    rows: Any = TemplateContent.objects.filter(template__in=list(templates), created_at__lte=run.started_at)
    for row in rows.order_by("template", "language", "-revision").distinct("template", "language"):
        if not wordings.is_withdrawn(row):
            found[row.template_id][row.language] = row
    return found


def with_subject(words: Words, subject: str) -> Words:
    """The words with another subject. Keep it: making one is the work."""
    return Words(
        channel=words.channel, language=words.language, subject=subject, html=words.sources["html"],
        text=words.sources["text"], links=words.links, extra=words.extra,
    )  # fmt: skip


def _with_subject(content: int, words: Words, subject: str) -> Words:
    """The words with a variant's own subject; kept by the process."""
    if not subject:
        return words
    if (content, subject) not in _spelt:
        if len(_spelt) >= SPELT:
            _spelt.clear()
        _spelt[content, subject] = with_subject(words, subject)
    return _spelt[content, subject]


def _as_before(messages: Sequence[Message]) -> dict[int, Said]:
    contents = TemplateContent.objects.in_bulk({one.content_id for one in messages if one.content_id})
    ready = wordings.words_of_many(contents.values())
    variants = CampaignVariant.objects.in_bulk({one.variant_id for one in messages if one.variant_id})
    found = {}
    for message in messages:
        if (content := contents.get(message.content_id)) is not None:
            variant = variants.get(message.variant_id)
            words = _with_subject(content.pk, ready[content.pk], variant.subject if variant else "")
            found[message.pk] = Said(content, words)
    return found


# --- which values
def _values(messages: Sequence[Message], senders: Mapping[str, Sender]) -> dict[int, Mapping[str, Any]]:
    """What is known of whom each is for; the event that set it off comes with the message. A batch is of one run."""
    runs = _runs(messages)
    clubs = {ref: club for club in Club.objects.all() for ref in club.refs}
    groups: dict[tuple[Any, str, str], list[Message]] = defaultdict(list)
    for message in messages:
        groups[message.run_id, message.club_ref, message.message_class].append(message)
    found: dict[int, Mapping[str, Any]] = {}
    for (run, ref, message_class), group in groups.items():
        loaded = variables.load(
            {one.customer_id for one in group}, run=runs.get(run), sender=senders.get(ref) or senders[""],
            club=clubs.get(ref), message_class=message_class,
        )  # fmt: skip
        for message in group:
            if (values := loaded.get(message.customer_id)) is not None:
                event = (message.variables or {}).get("event")
                if event:
                    values = type(values)({**values, "event": event}, values.shared)
                found[message.pk] = values
    return found


# --- as it was
def shown(message: Message, *, links: LinkMaker | None = None) -> Rendered | None:
    """A message as it was said; None where it never got its words, or they were erased.

    links: where its links lead; straight where they go, unless told. For eyes from which something is kept there is the
    text alone, without what they may not see; nothing, where it was made of that. Raises RenderFailed.
    """
    said, masks = _as_before([message]).get(message.pk), current_eyes().masks
    if said is None or message.variables is None:
        return None
    if any(kind in masks for name, kind in KEPT_BACK.items() if name in message.variables):
        return None
    found = render(said.words, message.variables, links or PlainLinks(settings.PUBLIC_URL))
    if not masks:
        return found
    return found._replace(html="", text=as_seen(found.text), subject=as_seen(found.subject))


def shown_to_its_reader(message: Message) -> Rendered | None:
    """The same for whoever got it: they can leave by its links. Raises RenderFailed."""
    said = _as_before([message]).get(message.pk)
    if said is None:
        return None
    senders = senders_by_ref()
    sender = senders.get(message.club_ref) or senders[""]
    return shown(message, links=tokens.MessageLinks(message.pk, sender, said.words.links))
