"""Say what is wrong and what to do."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from crm.health.diagnosis import Finding, Level, examine

MARKS = {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.BROKEN: "BROKEN "}


class Command(BaseCommand):
    help = "Examine the installation. Exit code: 0 in order, 1 warnings, 2 something is broken."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *, json: bool, **_: Any) -> None:
        findings = examine()
        worst = max(finding.level for finding in findings)
        self.stdout.write(as_json(findings, worst) if json else "\n".join(map(as_text, findings)))
        sys.exit(worst)


def as_text(finding: Finding) -> str:
    line = f"{MARKS[finding.level]}  {finding.check}: {finding.says}"
    return f"{line}\n         -> {finding.do}" if finding.do else line


def as_json(findings: list[Finding], worst: Level) -> str:
    listed = [{**finding._asdict(), "level": finding.level.name} for finding in findings]
    return json.dumps({"status": worst.name, "findings": listed}, indent=2)
