"""The page on which a template is written: its words in one language, what can stand in them, what somebody gets."""

from typing import Any
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from campaigns import previews, sms, templates, variables, wordings
from campaigns.admin.template_acts import page_url
from campaigns.admin.template_form import TemplateForm, initial_of
from campaigns.checking import InvalidTemplate
from campaigns.liquid import Problem
from campaigns.models import MessageTemplate, TemplateContent
from campaigns.personalisation import OWN, OWN_EXAMPLE, VARIABLES, About
from crm.errors import CRMError, PreconditionFailed
from crm.tenancy.access import actor, may, posted, queried, record_look, require
from crm.tenancy.permissions import Right
from crm.tenancy.scope import current_tenant
from crm.versions import Condition
from customers.models.consent import Channel
from customers.search import find_people
from customers.visibility import visible_customer, within_clubs

CANDIDATES = 6
REVISIONS = 20
# What a mail may load where it is looked at: its own styles, and pictures; nothing runs, nothing leads elsewhere.
FRAME = {
    "default-src": [NONE], "style-src": ["'unsafe-inline'"], "img-src": ["https:", "data:"], "font-src": ["https:"],
    "frame-ancestors": [SELF], "base-uri": [NONE], "form-action": [NONE],
}  # fmt: skip
GROUPS = {
    About.CUSTOMER: _("Customer"), About.CLUB: _("Club"), About.MESSAGE: _("Message"),
}  # fmt: skip


class TemplateEditing:
    """The pages that write a template, for the admin class of the list."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> Any:
        view, name = self.admin_site.admin_view, "campaigns_messagetemplate"
        return [
            path("preview/", view(require_POST(self.preview_view)), name=f"{name}_preview"),
            path("frame/", view(require_POST(self.frame_view)), name=f"{name}_frame"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def template_or_404(self, request: HttpRequest, pk: Any) -> MessageTemplate:
        try:
            found: MessageTemplate | None = self.get_queryset(request).filter(pk=UUID(str(pk))).first()  # type: ignore[attr-defined]
        except ValueError:
            found = None
        if found is None:
            raise Http404
        return found

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        require(request, Right.MARKET)
        return self.edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        require(request, Right.VIEW if request.method == "GET" else Right.MARKET)
        return self.edit(request, self.template_or_404(request, object_id))

    def edit(self, request: HttpRequest, template: MessageTemplate | None) -> HttpResponse:
        """Show the words of one language, the first unless the address names one; on success, again."""
        contents = wordings.latest([template.pk])[template.pk] if template else {}
        language = queried(request, "language", most=35) or _first(contents)
        content = contents.get(language)
        channel = _channel(request, template)
        usual = {"channel": channel, "language": language}
        initial = initial_of(template, content, language) if template else usual
        form = TemplateForm(request.POST or None, template=template, channel=channel, initial=initial)
        problems: list[Problem] = []
        if request.method == "POST" and form.is_valid():
            saved, problems = save(request, form, template, channel)
            if saved:
                messages.success(request, _t("Saved."))
                return HttpResponseRedirect(page_url(saved.pk, f"?language={form.cleaned_data['language']}"))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "template": template, "form": form,
            "title": template.name if template else _t("New template"), "errors": form.errors, "problems": problems,
            "languages": sorted({*contents, language}), "language": language, "content": content, "channel": channel,
            "groups": variable_groups(), "revisions": revisions(template, language), "channels": SHOWN_CHANNELS,
            "may_edit": may(request, Right.MARKET),
        }  # fmt: skip
        return TemplateResponse(request, "admin/campaigns/template_edit.html", context)

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What the words of the form come to: problems by line, else subject, text and how many SMS it takes."""
        require(request, Right.MARKET)
        person, candidates = _person(request)
        try:
            found = self._tried(request, person)
        except InvalidTemplate as error:
            problems = [{**one._asdict(), "sentence": one.sentence} for one in error.problems]
            return JsonResponse({"problems": problems, "candidates": candidates})
        except CRMError as error:
            problem = {"part": "", "line": 0, "message": error.message, "sentence": error.message}
            return JsonResponse({"problems": [problem], "candidates": candidates})
        got = found.rendered
        counted = sms.count(got.text)
        return JsonResponse({
            "problems": [], "candidates": candidates, "subject": got.subject, "text": got.text,
            "missing": found.missing,
            "sms": {**counted._asdict(), "odd": "".join(counted.odd)},
        })  # fmt: skip

    @method_decorator([xframe_options_sameorigin, csp(FRAME)])
    def frame_view(self, request: HttpRequest) -> HttpResponse:
        """The HTML of the words of the form, for a frame in which nothing runs."""
        require(request, Right.MARKET)
        try:
            return HttpResponse(self._tried(request, _person(request)[0]).rendered.html)
        except CRMError:
            return HttpResponse("")

    def _tried(self, request: HttpRequest, person: UUID | None) -> previews.Preview:
        channel = posted(request, "channel", "EMAIL", most=8)
        if channel not in SHOWN_CHANNELS:
            raise Http404
        form = TemplateForm(request.POST, template=None, channel=channel)
        form.is_valid()  # only the words count here
        template = MessageTemplate(
            tenant=current_tenant(), channel=channel, club=form.cleaned_data.get("club"),
            name=form.cleaned_data.get("name", ""),
        )  # fmt: skip
        return previews.try_out(template, form.wording(), customer_id=person)


SHOWN_CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.WHATSAPP)


def save(
    request: HttpRequest, form: TemplateForm, template: MessageTemplate | None, channel: str
) -> tuple[MessageTemplate | None, list[Problem]]:
    """Write it; what is wrong with the words comes back with its places, everything else beside its field."""
    by, words = actor(request), [form.wording()]
    try:
        if template is None:
            return templates.create_template(by=by, channel=channel, contents=words, **form.about()), []
        etag = form.cleaned_data["etag"] or template.etag
        changes = {**form.about(), "contents": words}
        return templates.change_template(template.pk, changes, by=by, if_match=Condition.of(etag)), []
    except InvalidTemplate as error:
        problems = [one._replace(part=one.part.removeprefix("contents[0].")) for one in error.problems]
        form.add_error(None, _t("These words can’t be used yet; what is wrong stands beside them."))
        return None, problems
    except PreconditionFailed:
        form.add_error(
            None, _t("This template changed since you opened it. Copy your words and open it again.")
        )
    except CRMError as error:
        form.add_error(None, error.message)
    return None, []


def _first(contents: Any) -> str:
    tenant = current_tenant().language
    return tenant if tenant in contents or not contents else sorted(contents)[0]


def _channel(request: HttpRequest, template: MessageTemplate | None) -> str:
    if template is not None:
        return template.channel
    asked = posted(request, "channel", most=8) or queried(request, "channel", "EMAIL", most=8)
    if asked not in SHOWN_CHANNELS:
        raise Http404
    return asked


def _person(request: HttpRequest) -> tuple[UUID | None, list[dict[str, str]]]:
    """The customer whom the form names, by id or in words, and whom else the words could mean."""
    text = posted(request, "person", most=200)
    if not text:
        return None, []
    try:
        profile, _merged = visible_customer(request, UUID(text), even_restricted=True)
    except ValueError:
        found = [one.profile for one in find_people(text, take=CANDIDATES, within=within_clubs(request))]
        if len(found) != 1:
            return None, [{"id": str(one.pk), "name": str(one)} for one in found]
        profile = found[0]
    except CRMError:
        return None, []
    record_look(request, "customer.viewed", profile, after={"part": "template"})
    return profile.pk, [{"id": str(profile.pk), "name": str(profile)}]


def variable_groups() -> list[tuple[Any, list[Any]]]:
    """What can be put in, by what it is about. One statement."""
    own = (variables.registry().own or {}).items()
    every = [
        *VARIABLES.values(), *(OWN_EXAMPLE._replace(name=f"{OWN}{key}", kind=kind) for key, kind in own),
    ]  # fmt: skip
    return [(words, [one for one in every if one.about is about]) for about, words in GROUPS.items()]


def revisions(template: MessageTemplate | None, language: str) -> list[TemplateContent]:
    if template is None:
        return []
    rows = TemplateContent.objects.filter(template=template, language=language).order_by("-revision")
    return list(rows.defer("html", "text")[:REVISIONS])
