"""What is wrong with the words of a campaign: for somebody in its audience, for the law, or for the purse."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import quiet_hours, sms, wordings
from campaigns.findings import Facts, Finding, error, warning
from campaigns.models import CampaignType, SendMode, TemplateContent
from campaigns.rendering import Words
from campaigns.services import TEMPLATES
from campaigns.variables import COLUMNS
from crm.tenancy.scope import current_tenant
from customers.models import CustomerProfile
from segments.models import SegmentMember

LOUD = ("SMS", "WHATSAPP", "PUSH")


def check_words(facts: Facts) -> Iterator[Finding]:
    """Every wording that may be sent. A few statements."""
    said = {row.pk: (channel, row) for channel, row in _wordings(facts)}
    ready = wordings.words_of_many(row for _channel, row in said.values())
    missing: dict[str, str] = {}
    for pk, (channel, row) in said.items():
        words, field = ready[pk], f"{channel.lower()}TemplateId"
        yield from _links(words, field)
        missing |= dict.fromkeys(words.facts.required, field)
        if words.facts.needs_event and facts.campaign.type != CampaignType.TRIGGERED:
            yield error(
                "UNDEFINED_VARIABLE", field, _("It speaks of an event, and none sets this campaign off.")
            )
        if channel == "EMAIL" and facts.is_marketing:
            yield from _duties(words, field)
        if channel == "SMS":
            yield from _parts(facts, row, field)
    yield from _undefined(facts, missing)
    yield from _quiet(facts)


def _wordings(facts: Facts) -> Iterator[tuple[str, TemplateContent]]:
    for one in facts.variants:
        for channel in facts.channels:
            for row in facts.contents.get(getattr(one, TEMPLATES[channel]), ()):
                yield channel, row


def _links(words: Words, field: str) -> Iterator[Finding]:
    for url in words.links:
        if "{" in url or url.startswith(("mailto:", "tel:")):
            continue
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or "." not in (parts.hostname or ""):
            yield error("BROKEN_LINK", field, _("{url} leads nowhere.").format(url=url[:200]))


def _duties(words: Words, field: str) -> Iterator[Finding]:
    if not words.facts.has_unsubscribe:
        yield error(
            "UNSUBSCRIBE_MISSING",
            field,
            _("It has no link to unsubscribe: put {{ unsubscribeUrl }} into it."),
        )
    if not words.facts.has_postal_address:
        yield error(
            "ADDRESS_NOT_SHOWN",
            field,
            _("It does not show the postal address: put {{ club.address }} into it."),
        )


def _parts(facts: Facts, row: TemplateContent, field: str) -> Iterator[Finding]:
    parts = sms.count(row.text or row.body).parts
    if parts > 1:
        words = _("About {parts} SMS for each person, {all} in all.")
        yield warning("SMS_PARTS", field, words.format(parts=parts, all=parts * facts.audience))


def _undefined(facts: Facts, missing: dict[str, str]) -> Iterator[Finding]:
    """For how many of the audience something that is printed bare is not known. One statement a variable."""
    if not facts.campaign.segment_ids:
        return
    members = SegmentMember.objects.filter(segment__in=facts.campaign.segment_ids).values("customer")
    people = CustomerProfile.objects.filter(pk__in=members)
    for name, field in sorted(missing.items()):
        if (column := COLUMNS.get(name)) is None or column == "full_name":
            continue
        blank = Q(**{f"{column}__isnull": True})
        if CustomerProfile._meta.get_field(column).get_internal_type() == "CharField":
            blank |= Q(**{column: ""})
        if count := people.filter(blank).count():
            words = _("{name} is not known of {count} people: say what stands there instead, with | default.")
            yield error("UNDEFINED_VARIABLE", field, words.format(name=name, count=count))


def _quiet(facts: Facts) -> Iterator[Finding]:
    campaign = facts.campaign
    at = campaign.scheduled_at or timezone.now()
    if not facts.is_marketing or campaign.send_mode == SendMode.LOCAL_TIME or campaign.recur_pattern:
        return
    region = (campaign.club.region if campaign.club else "") or current_tenant().region
    for channel in facts.channels:
        hours = quiet_hours.hours_for(channel, region, facts.sender.quiet_hours)
        opens = quiet_hours.next_open(hours, at, campaign.zone)
        if opens is None or opens > at:
            words = _("Quiet hours hold {channel} back at that time.").format(channel=channel)
            yield warning("QUIET_HOURS", "scheduledAt", words)
