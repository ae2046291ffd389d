"""Loads the demo club group through the event pipeline."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from crm import env
from crm.demo.access import ensure_access, ensure_password, is_demo_machine
from crm.demo.generator import AS_OF, PEOPLE, SEED, latest_as_of
from crm.demo.group import ensure_group
from crm.demo.loader import Plan, Progress, counts, inbox, is_loaded, load, planned
from crm.errors import CRMError

BAR = 30
LINE_EVERY = 5.0  # seconds between two lines where there is no terminal


def day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), AS_OF)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day (YYYY-MM-DD)") from None


class Command(BaseCommand):
    help = "Load the demo club group. Safe to repeat: a load that was cut short goes on, a finished one does nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when it is loaded already")
        parser.add_argument("--seed", type=int, help=f"another seed, another club group ({SEED})")
        parser.add_argument("--as-of", type=day, help="the last day of the story (today; never ahead of now)")
        parser.add_argument("--people", type=int, help=f"how many people ({PEOPLE})")
        parser.add_argument("--scale", type=float, default=1.0, help="times that many people, for load tests")
        parser.add_argument("--dry-run", action="store_true", help="count the events and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.run(options)
        except CRMError as error:
            raise CommandError(error.message) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again and it goes on from here.", returncode=130) from None

    def run(self, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            self.show(counts(self.plan(options, None)))
            return
        tenant = ensure_group()
        if options["if_empty"] and is_loaded(tenant):
            self.stdout.write("The demo is loaded.")
            return
        self.open_doors()
        plan = self.plan(options, planned(tenant))
        self.said = 0.0
        progress = load(tenant, plan, report=self.report)
        self.done(progress, inbox(tenant))

    def plan(self, options: dict[str, Any], begun: Plan | None) -> Plan:
        """What was asked for; what was not, as the load that was begun has it, else the defaults."""
        base = begun or Plan(latest_as_of(timezone.now()))
        as_of, seed = (
            options["as_of"] or base.as_of,
            base.seed if options["seed"] is None else options["seed"],
        )
        people = base.people if options["people"] is None and options["scale"] == 1 else None
        people = round((options["people"] or PEOPLE) * options["scale"]) if people is None else people
        if as_of > datetime.now(UTC):
            raise CommandError("--as-of is in the future.")
        if not 20 <= people <= 1_000_000:
            raise CommandError("--people must be from 20 to 1,000,000, --scale included.")
        return Plan(as_of, seed, people)

    def open_doors(self) -> None:
        """Logins with a password: on a demo machine always, elsewhere where DEMO_PASSWORD says which."""
        if is_demo_machine():
            ensure_access()
        elif password := env.text("DEMO_PASSWORD"):
            ensure_password(password)

    def report(self, progress: Progress) -> None:
        if self.stdout.isatty():
            done = "█" * round(BAR * progress.share)
            self.stdout.write(
                f"\r{done:░<{BAR}} {progress.sent:>9,} events {rate(progress):>7,}/s", ending=""
            )
            self.stdout.flush()
        elif progress.seconds - self.said >= LINE_EVERY:
            self.said = progress.seconds
            self.stdout.write(f"{progress.sent:,} events, {rate(progress):,}/s")

    def done(self, progress: Progress, statuses: dict[str, int]) -> None:
        if self.stdout.isatty():
            self.stdout.write("")
        words = ", ".join(f"{status.lower()} {count:,}" for status, count in statuses.items())
        self.stdout.write(
            f"Loaded the demo: {progress.sent:,} events, {progress.new:,} of them new, in {progress.seconds:.1f} s "
            f"({rate(progress):,}/s); {words}."
        )
        if statuses.get("PENDING"):
            self.stderr.write("Some events still wait for a worker.")
            sys.exit(3)

    def show(self, found: dict[str, int]) -> None:
        for name, count in found.items():
            self.stdout.write(f"{count:>7,}  {name}")
        self.stdout.write(f"{sum(found.values()):>7,}  events; nothing was written")


def rate(progress: Progress) -> int:
    return round(progress.new / progress.seconds) if progress.seconds else 0
