"""The pages for people who are not logged in: accepting an invitation, and a lost password."""

from typing import Any

from axes.utils import reset
from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import password_validators_help_texts
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from crm.tenancy import invitations, sessions
from crm.tenancy.access import client_ip
from crm.tenancy.accounts import ask_for_password, record_account, tell
from crm.tenancy.models import Invitation, User


class NewAccountForm(forms.Form):
    """Name and password of somebody who has no account yet."""

    full_name = forms.CharField(
        label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    again = forms.CharField(
        label=_("The same again"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "again" in cleaned and cleaned.get("password") != cleaned["again"]:
            self.add_error("again", _("The two are not the same."))
        return cleaned


class KnownAccountForm(forms.Form):
    """The password of somebody who has an account already, elsewhere."""

    password = forms.CharField(
        label=_("Your password"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )  # fmt: skip


@never_cache
@csrf_protect
@sensitive_post_parameters()
def invitation_view(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation. Nobody is logged in by it: the log-in that follows asks for all that it always asks."""
    invitation = invitations.find(token)
    if invitation is None:
        return TemplateResponse(request, "admin/invitation.html", {"invitation": None}, status=410)
    known = invitations.account_of(invitation)
    kind = KnownAccountForm if known else NewAccountForm
    form = kind(request.POST or None, initial={"full_name": invitation.full_name})
    if request.method == "POST" and form.is_valid() and _accepted(request, invitation, known, form):
        return HttpResponseRedirect(f"{reverse('admin:login')}?joined=1")
    context = {"invitation": invitation, "known": known, "form": form}
    return TemplateResponse(request, "admin/invitation.html", context)


def _accepted(request: HttpRequest, invitation: Invitation, known: User | None, form: forms.Form) -> bool:
    answers = form.cleaned_data
    if known and authenticate(request, username=known.email, password=answers["password"]) is None:
        form.add_error("password", _t("This is not the password of your account."))
        return False
    try:
        invitations.accept(invitation, full_name=answers.get("full_name", ""), password=answers["password"])
    except ValidationError as error:
        form.add_error("password", error)
        return False
    except invitations.InvitationGone:
        form.add_error(None, _t("This invitation was accepted or taken back in the meantime."))
        return False
    return True


class AddressForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )  # fmt: skip


@never_cache
@csrf_protect
def forgotten_view(request: HttpRequest) -> HttpResponse:
    """Ask for a link. What the page says does not depend on whether there is such an account."""
    form = AddressForm(request.POST or None)
    asked = request.method == "POST" and form.is_valid()
    if asked:
        ask_for_password(form.cleaned_data["email"])
    return TemplateResponse(request, "admin/forgotten.html", {"form": form, "asked": asked})


@method_decorator(never_cache, name="dispatch")
class NewPasswordView(PasswordResetConfirmView):
    """Set a new password by the link of a mail. It ends the account's sessions, and lifts its lock."""

    template_name = "admin/new_password.html"
    success_url = reverse_lazy("admin:login")
    extra_context = {"rules": password_validators_help_texts}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        reset(username=form.user.email)
        sessions.end(form.user)
        record_account(form.user, "account.password_changed", ip=client_ip(self.request))
        tell(
            form.user,
            _t("Your password at Fairway was changed"),
            _t("It was set by a link that was mailed to you."),
        )
        return response
