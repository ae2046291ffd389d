"""The admin site: who gets in, in which tenant and time zone, and the pages that belong to no model."""

from functools import update_wrapper
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from crm.errors import NotFound
from crm.staff import account, general, home, retention
from crm.staff.doors import NewPasswordView, forgotten_view, invitation_view
from crm.staff.entry import StaffLoginView, second_step_view
from crm.staff.login import LoginForm, choose_tenant
from crm.staff.menu import menu
from crm.tenancy.access import membership_of, queried, tenant_of
from crm.tenancy.middleware import CHOSEN
from crm.tenancy.second_factor import is_missing
from timeline.visibility import mention_count


class StaffSite(AdminSite):
    site_header = site_title = "Fairway"
    index_title = "Home"
    site_url = None
    enable_nav_sidebar = False
    empty_value_display = "–"
    login_form = LoginForm

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.disable_action("delete_selected")  # people are deleted softly, one by one; the rest never

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Pages of other packages (groups, periodic tasks) know no tenants, so they stay out."""
        if hasattr(admin_class, "view_right"):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Any account that is logged in: the tenancy middleware has logged out those without a membership."""
        return bool(request.user.is_active)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Besides the log-in: a tenant must be chosen, and times are the tenant's, rendering included."""

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            membership, match = membership_of(request), request.resolver_match
            if membership is None:
                if match is not None and match.url_name in WITHOUT_TENANT:
                    return view(request, *args, **kwargs)
                target = urlencode({"next": request.get_full_path()})
                return HttpResponseRedirect(f"{reverse('admin:tenant')}?{target}")
            if is_missing(membership) and (match is None or match.url_name not in WITHOUT_TENANT):
                return HttpResponseRedirect(reverse("admin:account_second_factor"))
            with timezone.override(membership.tenant.zone):
                try:
                    response = view(request, *args, **kwargs)
                except NotFound as gone:  # by somebody else, since the page was opened
                    raise Http404(gone.message) from gone
                return response.render() if isinstance(response, SimpleTemplateResponse) else response

        return super().admin_view(update_wrapper(inner, view), cacheable)

    def get_urls(self) -> Any:
        return [
            path("tenant/", self.admin_view(self.tenant_view), name="tenant"),
            path("live/", self.admin_view(self.live_view), name="live"),
            path("people/", self.admin_view(self.people_view), name="people"),
            path("second-step/", second_step_view, name="second_step"),
            *account.urls(self),
            *general.urls(self),
            *retention.urls(self),
            path("invitation/<str:token>/", invitation_view, name="invitation"),
            path("password-reset/", forgotten_view, name="password_reset"),
            path(
                "password-reset/<uidb64>/<token>/", NewPasswordView.as_view(), name="password_reset_confirm"
            ),
            *(
                page for page in super().get_urls() if getattr(page, "name", "") != "autocomplete"
            ),  # no form picks from a list
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        membership = membership_of(request)
        return {
            "site_title": self.site_title,
            "site_header": self.site_header,
            "has_permission": self.has_permission(request),
            "is_popup": False,
            "is_nav_sidebar_enabled": False,
            "available_apps": [],
            "menu": menu(self, request),
            "tenant": tenant_of(request),
            "membership": membership,
            "may_switch": may_switch(request),
            "mentions": mention_count(request) if membership else 0,
            "find": queried(request, "q") if "/customerprofile/" in request.path else "",
        }

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        context = {**self.each_context(request), "title": _("Home"), **home.page(request)}
        return TemplateResponse(request, "admin/index.html", context)

    def live_view(self, request: HttpRequest) -> TemplateResponse:
        """The part of the home page that is asked for again every few seconds."""
        return TemplateResponse(request, "admin/home_live.html", home.live(request))

    def people_view(self, request: HttpRequest) -> TemplateResponse:
        """Who the people are: the part of the home page that is asked for when the rest stands."""
        return TemplateResponse(request, "admin/home_people.html", home.people(request))

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return HttpResponseRedirect(reverse("admin:index"))

    def tenant_view(self, request: HttpRequest) -> HttpResponse:
        return choose_tenant(request, self.each_context(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """As Django's, with the second factor after the password."""
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        target = queried(request, REDIRECT_FIELD_NAME, most=4000) or reverse("admin:index")
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "app_path": request.get_full_path(),
            REDIRECT_FIELD_NAME: target,
        }
        view = StaffLoginView.as_view(
            authentication_form=LoginForm, template_name="admin/login.html", next_page="admin:index",
            extra_context=context,
        )  # fmt: skip
        return view(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        view = account.PasswordView.as_view(
            success_url=reverse("admin:password_change_done"),
            extra_context={**self.each_context(request), "title": _("Change your password")},
            template_name="registration/password_change_form.html",
        )
        return view(request)

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"cache"'  # the back button must not show a customer to the next person
        return response


WITHOUT_TENANT: set[str | None] = {
    "tenant", "logout", "password_change", "password_change_done", "jsi18n", *account.PAGES,
}  # fmt: skip


def may_switch(request: HttpRequest) -> bool:
    """May there be another tenant to go to? Only those who had to choose one have a choice in their session."""
    if membership_of(request) is None:
        return False
    return bool(getattr(request.user, "is_superuser", False) or request.session.get(CHOSEN))
