"""Tasks of the platform itself."""

from typing import Any

from celery import current_task
from django.utils import timezone

from crm.health import silence
from crm.heartbeats import beat_heart
from crm.outbox import relay
from crm.outbox.nudge import Policy, background_task
from crm.routes import ROUTES
from crm.tenancy import mail, retention, sessions


@background_task("crm.heartbeat", Policy.HARMLESS_TO_LOSE)
def heartbeat() -> None:
    """A worker took this from its queue, so it lives."""
    delivery: dict[str, Any] = current_task.request.delivery_info
    beat_heart(delivery["routing_key"])


@background_task("crm.watch_sources", Policy.HARMLESS_TO_LOSE)
def watch_sources() -> int:
    return silence.watch()


@background_task("outbox.relay", Policy.HARMLESS_TO_LOSE)
def relay_outbox() -> int:
    return relay.relay(ROUTES)


@background_task("outbox.purge", Policy.HARMLESS_TO_LOSE)
def purge_outbox() -> int:
    return relay.purge(timezone.now())


@background_task("tenancy.apply_retention", Policy.HARMLESS_TO_LOSE)
def apply_retention() -> int:
    """Take away what is over its time by each tenant's rules."""
    return retention.apply_rules(timezone.now())


@background_task("tenancy.send_mail", Policy.HARMLESS_TO_LOSE)
def send_mail() -> int:
    return mail.send_due()


@background_task("tenancy.purge_mail", Policy.HARMLESS_TO_LOSE)
def purge_mail() -> int:
    return mail.purge(timezone.now())


@background_task("tenancy.purge_sessions", Policy.HARMLESS_TO_LOSE)
def purge_sessions() -> int:
    return sessions.purge(timezone.now())
