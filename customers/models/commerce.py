"""Money and service facts: orders, payments, invoices, deals, tickets, privacy requests."""

from django.db import models

from crm.tenancy.models.checks import currency_code, one_of
from customers.models.facts import SourceFact, by_time, fact_constraints


class OrderStatus(models.TextChoices):
    CREATED = "CREATED", "Created"
    PAID = "PAID", "Paid"
    COMPLETED = "COMPLETED", "Completed"
    REFUNDED = "REFUNDED", "Refunded"
    CANCELLED = "CANCELLED", "Cancelled"


class Order(SourceFact):
    """A web-shop order. It counts towards lifetime value from `paid_at` on, less what was refunded."""

    Status = OrderStatus

    status = models.CharField(max_length=9, choices=Status.choices, blank=True)
    total_cents = models.BigIntegerField(null=True)
    refunded_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    items = models.JSONField(default=list)
    channel = models.CharField(max_length=50, blank=True)
    placed_at = models.DateTimeField(null=True)
    paid_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta(SourceFact.Meta):
        constraints = [
            *fact_constraints("order"),
            one_of("status", OrderStatus, name="order_status", or_blank=True),
            currency_code(name="order_currency"),
        ]
        indexes = [
            models.Index(fields=["tenant", "customer", "-placed_at"], name="orders_of"),
            by_time("placed_at", name="orders_by_time"),
        ]


class Payment(SourceFact):
    """A payment to the club, received or failed."""

    free_text = ("failure_reason",)

    amount_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=10, blank=True)
    invoice_key = models.CharField(max_length=200, blank=True)
    paid_at = models.DateTimeField(null=True)
    failure_reason = models.CharField(max_length=200, blank=True)

    class Meta(SourceFact.Meta):
        constraints = [*fact_constraints("payment"), currency_code(name="payment_currency")]
        indexes = [
            models.Index(fields=["tenant", "customer"], name="payments_of"),
            by_time("paid_at", name="payments_by_time"),
        ]


class Invoice(SourceFact):
    amount_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    due_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, blank=True)
    days_overdue = models.PositiveIntegerField(null=True)

    class Meta(SourceFact.Meta):
        constraints = [*fact_constraints("invoice"), currency_code(name="invoice_currency")]
        indexes = [models.Index(fields=["tenant", "customer"], name="invoices_of")]


class Deal(SourceFact):
    free_text = ("reason",)

    value_cents = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta(SourceFact.Meta):
        constraints = [*fact_constraints("deal"), currency_code(name="deal_currency")]
        indexes = [models.Index(fields=["tenant", "customer"], name="deals_of")]


class Ticket(SourceFact):
    """A support ticket."""

    free_text = ("subject",)

    subject = models.CharField(max_length=300, blank=True)
    sentiment = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, blank=True)
    opened_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("ticket")
        indexes = [models.Index(fields=["tenant", "customer"], name="tickets_of")]


class PrivacyRequest(SourceFact):
    """A request about a person's data that waits for the club's decision."""

    free_text = ("reason", "decision")

    class Status(models.TextChoices):
        OPEN = "OPEN", "Open"
        DONE = "DONE", "Done"
        REFUSED = "REFUSED", "Refused"

    class Kind(models.TextChoices):
        ERASURE = "ERASURE", "Erasure"
        ACCESS = "ACCESS", "Access to their data"
        CORRECTION = "CORRECTION", "Correction"
        OBJECTION = "OBJECTION", "Objection to marketing"
        RESTRICTION = "RESTRICTION", "Restriction"
        MAJORITY = "MAJORITY", "Came of age"

    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.ERASURE)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField(max_length=200, blank=True)
    requested_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=300, blank=True)
    decision = models.CharField(max_length=500, blank=True, help_text="What was done, or why not.")

    class Meta(SourceFact.Meta):
        constraints = fact_constraints("privacy_request")
        indexes = [models.Index(fields=["tenant", "status", "requested_at"], name="privacy_requests_open")]
