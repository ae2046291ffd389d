"""Logging in, and choosing the tenant to work in."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import posted, queried, tenant_of, tenants_of
from crm.tenancy.middleware import CHOSEN
from crm.tenancy.models import Tenant, User


class LoginForm(AdminAuthenticationForm):
    """E-mail and password; refuses accounts that no club group lets in."""

    username = forms.EmailField(
        label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": _(
            "This e-mail and password don’t match. Check both; the password is case-sensitive."
        ),
        "inactive": _("This account is deactivated. Ask an Admin of your club group to reactivate it."),
        "no_membership": _(
            "Your account is not active in any club group at the moment. Ask an Admin of yours to reactivate it."
        ),
    }

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        if not user.is_active:
            raise ValidationError(self.error_messages["inactive"], code="inactive")
        assert isinstance(user, User)  # noqa: S101 - there is one user model
        if not user.is_superuser and not tenants_of(user):
            raise ValidationError(self.error_messages["no_membership"], code="no_membership")

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(self.error_messages["invalid_login"], code="invalid_login")


def choose_tenant(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The page on which people of several tenants say where they work now."""
    assert isinstance(request.user, User)  # noqa: S101 - the site lets no others in
    tenants = tenants_of(request.user)
    target = posted(request, "next", most=4000) or queried(request, "next", most=4000)
    if request.method == "POST":
        chosen = next((t for t in tenants if str(t.pk) == posted(request, "tenant")), None)
        if chosen is None:
            raise PermissionDenied
        return _enter(request, chosen, target)
    words = queried(request, "q").lower()
    found = [t for t in tenants if words in t.name.lower() or words in t.slug]
    return TemplateResponse(
        request,
        "admin/tenant.html",
        {**context, "title": _t("Choose a club group"), "tenants": found, "next": target, "q": words,
         "many": len(tenants) > 8, "current": tenant_of(request)},
    )  # fmt: skip


def _enter(request: HttpRequest, tenant: Tenant, target: str) -> HttpResponse:
    """Remember the choice; a page of the tenant left behind would not be found, so a switch goes home."""
    was = request.session.get(CHOSEN)
    request.session[CHOSEN] = str(tenant.pk)
    is_first = was is None
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if is_first and safe and target else reverse("admin:index"))
