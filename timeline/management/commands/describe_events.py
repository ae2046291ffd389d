"""manage.py describe_events: write docs/events.md, or check that it is current."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from timeline.docs import render


class Command(BaseCommand):
    help = "Write docs/events.md from the declared event types."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail when the file is not current"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "events.md"
        text = render()
        if not options["check"]:
            path.write_text(text, "utf-8")
            self.stdout.write(f"{path.name}: written")
        elif not path.exists() or path.read_text("utf-8") != text:
            raise CommandError("docs/events.md is not current; run manage.py describe_events")
