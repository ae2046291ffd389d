"""What is done with a template from its page: copy, archive, take a language away; and taking a ready-made one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from campaigns import ready_made, templates
from campaigns.gallery import GALLERY
from campaigns.models import MessageTemplate
from crm.errors import CRMError
from crm.tenancy.access import actor, posted, require
from crm.tenancy.permissions import Right

Act = Callable[[HttpRequest, MessageTemplate], HttpResponse]
LIST = "admin:campaigns_messagetemplate_changelist"


def page_url(pk: Any, query: str = "") -> str:
    return reverse("admin:campaigns_messagetemplate_change", args=[pk]) + query


class TemplateActs:
    """The addresses that change a template, for the admin class of the list. All but the gallery are POST."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view, name = self.admin_site.admin_view, "campaigns_messagetemplate"
        return [
            path("gallery/", view(self.gallery_view), name=f"{name}_gallery"),
            path("gallery/take/", view(require_POST(self.take_view)), name=f"{name}_take"),
            *(
                path(f"<uuid:pk>/{key}/", view(require_POST(self._act(act))), name=f"{name}_{key}")
                for key, act in ACTS.items()
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _act(self, act: Act) -> Callable[..., HttpResponse]:
        def inner(request: HttpRequest, pk: UUID) -> HttpResponse:
            require(request, Right.MARKET)
            template = self.template_or_404(request, pk)  # type: ignore[attr-defined]
            try:
                return act(request, template)
            except CRMError as error:
                messages.error(request, error.message)
                return HttpResponseRedirect(page_url(template.pk))

        return inner

    def gallery_view(self, request: HttpRequest) -> HttpResponse:
        """The ready-made templates."""
        require(request, Right.MARKET)
        context = {
            **self.admin_site.each_context(request), "title": _t("Ready-made templates"), "opts": self.opts,
            "ready": [{**one._asdict(), "languages": sorted(one.contents)} for one in GALLERY.values()],
        }  # fmt: skip
        return TemplateResponse(request, "admin/campaigns/template_gallery.html", context)

    def take_view(self, request: HttpRequest) -> HttpResponse:
        require(request, Right.MARKET)
        try:
            made = ready_made.take(posted(request, "key"), by=actor(request))
        except CRMError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(reverse("admin:campaigns_messagetemplate_gallery"))
        messages.success(request, _t("%s is yours. Change its words as you like.") % made.name)
        return HttpResponseRedirect(page_url(made.pk))


def clone(request: HttpRequest, template: MessageTemplate) -> HttpResponse:
    copy = templates.clone_template(template.pk, by=actor(request))
    messages.success(request, _t("This is the copy. Change its name and words as you like."))
    return HttpResponseRedirect(page_url(copy.pk))


def archive(request: HttpRequest, template: MessageTemplate) -> HttpResponse:
    templates.archive_template(template.pk, by=actor(request))
    messages.success(request, _t("%s is archived.") % template.name)
    return HttpResponseRedirect(reverse(LIST))


def remove_language(request: HttpRequest, template: MessageTemplate) -> HttpResponse:
    language = posted(request, "language", most=35)
    templates.change_template(template.pk, {"remove_languages": [language]}, by=actor(request))
    messages.success(request, _t("The words in %s are taken away.") % language)
    return HttpResponseRedirect(page_url(template.pk))


ACTS: dict[str, Act] = {"clone": clone, "archive": archive, "remove-language": remove_language}
