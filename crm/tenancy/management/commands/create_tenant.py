"""Opens a club group, with its first Admin if one is named."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from crm import env
from crm.errors import CRMError
from crm.tenancy.models import Tenant
from crm.tenancy.permissions import Role
from crm.tenancy.scope import tenant_scope
from crm.tenancy.setup import hire, open_tenant

BY = "job:create_tenant"


class Command(BaseCommand):
    help = "Create a tenant (a club group). The first Admin's password is asked for, or taken from FIRST_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True, help="how other systems name it in their events")
        parser.add_argument("--name", required=True)
        parser.add_argument("--region", help="country of phone numbers without a code (ZA)")
        parser.add_argument("--timezone", help="IANA time zone (Africa/Johannesburg)")
        parser.add_argument("--currency", help="ISO currency (ZAR)")
        parser.add_argument("--language", help="BCP 47 language of what customers see (en)")
        parser.add_argument("--admin-email", default="", help="make this person its first Admin")

    def handle(self, *args: Any, **options: Any) -> None:
        given = ("region", "timezone", "currency", "language")
        fields = {name: options[name] for name in given if options[name]}
        try:
            with transaction.atomic():
                tenant = open_tenant(options["slug"], options["name"], by=BY, **fields)
                admin = self.first_admin(tenant, options["admin_email"]) if options["admin_email"] else ""
        except CRMError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"Created the tenant {tenant.slug} ({tenant.name}).{admin}")

    def first_admin(self, tenant: Tenant, email: str) -> str:
        """Make the Admin and say how they get in; an account that exists keeps its password."""
        password = env.text("FIRST_PASSWORD") or self.asked_for(email)
        with tenant_scope(tenant):
            membership, is_new = hire(email, Role.ADMIN, by=BY, password=password)
        if not is_new:
            return f" {membership.user.email} is its Admin, with the password they have."
        hint = "" if password else f" Set a password with: manage.py changepassword {membership.user.email}"
        return f" {membership.user.email} is its Admin.{hint}"

    def asked_for(self, email: str) -> str:
        """The password that somebody at a terminal types; empty where there is no terminal."""
        return getpass.getpass(f"First password of {email}: ") if sys.stdin.isatty() else ""
