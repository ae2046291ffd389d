"""Takes the second factor off an account."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from crm.tenancy import second_factor
from crm.tenancy.accounts import record_account, tell
from crm.tenancy.models import User


class Command(BaseCommand):
    help = "Take the second factor off the account of an operator, or of somebody whom no Admin can help."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower()).first()
        if user is None:
            raise CommandError(f"There is no account {options['email']}.")
        if not second_factor.is_on(user):
            raise CommandError(f"{user.email} has no second factor.")
        second_factor.turn_off(user)
        record_account(user, "account.second_factor_reset", ip=None, by="job:reset_second_factor")
        subject = _("Your second factor at Fairway was reset")
        tell(user, subject, _("An operator of the platform took it off, so that you can set up another."))
        self.stdout.write(f"{user.email} logs in with the password alone now.")
