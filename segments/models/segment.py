"""A segment: whom it means, how often that is worked out, and how the last time went."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.tenancy.models import Club, TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.checks import is_map, one_of
from crm.tenancy.scope import current_tenant


class SegmentType(models.TextChoices):
    STATIC = "STATIC", _("List")
    DYNAMIC = "DYNAMIC", _("By rules")
    SMART = "SMART", _("By scores")
    IMPORT = "IMPORT", _("From a file")


LISTS = (SegmentType.STATIC, SegmentType.IMPORT)


class Category(models.TextChoices):
    BEHAVIORAL = "BEHAVIORAL", _("Behaviour")
    DEMOGRAPHIC = "DEMOGRAPHIC", _("Who they are")
    VALUE = "VALUE", _("Value")
    CUSTOM = "CUSTOM", _("Other")


class Frequency(models.TextChoices):
    MANUAL = "MANUAL", _("When asked")
    HOURLY = "HOURLY", _("Every hour")
    DAILY = "DAILY", _("Every night")
    LIVE = "LIVE", _("At once")


class State(models.TextChoices):
    FRESH = "FRESH", _("Up to date")
    STALE = "STALE", _("Out of date")
    REFRESHING = "REFRESHING", _("Being worked out")
    BROKEN = "BROKEN", _("Broken")


# How old the last whole refresh, or the clock of a live one, may be.
FRESH_FOR = {
    Frequency.HOURLY: timedelta(minutes=75),
    Frequency.DAILY: timedelta(hours=26),
    Frequency.LIVE: timedelta(minutes=5),
}


class SegmentQuerySet(models.QuerySet["Segment"]):
    def kept(self) -> "SegmentQuerySet":
        """Those that nobody deleted."""
        return self.filter(deleted_at=None)

    def in_use(self) -> "SegmentQuerySet":
        """Those whose members are kept up."""
        return self.kept().filter(is_active=True)

    def live(self) -> "SegmentQuerySet":
        return self.in_use().filter(refresh_frequency=Frequency.LIVE)

    def by_the_clock(self) -> "SegmentQuerySet":
        """Those that are worked out every hour or every night."""
        return self.in_use().filter(refresh_frequency__in=[Frequency.HOURLY, Frequency.DAILY])

    def due(self, now: datetime) -> "SegmentQuerySet":
        """Those that are to be worked out whole by now, the longest due first."""
        return self.in_use().filter(due_at__lte=now).order_by("due_at", "pk")

    def settled(self) -> "SegmentQuerySet":
        """Those whose members follow from the rules as they are now."""
        return self.filter(refreshed_version=models.F("criteria_version"))

    def with_state(self, now: datetime) -> "SegmentQuerySet":
        """Each with its state as `told`, as `Segment.state` tells it."""
        cases = [models.When(condition, then=models.Value(state.value)) for state, condition in _states(now)]
        told = models.Case(*cases, default=models.Value(State.FRESH.value), output_field=models.CharField())
        return self.annotate(told=told)

    def in_state(self, state: str, now: datetime) -> "SegmentQuerySet":
        return self.with_state(now).filter(models.Q(("told", state)))


def _states(now: datetime) -> list[tuple[State, models.Q]]:
    """Each state but FRESH, with what holds of those in it that are in none before it."""
    Q = models.Q
    old = Q(refreshed_at=None) | ~Q(refreshed_version=models.F("criteria_version"))
    for frequency in (Frequency.HOURLY, Frequency.DAILY):
        old |= Q(refresh_frequency=frequency, refreshed_at__lt=now - FRESH_FOR[frequency])
    behind = Q(refresh_frequency=Frequency.LIVE, clock_at__lt=now - FRESH_FOR[Frequency.LIVE])
    return [
        (State.REFRESHING, Q(refresh_started_at__isnull=False)),
        (State.BROKEN, ~Q(refresh_error="")),
        (State.STALE, (old | behind) & ~Q(type__in=LISTS)),
    ]


class Segment(TenantModel):
    """Some people of a tenant, by rules or by hand.

    criteria:  the rules as segments.rules dumps them; empty of a list.
    version:   of what people write, which makes the ETag; criteria_version: of the rules alone.
    references: the segments that the rules speak of.
    due_at:    when it is to be worked out whole; the row is the record of that work.
    clock_at:  until when what the clock alone changes is applied, of a live one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    club = TenantForeignKey(Club, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=2000, blank=True)
    type = models.CharField(max_length=7, choices=SegmentType.choices, default=SegmentType.DYNAMIC)
    category = models.CharField(max_length=11, choices=Category.choices, default=Category.CUSTOM)
    criteria = models.JSONField(default=dict, blank=True)
    criteria_version = models.PositiveIntegerField(default=1, editable=False)
    references = ArrayField(models.UUIDField(), default=list, blank=True, editable=False)
    refresh_frequency = models.CharField(max_length=6, choices=Frequency.choices, default=Frequency.LIVE)
    is_active = models.BooleanField(default=True)
    is_system = models.BooleanField(default=False, editable=False)
    key = models.CharField(max_length=60, blank=True, editable=False, help_text="Of the template it is of.")

    member_count = models.PositiveIntegerField(default=0, editable=False)
    due_at = models.DateTimeField(null=True, editable=False)
    refreshed_at = models.DateTimeField(null=True, editable=False)
    refreshed_version = models.PositiveIntegerField(default=0, editable=False)
    refresh_started_at = models.DateTimeField(null=True, editable=False)
    refresh_ms = models.PositiveIntegerField(null=True, editable=False)
    refresh_error = models.CharField(max_length=500, blank=True, editable=False)
    clock_at = models.DateTimeField(null=True, editable=False)

    messaging_segment_id = models.CharField(max_length=200, blank=True, editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    sync_error = models.CharField(max_length=500, blank=True, editable=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.CharField(max_length=300, blank=True, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_by = models.CharField(max_length=300, blank=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects: ClassVar[Any] = scoped(SegmentQuerySet)

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "id"], name="segment_tenant_key"),
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=models.Q(deleted_at=None), name="segment_name_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "key"],
                condition=models.Q(is_system=True, deleted_at=None),
                name="segment_of_template_once",
            ),
            one_of("type", SegmentType, name="segment_type"),
            one_of("category", Category, name="segment_category"),
            one_of("refresh_frequency", Frequency, name="segment_frequency"),
            is_map("criteria", name="segment_criteria_map"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "due_at"],
                name="segments_due",
                condition=models.Q(due_at__isnull=False, deleted_at=None, is_active=True),
            ),
            models.Index(fields=["tenant", "type", "is_active"], name="segments_by_type"),
            models.Index(fields=["tenant", "club"], name="segments_of_club"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def etag(self) -> str:
        """Changes with what people write, not with who is in it."""
        return f'"{self.pk.hex}-{self.version}"'

    @property
    def is_list(self) -> bool:
        """Whether only hands and files say who is in it."""
        return self.type in LISTS

    @property
    def is_settled(self) -> bool:
        """Whether its members follow from the rules as they are now."""
        return self.refreshed_version == self.criteria_version

    @property
    def zone(self) -> ZoneInfo:
        """Where its days begin: at its club, else the tenant's. A query where it has a club that is not loaded."""
        club = self.club
        return ZoneInfo(club.timezone) if club is not None and club.timezone else current_tenant().zone

    @property
    def state(self) -> State:
        """How far its members can be trusted now."""
        return self.state_at(timezone.now())

    def state_at(self, now: datetime) -> State:
        """As SegmentQuerySet.with_state tells it."""
        if self.refresh_started_at is not None:
            return State.REFRESHING
        if self.refresh_error:
            return State.BROKEN
        return State.STALE if not self.is_list and self._is_old(now) else State.FRESH

    def _is_old(self, now: datetime) -> bool:
        if self.refreshed_at is None or not self.is_settled:
            return True
        if self.refresh_frequency == Frequency.MANUAL:
            return False
        is_live = self.refresh_frequency == Frequency.LIVE
        since = self.clock_at if is_live else self.refreshed_at
        return since is not None and since < now - FRESH_FOR[Frequency(self.refresh_frequency)]

    def next_due(self, now: datetime) -> datetime | None:
        """When to work it out whole again after `now`: nights begin at two. Live ones too, to be sure of them."""
        if self.is_list or self.refresh_frequency == Frequency.MANUAL:
            return None
        if self.refresh_frequency == Frequency.HOURLY:
            return now + timedelta(hours=1)
        local = now.astimezone(self.zone)
        two = local.replace(hour=2, minute=0, second=0, microsecond=0)
        return two if two > local else two + timedelta(days=1)

    def ask_for_refresh(self) -> None:
        """Let it be worked out whole as soon as a worker is free. One statement."""
        type(self).objects.filter(pk=self.pk).update(due_at=Now())
