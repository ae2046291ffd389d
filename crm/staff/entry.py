"""Logging in: password, then the second factor where the account has one."""

from datetime import timedelta
from typing import Any

from axes.utils import reset
from django import forms
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from crm.tenancy import second_factor
from crm.tenancy.access import client_ip
from crm.tenancy.accounts import record_account
from crm.tenancy.lockout import remember_device
from crm.tenancy.models import User
from crm.tenancy.sessions import enter

HALFWAY = "halfway"  # the session's note of who has given their password
PATIENCE = timedelta(minutes=10)


class StaffLoginView(LoginView):
    """The right password alone opens accounts without a second factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        user, target = form.get_user(), self.get_success_url()
        if not second_factor.is_on(user):
            return welcome(self.request, user, target)
        self.request.session.cycle_key()
        self.request.session[HALFWAY] = {
            "user": str(user.pk), "as": user.get_session_auth_hash(), "at": timezone.now().timestamp(),
            "next": target,
        }  # fmt: skip
        return HttpResponseRedirect(reverse("admin:second_step"))


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"), max_length=40, strip=True,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "inputmode": "text", "spellcheck": "false"}
        ),
    )  # fmt: skip


@never_cache
@csrf_protect
@sensitive_post_parameters("code")
def second_step_view(request: HttpRequest) -> HttpResponse:
    """The code of somebody whose password was right, within ten minutes."""
    note = request.session.get(HALFWAY)
    user = _halfway(note)
    if user is None or note is None:
        return HttpResponseRedirect(reverse("admin:login"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if second_factor.check(user, form.cleaned_data["code"]):
                return welcome(request, user, note["next"])
            form.add_error(
                "code", _t("This code is not right, or it was used before. Wait for the next one.")
            )
        except second_factor.TooManyCodes as error:
            form.add_error("code", str(error))
    return TemplateResponse(request, "admin/second_step.html", {"form": form})


def _halfway(note: dict[str, Any] | None) -> User | None:
    if note is None or timezone.now().timestamp() - note["at"] > PATIENCE.total_seconds():
        return None
    user = User.objects.filter(pk=note["user"], is_active=True).first()
    return user if user and constant_time_compare(note["as"], user.get_session_auth_hash()) else None


def welcome(request: HttpRequest, user: User, target: str) -> HttpResponse:
    """Log in for good. Failures are forgiven to this account only: an own account is no way to guess on at others."""
    request.session.pop(HALFWAY, None)
    enter(request, user)
    reset(username=user.email)
    record_account(user, "account.logged_in", ip=client_ip(request))
    response = HttpResponseRedirect(target)
    remember_device(response, user)
    return response
