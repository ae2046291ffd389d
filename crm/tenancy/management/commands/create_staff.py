"""Gives someone a role in a tenant."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm import env
from crm.errors import CRMError
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import find_tenant, hire


class Command(BaseCommand):
    help = "Make someone staff of a tenant. The password of a new account is taken from FIRST_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="", help="full name of a new account")
        parser.add_argument("--role", required=True, type=str.upper, help=" | ".join(Role.values))
        parser.add_argument("--clubs", default="", help="names or ids of clubs, comma-separated; none = all")

    def handle(self, *args: Any, **options: Any) -> None:
        clubs = [club.strip() for club in options["clubs"].split(",") if club.strip()]
        password = env.text("FIRST_PASSWORD")
        try:
            with tenant_scope(find_tenant(options["tenant"])):
                membership, is_new = hire(
                    options["email"], options["role"], by="job:create_staff", full_name=options["name"],
                    clubs=clubs, password=password,
                )  # fmt: skip
        except CRMError as error:
            raise CommandError(error.message) from None
        email = membership.user.email
        self.stdout.write(f"{email} is {membership.get_role_display()} of {options['tenant']}.")
        if is_new and not password:
            self.stdout.write(f"Set a password with: manage.py changepassword {email}")
