"""Works segments out anew."""

import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from crm.tenancy.arguments import tenant_called
from crm.tenancy.models import Tenant
from crm.tenancy.scope import tenant_scope
from segments.membership import Broken, refresh, try_out
from segments.models import Segment
from segments.reworking import Deltas

BAR = 30


class Command(BaseCommand):
    help = (
        "Work out who is in segments, of everybody. Safe to repeat and beside everything else; a stopped run leaves "
        "each segment as it was or worked out. The exit code is 1 where one is broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="every tenant unless given")
        parser.add_argument("--segment", metavar="NAME|ID", help="this one only; needs --tenant")
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many would come and go, change nothing"
        )

    def handle(self, *, tenant: str | None, segment: str | None, dry_run: bool, **_: Any) -> None:
        if segment and not tenant:
            raise CommandError("--segment needs --tenant.")
        broken = 0
        try:
            for one in [tenant_called(tenant)] if tenant else list(Tenant.objects.filter(is_active=True)):
                with tenant_scope(one):
                    broken += self.refresh_all(one, wanted(segment), dry_run)
        except KeyboardInterrupt:
            raise CommandError("Stopped; what is done is done. Run it again.", returncode=130) from None
        if broken:
            raise CommandError(f"{broken} could not be worked out; who was in them still is.", returncode=1)

    def refresh_all(self, tenant: Tenant, segments: list[Segment], dry_run: bool) -> int:
        began, broken, total = time.monotonic(), 0, Deltas()
        for number, segment in enumerate(segments):
            self.bar(number, len(segments), segment.name)
            try:
                deltas = try_out(segment.pk) if dry_run else refresh(segment.pk, wait=True) or Deltas()
            except Broken as error:
                broken += 1
                self.stderr.write(f"{tenant.slug}: “{segment.name}” is broken. {error}")
                continue
            total = Deltas(total.joined + deltas.joined, total.left + deltas.left)
            if deltas.total and not self.stdout.isatty():
                self.stdout.write(f"{tenant.slug}: {segment.name}: {words(deltas, dry_run)}")
        if self.stdout.isatty():
            self.stdout.write("\r" + " " * (BAR + 60), ending="\r")
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{tenant.slug}: {len(segments)} segments, {words(total, dry_run)} ({seconds:.1f} s)."
        )
        return broken

    def bar(self, done: int, of: int, name: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(
                f"\r{'█' * round(BAR * done / of):░<{BAR}} {done} of {of}  {name[:40]:40}", ending=""
            )
            self.stdout.flush()


def wanted(name: str | None) -> list[Segment]:
    """The open tenant's segments in use, or the one of a name or id. Raises CommandError."""
    rows = Segment.objects.in_use().order_by("name")
    if name is None:
        return list(rows)
    try:
        which = Q(pk=UUID(name))
    except ValueError:
        which = Q(name=name)
    if not (found := list(rows.filter(which))):
        raise CommandError(f"There is no active segment “{name}” here.")
    return found


def words(deltas: Deltas, dry_run: bool) -> str:
    came, left = ("would come", "would go") if dry_run else ("came", "left")
    return f"{deltas.joined:,} {came}, {deltas.left:,} {left}"
