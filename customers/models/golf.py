"""Golf facts: memberships, bookings, competitions, handicaps."""

from django.db import models

from crm.tenancy.models.checks import currency_code, one_of
from customers.models.facts import SourceFact, by_time, fact_constraints


class Membership(SourceFact):
    """A person's membership of one club; what club-limited staff may see hangs on it too.

    The key is "<member>:<club>". What a source says without naming a club lies under "<member>:" and holds at
    every club of the member.
    """

    club_ref = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=50, blank=True)
    tier = models.CharField(max_length=100, blank=True)
    type = models.CharField(max_length=100, blank=True)
    joined_on = models.DateField(null=True)
    left_on = models.DateField(null=True)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("membership")
        indexes = [
            models.Index(fields=["tenant", "customer"], name="membership_of"),
            models.Index(fields=["tenant", "club_ref", "customer"], name="membership_at"),
            models.Index(
                fields=["tenant", "key"],
                name="memberships_of_member",
                opclasses=["uuid_ops", "varchar_pattern_ops"],
            ),
        ]


class BookingStatus(models.TextChoices):
    BOOKED = "BOOKED", "Booked"
    COMPLETED = "COMPLETED", "Played"
    CANCELLED = "CANCELLED", "Cancelled"
    NO_SHOW = "NO_SHOW", "No-show"


class Booking(SourceFact):
    """A tee time; `customer` is who booked it."""

    free_text = ("cancel_reason", "party")

    Status = BookingStatus

    club_ref = models.CharField(max_length=100, blank=True)
    club_name = models.CharField(max_length=200, blank=True)
    course_ref = models.CharField(max_length=100, blank=True)
    course_name = models.CharField(max_length=200, blank=True)
    tee_time = models.DateTimeField(null=True)
    holes = models.PositiveSmallIntegerField(null=True)
    amount_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    channel = models.CharField(max_length=50, blank=True)
    status = models.CharField(max_length=9, choices=Status.choices, blank=True)
    booked_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=200, blank=True)
    party = models.JSONField(default=list, help_text="The players as the source sent them.")

    class Meta(SourceFact.Meta):
        constraints = [
            *fact_constraints("booking"),
            one_of("status", BookingStatus, name="booking_status", or_blank=True),
            currency_code(name="booking_currency"),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "booked_at"], name="booking_of"),
            models.Index(fields=["tenant", "club_ref", "customer"], name="booking_at"),
            by_time("tee_time", name="bookings_by_tee_time"),
        ]


class BookingPlayer(SourceFact):
    """Someone in the party of a booking, known to us or by name only."""

    booking_key = models.CharField(max_length=200)
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    is_booker = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(null=True)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("booking_player")
        indexes = [
            models.Index(fields=["tenant", "booking_key"], name="players_of_booking"),
            models.Index(fields=["tenant", "customer"], name="booking_player_of"),
        ]


class CompetitionEntry(SourceFact):
    """A person's entry in a competition, with the result once there is one."""

    competition_key = models.CharField(max_length=200)
    club_ref = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=20, blank=True)
    entered_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    position = models.PositiveIntegerField(null=True)
    score = models.IntegerField(null=True)
    gross = models.IntegerField(null=True)
    stableford = models.IntegerField(null=True)

    class Meta(SourceFact.Meta):
        verbose_name_plural = "competition entries"
        constraints = fact_constraints("competition_entry")
        indexes = [
            models.Index(fields=["tenant", "competition_key"], name="entries_of_competition"),
            models.Index(fields=["tenant", "customer"], name="competition_entry_of"),
        ]


class HandicapRevision(SourceFact):
    """One step of a handicap history."""

    handicap = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    previous = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    effective_on = models.DateField(null=True)
    authority = models.CharField(max_length=50, blank=True)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("handicap_revision")
        indexes = [models.Index(fields=["tenant", "customer", "-effective_on"], name="handicap_history_of")]


class AssociationNumber(SourceFact):
    """A person's number at a golf association (Golf RSA, CDH …)."""

    association = models.CharField(max_length=100)
    number = models.CharField(max_length=200)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("association_number")
        indexes = [models.Index(fields=["tenant", "customer"], name="association_number_of")]


class ClubEvent(SourceFact):
    """A competition or another event of a club; about nobody in particular."""

    kind = models.CharField(max_length=20, blank=True)
    name = models.CharField(max_length=200, blank=True)
    club_ref = models.CharField(max_length=100, blank=True)
    starts_on = models.DateField(null=True)
    entry_closes_at = models.DateTimeField(null=True)
    format = models.CharField(max_length=50, blank=True)
    max_entries = models.PositiveIntegerField(null=True)
    status = models.CharField(max_length=20, blank=True)
    details = models.JSONField(default=dict)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("club_event")
        indexes = [models.Index(fields=["tenant", "club_ref", "starts_on"], name="club_events_by_date")]


class CourseClosure(SourceFact):
    """Whether a course is open, and since when not."""

    club_ref = models.CharField(max_length=100, blank=True)
    course_ref = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    closed_from = models.DateTimeField(null=True)
    closed_until = models.DateTimeField(null=True)
    is_closed = models.BooleanField(default=False)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("course_closure")
