"""Receive events from the Redis stream."""

import contextlib
import os
import signal
import socket
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from redis.exceptions import RedisError

from crm.tenancy.arguments import tenant_called
from timeline.stream import Consumer


class Command(BaseCommand):
    help = "Receive events from the Redis stream crm-events, until stopped. Several may run at once."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when the stream is empty")
        parser.add_argument(
            "--tenant", metavar="SLUG", default="", help="the tenant of entries that name none"
        )

    def handle(self, *, once: bool, tenant: str, **_: Any) -> str:
        if tenant:
            tenant_called(tenant)
        stopping = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        consumer = Consumer(f"{socket.gethostname()}-{os.getpid()}", default_tenant=tenant, stopping=stopping)
        count = consumer.run(once=once)
        with contextlib.suppress(RedisError):
            consumer.leave()
        return f"{count} entries received."
