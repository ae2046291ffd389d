"""What would go wrong with a campaign, before it does: errors keep it off the schedule, warnings are for staff.

Each check is a generator of findings over what all of them need, read once.
"""

from collections.abc import Callable, Iterator
from statistics import median

from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns import schedules, wordings
from campaigns.audience import people_meant
from campaigns.findings import Facts, Finding, Level, error, warning
from campaigns.models import (
    Campaign,
    CampaignRun,
    CampaignType,
    WinnerMetric,
)
from campaigns.preflight_words import check_words
from campaigns.senders import sender_of
from campaigns.services import SOCIAL, TEMPLATES, variants_of
from crm.messaging.delivery import Channel
from crm.messaging.gateways import LOG, gateway_for
from segments.models import Segment, State

JUMP = 2  # times the usual audience
USUAL_OF = 5  # runs that make what is usual


Check = Callable[[Facts], Iterator[Finding]]


def preflight(campaign: Campaign) -> list[Finding]:
    """Everything that was found, errors first. A dozen statements, whatever the audience."""
    facts = facts_of(campaign)
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda one: one.level != Level.ERROR)


def facts_of(campaign: Campaign) -> Facts:
    variants = variants_of(campaign)
    templates = {pk for one in variants for column in TEMPLATES.values() if (pk := getattr(one, column))}
    contents = {pk: list(found.values()) for pk, found in wordings.latest(templates).items()}
    wanted = [*campaign.segment_ids, *campaign.excluded_segment_ids]
    segments = {row.pk: row for row in Segment.objects.kept().filter(pk__in=wanted)}
    return Facts(campaign, variants, contents, segments, sender_of(campaign.club_id), people_meant(campaign))


def check_channels(facts: Facts) -> Iterator[Finding]:
    if not facts.campaign.channels:
        yield error("CHANNEL_REQUIRED", "channels", _("Choose a channel."))
    if SOCIAL in facts.campaign.channels and not facts.campaign.social.get("content"):
        yield error("NO_CONTENT", "social", _("Write what is to be posted."))


def check_segments(facts: Facts) -> Iterator[Finding]:
    campaign = facts.campaign
    needs_one = campaign.type in (CampaignType.ONE_TIME, CampaignType.RECURRING) and facts.channels
    if needs_one and not campaign.segment_ids:
        yield error("SEGMENT_REQUIRED", "segmentIds", _("Say whom it is for: choose a segment."))
    for field, ids in (
        ("segmentIds", campaign.segment_ids),
        ("excludedSegmentIds", campaign.excluded_segment_ids),
    ):
        for pk in ids:
            segment = facts.segments.get(pk)
            if segment is None:
                yield error("SEGMENT_NOT_FOUND", field, _("There is no segment {id} any more.").format(id=pk))
            elif segment.state == State.BROKEN:
                words = _("“{name}” can’t be worked out: {why}").format(
                    name=segment, why=segment.refresh_error
                )
                yield error("SEGMENT_BROKEN", field, words)
            elif segment.state == State.STALE:
                words = _("“{name}” is out of date; it is worked out again before anything is sent.")
                yield warning("SEGMENT_STALE", field, words.format(name=segment))


def check_audience(facts: Facts) -> Iterator[Finding]:
    campaign = facts.campaign
    if not campaign.segment_ids or campaign.type not in (CampaignType.ONE_TIME, CampaignType.RECURRING):
        return
    settled = all(one.refreshed_at or one.is_list for one in facts.segments.values())
    if facts.audience == 0 and settled:
        yield error("AUDIENCE_EMPTY", "segmentIds", _("Nobody is in its segments."))
    runs = CampaignRun.objects.filter(
        campaign__club=campaign.club_id, built_at__isnull=False, target_count__gt=0
    )
    usual = list(runs.order_by("-built_at").values_list("target_count", flat=True)[:USUAL_OF])
    if usual and facts.audience > JUMP * median(usual):
        words = _("It is for {count} people, more than twice as many as usual ({usual}).")
        told = words.format(count=facts.audience, usual=round(median(usual)))
        yield warning("AUDIENCE_JUMP", "segmentIds", told)


def check_content(facts: Facts) -> Iterator[Finding]:
    for one in facts.variants:
        for channel in facts.channels:
            pk, field = getattr(one, TEMPLATES[channel]), f"{channel.lower()}TemplateId"
            if facts.campaign.type != CampaignType.JOURNEY and not facts.contents.get(pk):
                words = _("Variant {name} says nothing on {channel}.").format(name=one.name, channel=channel)
                yield error("NO_CONTENT", field, words)
            if channel == "EMAIL" and any(
                not (one.subject or row.subject) for row in facts.contents.get(pk, ())
            ):
                yield error("NO_SUBJECT", field, _("Variant {name} has no subject.").format(name=one.name))


def check_schedule(facts: Facts) -> Iterator[Finding]:
    campaign, now = facts.campaign, timezone.now()
    if campaign.type == CampaignType.RECURRING:
        if not campaign.recur_pattern:
            yield error("INVALID_SCHEDULE", "recurPattern", _("Say when it is to be sent again and again."))
        elif schedules.next_occurrence(
            campaign.recur_pattern, campaign.zone, campaign.scheduled_at or now, campaign.recur_end_at
        ) is None:  # fmt: skip
            yield error("INVALID_SCHEDULE", "recurEndAt", _("It ends before it is sent for the first time."))
    if campaign.type in (CampaignType.TRIGGERED, CampaignType.JOURNEY):
        words = _("Campaigns that events or journeys set off can be written, but not carried out yet.")
        yield error("NOT_CARRIED_OUT_YET", "type", words)
    if SOCIAL in campaign.channels:
        yield error("NOT_CARRIED_OUT_YET", "channels", _("Nothing can be posted on social media yet."))


def check_variants(facts: Facts) -> Iterator[Finding]:
    campaign = facts.campaign
    if len(facts.variants) < 2:
        return
    if campaign.winner_metric == WinnerMetric.OPENS:
        words = _("Opens are a poor measure: mail programs open messages that nobody has read.")
        yield warning("OPENS_AS_METRIC", "winnerMetric", words)
    sample = facts.audience * campaign.sample_percent // 100
    if campaign.sample_percent < 100 and sample < campaign.winner_min_sample:
        words = _("About {count} people get the variants first, fewer than the {least} that a winner needs.")
        told = words.format(count=sample, least=campaign.winner_min_sample)
        yield warning("SAMPLE_TOO_SMALL", "samplePercent", told)


def check_sender(facts: Facts) -> Iterator[Finding]:
    """Addresses and domain block marketing, unless nothing really leaves from here."""
    if "EMAIL" not in facts.channels or not facts.is_marketing:
        return
    level = Level.WARNING if is_local() else Level.ERROR
    if not facts.sender.from_email:
        yield Finding(
            level, "SENDER_ADDRESS_MISSING", "sender.fromEmail", _("There is no address that it is from.")
        )
    if not facts.sender.postal_address:
        yield Finding(
            level, "POSTAL_ADDRESS_MISSING", "sender.postalAddress", _("The postal address is missing.")
        )
    failed = sorted(
        name for name, found in facts.sender.dns.items() if not (isinstance(found, dict) and found.get("ok"))
    )
    if not facts.sender.dns_checked_at or failed:
        what = ", ".join(failed) or _("never looked at")
        words = _("The domain that it is from is not in order: {what}.").format(what=what)
        yield Finding(level, "DOMAIN_NOT_VERIFIED", "sender.dns", words)


def is_local() -> bool:
    """Whether nothing leaves from here, so that nobody can be harmed."""
    return gateway_for(Channel.EMAIL) is LOG


CHECKS: list[Check] = [
    check_channels, check_segments, check_audience, check_content, check_schedule, check_variants, check_sender,
    check_words,
]  # fmt: skip
