"""Your account: name, address, password, second factor, and where you are logged in."""

import base64
from functools import wraps
from io import BytesIO
from typing import Any

import qrcode
from django import forms
from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from qrcode.image.svg import SvgPathImage

from crm.tenancy import second_factor, sessions
from crm.tenancy.access import client_ip, membership_of, posted, queried
from crm.tenancy.accounts import ask_for_new_address, record_account, take_new_address, tell
from crm.tenancy.forms import PlainLabels
from crm.tenancy.models import SecondFactor, User

ISSUER = "Fairway"


class NameForm(PlainLabels, forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("full_name",)
        labels = {"full_name": _("Your name")}


class ProvenForm(PlainLabels, forms.Form):
    """Something that only the owner may do: asks for the password again."""

    password = forms.CharField(
        label=_("Your password"), strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not self.user.check_password(password):
            raise forms.ValidationError(_t("This is not your password."))
        return password


class AddressForm(ProvenForm):
    email = forms.EmailField(label=_("New e-mail address"), max_length=254)
    field_order = ("email", "password")


class StepUpForm(ProvenForm):
    """Password and a code: who takes the second factor away must have it."""

    code = forms.CharField(label=_("Code of the app, or a recovery code"), max_length=40)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned and "code" in cleaned:
            try:
                if not second_factor.check(self.user, cleaned["code"]):
                    self.add_error("code", _t("This code is not right, or it was used before."))
            except second_factor.TooManyCodes as error:
                self.add_error("code", str(error))
        return cleaned


class FirstCodeForm(PlainLabels, forms.Form):
    code = forms.CharField(
        label=_("Code of the app"), max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip


def urls(site: Any) -> list[Any]:
    """Addresses of these pages. They need no tenant: an account is of none."""

    def page(handler: Any) -> Any:
        @wraps(handler)
        def inner(request: HttpRequest, **arguments: Any) -> HttpResponse:
            return handler(site, request, **arguments)  # type: ignore[no-any-return]

        return site.admin_view(sensitive_post_parameters()(inner))

    return [
        path("account/", page(account_view), name="account"),
        path("account/name/", page(require_post(name_view)), name="account_name"),
        path("account/address/", page(require_post(address_view)), name="account_address"),
        path("account/new-address/", page(new_address_view), name="account_new_address"),
        path("account/second-factor/", page(second_factor_view), name="account_second_factor"),
        path(
            "account/second-factor/off/", page(require_post(turn_off_view)), name="account_second_factor_off"
        ),
        path("account/recovery-codes/", page(require_post(new_codes_view)), name="account_recovery_codes"),
        path("account/sessions/end/", page(require_post(end_sessions_view)), name="account_end_sessions"),
    ]


PAGES = {
    "account", "account_name", "account_address", "account_new_address", "account_second_factor",
    "account_second_factor_off", "account_recovery_codes", "account_end_sessions",
}  # fmt: skip


def require_post(handler: Any) -> Any:
    """As Django's require_POST, for handlers that take the site first."""

    @wraps(handler)
    def inner(site: Any, request: HttpRequest, **arguments: Any) -> Any:
        return require_POST(lambda asked: handler(site, asked, **arguments))(request)

    return inner


def owner(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the site lets no others in
    return request.user


def back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:account"))


def account_view(site: Any, request: HttpRequest, **forms_with_errors: Any) -> HttpResponse:
    """Everything on one page; a form that was refused comes back on it, with what was wrong."""
    user = owner(request)
    is_on = second_factor.is_on(user)
    context = {
        **site.each_context(request),
        "title": _t("Your account"),
        "name_form": NameForm(instance=user),
        "address_form": AddressForm(user, prefix="address"),
        "off_form": StepUpForm(user, prefix="off"),
        "codes_form": StepUpForm(user, prefix="codes"),
        "is_on": is_on,
        "is_wanted": is_wanted(request),
        "codes_left": second_factor.recovery_codes_left(user) if is_on else 0,
        "sessions": sessions.open_sessions(user),
        "own_key": request.session.session_key,
        **forms_with_errors,
    }
    status = 200 if not forms_with_errors else 400
    return TemplateResponse(request, "admin/account/account.html", context, status=status)


def is_wanted(request: HttpRequest) -> bool:
    """Does the tenant want a second factor of this role?"""
    membership = membership_of(request)
    return membership is not None and membership.role in membership.tenant.second_factor_roles


def name_view(site: Any, request: HttpRequest) -> HttpResponse:
    form = NameForm(request.POST, instance=owner(request))
    if not form.is_valid():
        return account_view(site, request, name_form=form)
    form.save()
    messages.success(request, _t("Your name is saved."))
    return back()


def address_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Ask for a new address. Whether somebody has it already is not said: they would learn of an account."""
    form = AddressForm(owner(request), request.POST, prefix="address")
    if not form.is_valid():
        return account_view(site, request, address_form=form)
    ask_for_new_address(owner(request), form.cleaned_data["email"])
    words = _t("Look into the mail of %s: its link makes it yours. Until then nothing changes.")
    messages.success(request, words % form.cleaned_data["email"])
    return back()


def new_address_view(site: Any, request: HttpRequest) -> HttpResponse:
    """The link of the mail leads here; a click confirms it."""
    token = posted(request, "token") or queried(request, "token")
    if request.method == "POST":
        user = owner(request)
        if take_new_address(user, token):
            record_account(user, "account.address_changed", ip=client_ip(request))
            messages.success(request, _t("You log in with %s from now on.") % user.email)
        else:
            messages.error(request, _t("This link is not good any more. Ask for a new one."))
        return back()
    context = {**site.each_context(request), "title": _t("Your new e-mail address"), "token": token}
    return TemplateResponse(request, "admin/account/new_address.html", context)


def second_factor_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Set the app up: its picture and key, then its first code, then the recovery codes, once."""
    user = owner(request)
    if second_factor.is_on(user):
        return back()
    form = FirstCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if codes := second_factor.confirm(user, form.cleaned_data["code"]):
                return _turned_on(site, request, user, codes)
            form.add_error("code", _t("This code is not right. Is the clock of your phone set by itself?"))
        except second_factor.TooManyCodes as error:
            form.add_error("code", str(error))
    factor = second_factor.begin(user)
    context = {
        **site.each_context(request),
        "title": _t("Set up a second factor"),
        "form": form,
        "picture": picture(factor),
        "key": " ".join(factor.secret[at : at + 4] for at in range(0, len(factor.secret), 4)),
        "is_wanted": is_wanted(request),
    }
    return TemplateResponse(request, "admin/account/second_factor.html", context)


def _turned_on(site: Any, request: HttpRequest, user: User, codes: list[str]) -> HttpResponse:
    """Other sessions came in without the second factor, so they end."""
    sessions.end(user, but=request.session.session_key)
    _note(request, "account.second_factor_on", _t("Your second factor at Fairway is on"))
    return codes_page(site, request, codes, is_new=True)


def turn_off_view(site: Any, request: HttpRequest) -> HttpResponse:
    user = owner(request)
    form = StepUpForm(user, request.POST, prefix="off")
    if not form.is_valid():
        return account_view(site, request, off_form=form)
    second_factor.turn_off(user)
    _note(request, "account.second_factor_off", _t("Your second factor at Fairway is off"))
    messages.success(request, _t("The second factor is off."))
    return back()


def new_codes_view(site: Any, request: HttpRequest) -> HttpResponse:
    form = StepUpForm(owner(request), request.POST, prefix="codes")
    if not form.is_valid():
        return account_view(site, request, codes_form=form)
    codes = second_factor.new_recovery_codes(owner(request))
    _note(request, "account.recovery_codes_made", _t("You have new recovery codes at Fairway"))
    return codes_page(site, request, codes, is_new=False)


def codes_page(site: Any, request: HttpRequest, codes: list[str], *, is_new: bool) -> HttpResponse:
    """The only page that ever shows them: the reply itself, kept nowhere."""
    context = {
        **site.each_context(request), "title": _t("Your recovery codes"), "codes": codes, "is_new": is_new,
    }  # fmt: skip
    return TemplateResponse(request, "admin/account/recovery_codes.html", context)


def end_sessions_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Log out elsewhere: in one browser, or in all but this one."""
    user, only = owner(request), posted(request, "session") or None
    try:
        ended = sessions.end(user, but=request.session.session_key, only=only)
    except forms.ValidationError:  # an id that is none
        ended = 0
    record_account(user, "account.sessions_ended", ip=client_ip(request))
    messages.success(request, _t("Logged out in %s other browsers.") % ended)
    return back()


class PasswordView(PasswordChangeView):
    """Change the password; every other session ends."""

    def form_valid(self, form: Any) -> HttpResponse:
        user, old_key = owner(self.request), self.request.session.session_key
        response = super().form_valid(form)
        sessions.follow(self.request, old_key)
        sessions.end(user, but=self.request.session.session_key)
        _note(self.request, "account.password_changed", _t("Your password at Fairway was changed"))
        return response


def _note(request: HttpRequest, action: str, subject: str) -> None:
    """To the audit log and to the owner's mail."""
    record_account(owner(request), action, ip=client_ip(request))
    tell(owner(request), subject, f"{subject}.", ip=client_ip(request))


def picture(factor: SecondFactor) -> str:
    """The QR code that apps read, as an address that an <img> takes."""
    label = f"{ISSUER}:{factor.user.email}"
    facts = urlencode({"secret": factor.secret, "issuer": ISSUER})
    buffer = BytesIO()
    qrcode.make(f"otpauth://totp/{label}?{facts}", image_factory=SvgPathImage, border=2).save(buffer)
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
