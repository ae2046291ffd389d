"""The segments that every tenant has: by value, engagement, churn risk and stage. Made once, kept by the platform."""

from crm.tenancy.scope import current_tenant
from crm.tenancy.setup import furnishes
from segments.models import Frequency, Segment
from segments.services import create_segment, free_name
from segments.templates import Template, Thresholds, automatic, templates

# What staff see change under their hands follows at once; bands of scores follow the nightly scoring.
AT_ONCE = ("Value", "Lifecycle")


def thresholds() -> Thresholds:
    """What the open tenant takes for much."""
    return Thresholds(at_risk=current_tenant().at_risk_threshold)


def shelves() -> list[Template]:
    """What staff of the open tenant can start from."""
    return templates(thresholds())


@furnishes
def furnish_segments(*, by: str) -> int:
    """Make the segments that the open tenant lacks; how many those were. Whatever was renamed since stays so."""
    there = set(Segment.objects.kept().filter(is_system=True).values_list("key", flat=True))
    missing = [template for template in automatic(thresholds()) if template.key not in there]
    for template in missing:
        live = template.group in AT_ONCE
        create_segment(
            free_name(template.name, ""), by=by, type=template.type, criteria=template.criteria,
            category=template.category, description=template.description, key=template.key, is_system=True,
            refresh_frequency=Frequency.LIVE if live else template.frequency,
        )  # fmt: skip
    return len(missing)
