"""Prints how the demo is entered, as one JSON object."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from crm.demo.access import access_facts
from crm.errors import CRMError


class Command(BaseCommand):
    help = "Make sure that the demo can be entered, and print how. Exit code 2 on a machine that is no demo."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            facts = access_facts()
        except CRMError as error:
            self.stderr.write(error.message)
            sys.exit(2)
        self.stdout.write(json.dumps(facts))
