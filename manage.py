#!/usr/bin/env python
"""Django's command line for Fairway. Beside a `make run` of this checkout it works on that one's servers."""

import os
import sys

from django.core.management import execute_from_command_line

from crm.env import text

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if not (text("DATABASE_URL") or text("CRM_DATABASE_URL")):
        from crm.embedded.environment import beside_run

        os.environ.update(beside_run(os.environ))
    execute_from_command_line(sys.argv)
