"""Making templates, changing, copying and archiving them: each in one transaction with its audit entry."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaigns import variables, wordings, writing
from campaigns.checking import InvalidTemplate
from campaigns.models import CampaignStatus, CampaignVariant, MessageTemplate, TemplateContent
from campaigns.personalisation import Registry
from campaigns.writing import Made, Wording
from crm.errors import Conflict, Detail, DuplicateResource, NotFound, ValidationFailed
from crm.tenancy import audit
from crm.tenancy.models import Club
from crm.tenancy.scope import current_tenant
from crm.versions import ANY, Condition

COPY = " (Copy)"
LONGEST_NAME = 200
MOST_LANGUAGES = 40
WRITTEN = ("name", "description", "club_id")
UNDER_WAY = (CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
PLACES = ("email_template", "sms_template", "push_template", "whatsapp_template")


class TemplateNotFound(NotFound):
    """There is no template with this id."""

    code = "TEMPLATE_NOT_FOUND"


class TemplateInUse(Conflict):
    """A campaign that is scheduled or under way uses it."""

    code = "TEMPLATE_IN_USE"


def find_template(pk: UUID, *, locked: bool = False) -> MessageTemplate:
    """A template that nobody archived. Raises TemplateNotFound."""
    rows: Any = MessageTemplate.objects.kept().select_related("club")
    found: MessageTemplate | None = (
        (rows.select_for_update(of=["self"]) if locked else rows).filter(pk=pk).first()
    )
    if found is None:
        raise TemplateNotFound
    return found


@transaction.atomic
def create_template(
    name: str, *, by: str, channel: str, contents: Iterable[Wording] = (), key: str = "", **fields: Any
) -> MessageTemplate:
    """Make a template with its words. fields: description, club_id.

    Raises InvalidTemplate, ValidationFailed, DuplicateResource.
    """
    now = timezone.now()
    template = MessageTemplate(
        tenant=current_tenant(), name=name.strip(), channel=channel, key=key, created_at=now, created_by=by,
        updated_at=now, updated_by=by, **fields,
    )  # fmt: skip
    _check(template)
    made = _make(template, contents)
    template.save(force_insert=True)
    _keep(template, made, {}, by=by)
    after = _told(template) | {"languages": [one.wording.language for one in made]}
    audit.record("template.created", by=by, object_type="template", object_id=template.pk, after=after)
    return template


@transaction.atomic
def change_template(
    pk: UUID, changes: Mapping[str, Any], *, by: str, if_match: Condition = ANY
) -> MessageTemplate:
    """Change a template. `contents` are Wordings: each other one than before becomes the next revision of its language.

    `remove_languages` takes languages away; the words stay with what was sent. Raises TemplateNotFound,
    PreconditionFailed, InvalidTemplate, ValidationFailed, DuplicateResource.
    """
    template = find_template(pk, locked=True)
    if_match.check(template.etag)
    before = _told(template)
    for name in WRITTEN:
        if name in changes:
            setattr(template, name, changes[name])
    after = _told(template)
    if before != after:
        _check(template)
    present = wordings.latest([pk])[pk]
    gone = _removed(present, changes.get("remove_languages", ()))
    made = _make(template, changes.get("contents", ()))
    written = [one for one in made if not _is_same(present.get(one.wording.language), one.wording)]
    if before == after and not written and not gone:
        return template
    _keep(template, [*written, *gone], present, by=by)
    template.version += 1
    template.updated_at, template.updated_by = timezone.now(), by
    template.save(update_fields=[*WRITTEN, "version", "updated_at", "updated_by"])
    changed = [name for name in after if after[name] != before[name]]
    audit.record(
        "template.changed", by=by, object_type="template", object_id=pk,
        before={name: before[name] for name in changed},
        after={
            **{name: after[name] for name in changed}, "languages": [one.wording.language for one in written],
            "removed": [one.wording.language for one in gone],
        },
    )  # fmt: skip
    return template


@transaction.atomic
def archive_template(pk: UUID, *, by: str, if_match: Condition = ANY) -> None:
    """Take a template out of use. Raises TemplateNotFound, PreconditionFailed, TemplateInUse."""
    template = find_template(pk, locked=True)
    if_match.check(template.etag)
    if users := used_by(pk):
        details = [Detail("campaign", "TEMPLATE_IN_USE", f"{name} ({found})") for found, name in users]
        raise TemplateInUse(f"It is used by {', '.join(name for _pk, name in users[:5])}.", details=details)
    template.archived_at, template.updated_by = timezone.now(), by
    template.save(update_fields=["archived_at", "updated_by"])
    audit.record(
        "template.archived", by=by, object_type="template", object_id=pk, before={"name": template.name}
    )


@transaction.atomic
def clone_template(pk: UUID, *, by: str, name: str = "") -> MessageTemplate:
    """Copy a template with the words that count. Raises TemplateNotFound, DuplicateResource."""
    found = find_template(pk)
    contents = [wording_of(one) for one in wordings.latest([pk])[pk].values()]
    return create_template(
        name or free_name(found.name), by=by, channel=found.channel, contents=contents, key=found.key,
        description=found.description, club_id=found.club_id,
    )  # fmt: skip


def used_by(pk: UUID) -> list[tuple[UUID, str]]:
    """The campaigns that need a template: their ids and names. One statement."""
    uses = Q()
    for place in PLACES:
        uses |= Q(**{place: pk})
    rows: Any = CampaignVariant.objects.filter(
        uses, campaign__status__in=UNDER_WAY, campaign__deleted_at=None
    )
    return list(rows.order_by("campaign__name").values_list("campaign", "campaign__name").distinct())


def free_name(name: str, suffix: str = COPY) -> str:
    """A name that no template has: with the suffix, and a number where that is taken too."""
    taken = set(MessageTemplate.objects.kept().values_list("name", flat=True))
    number = 1
    while True:
        tail = suffix if number == 1 else f"{suffix} {number}"
        found = name[: LONGEST_NAME - len(tail)] + tail
        if found not in taken:
            return found
        number += 1


def wording_of(content: TemplateContent) -> Wording:
    """The words as they were written."""
    return Wording(
        content.language, content.subject, content.preheader, content.body, content.plain, content.extra
    )


# --- inside
def _make(template: MessageTemplate, contents: Iterable[Wording]) -> list[Made]:
    """Every wording checked and made ready. Raises InvalidTemplate with the language of each problem."""
    wordings_ = list(contents)
    registry: Registry = variables.registry()
    made, problems = [], []
    for number, wording in enumerate(wordings_):
        try:
            made.append(writing.make(template.channel, wording, registry))
        except InvalidTemplate as error:
            problems += [one._replace(part=f"contents[{number}].{one.part}") for one in error.problems]
    if problems:
        raise InvalidTemplate(problems)
    languages = [one.wording.language for one in made]
    if len(set(languages)) < len(languages):
        words = "Each language can be there once."
        raise ValidationFailed(words, details=[Detail("contents", "INVALID_FIELD", words)])
    return made


def _keep(
    template: MessageTemplate, made: Sequence[Made], present: Mapping[str, TemplateContent], *, by: str
) -> None:
    if len({*present, *(one.wording.language for one in made)}) > MOST_LANGUAGES:
        words = f"A template has {MOST_LANGUAGES} languages at most."
        raise ValidationFailed(words, details=[Detail("contents", "INVALID_FIELD", words)])
    revisions = _revisions(template)
    for one in made:
        number = revisions.get(one.wording.language, 0) + 1
        writing.keep(template, one, revision=number, by=by)


def _revisions(template: MessageTemplate) -> dict[str, int]:
    rows = TemplateContent.objects.filter(template=template).order_by("revision")
    return dict(rows.values_list("language", "revision"))


def _removed(present: Mapping[str, TemplateContent], languages: Iterable[str]) -> list[Made]:
    """Empty revisions of languages that are there. Raises ValidationFailed."""
    wanted = [writing.language_tag(one) for one in languages]
    if unknown := [one for one in wanted if one not in present]:
        words = f"It has no words in {', '.join(unknown)}."
        raise ValidationFailed(words, details=[Detail("removeLanguages", "INVALID_FIELD", words)])
    return [Made(Wording(one), "", "", []) for one in dict.fromkeys(wanted)]


def _is_same(content: TemplateContent | None, wording: Wording) -> bool:
    return content is not None and wording_of(content) == wording._replace(extra=dict(wording.extra))


def _check(template: MessageTemplate) -> None:
    problems = []
    if not template.name:
        problems.append(Detail("name", "MISSING_FIELD", "Give it a name."))
    if template.club_id and not Club.objects.filter(pk=template.club_id).exists():
        problems.append(Detail("clubId", "INVALID_FIELD", "There is no club with this id."))
    if problems:
        raise ValidationFailed(" ".join(one.message for one in problems), details=problems)
    others: Any = MessageTemplate.objects.kept().exclude(pk=template.pk).filter(name=template.name)
    if other := others.first():
        raise DuplicateResource(
            f"There is a template “{template.name}” already.", details=[Detail("id", "TAKEN", str(other.pk))]
        )


def _told(template: MessageTemplate) -> dict[str, Any]:
    told = {name: getattr(template, name) for name in WRITTEN}
    return told | {
        "channel": template.channel, "club_id": str(template.club_id) if template.club_id else None,
    }  # fmt: skip
