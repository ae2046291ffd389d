"""Activity > Notes: everybody's newest, whoever mentions me; and what is done to a single note."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from crm.errors import BusinessRule, CRMError, NotFound, PreconditionFailed, ValidationFailed
from crm.tenancy.access import posted, queried, record_look, require
from crm.tenancy.admin.base import ReadOnlyAdmin
from crm.tenancy.markup import ago, badge, icon
from crm.tenancy.permissions import Right
from crm.versions import Condition
from customers.admin.html import page_url, person
from customers.models import CustomerProfile
from customers.visibility import of_visible_people, visible_customer
from timeline.admin.note_form import NoteForm, editing
from timeline.admin.words import NOTE_ICONS
from timeline.drafts import drop_draft, save_draft
from timeline.markdown import named, to_text
from timeline.mentions import colleagues, labelled, names_in, unseen
from timeline.models import Note, NoteMention, NoteType, Visibility
from timeline.notes import add_note, delete_note, edit_note, find_note, history_of, restore_note, with_names
from timeline.visibility import readable_notes, reader_of

EXCERPT, VERSIONS_SHOWN = 160, 50


class TypeFilter(admin.SimpleListFilter):
    title, parameter_name = _("type"), "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return NoteType.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(type=self.value()) if self.value() in NoteType.values else queryset


class ForMeFilter(admin.SimpleListFilter):
    title, parameter_name = _("whose"), "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("new", _("Mention me, not seen yet")), ("me", _("Mention me")), ("mine", _("Written by me"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        mine = NoteMention.objects.filter(user=request.user)
        if self.value() == "new":
            return queryset.filter(pk__in=mine.filter(seen_at=None).values("note"))
        if self.value() == "me":
            return queryset.filter(pk__in=mine.values("note"))
        return queryset.filter(author=f"user:{request.user.pk}") if self.value() == "mine" else queryset


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    list_title = _("Notes")
    empty_hint = _("Open a person’s page and write down what everybody should know.")
    intro = _("What was noted last, of all customers. To write one, open a person’s page.")
    list_display = ("what", "who", "author_shown", "written")
    list_display_links = ("what",)
    list_filter = (ForMeFilter, TypeFilter)
    list_select_related = ("customer",)
    sortable_by = ()
    ordering = ("-created_at", "-pk")

    def get_urls(self) -> Any:
        def one(name: str, view: Any, *, post: bool = True, address: str = "<uuid:pk>") -> Any:
            wrapped = self.admin_site.admin_view(require_POST(view) if post else view)
            return path(f"{address}/{name}", wrapped, name=f"timeline_note_{name.strip('/') or 'open'}")

        of_customer = "for/<uuid:customer>"
        return [
            one("write/", self.write_view, address=of_customer),
            one("draft/", self.draft_view, address=of_customer),
            one("colleagues/", self.colleagues_view, post=False, address=of_customer),
            one("", self.open_view, post=False),
            one("edit/", self.edit_view, post=False),
            one("versions/", self.versions_view, post=False),
            one("pin/", self.pin_view),
            one("remove/", self.remove_view),
            one("restore/", self.restore_view),
            *super().get_urls(),
        ]

    # --- the list
    def get_queryset(self, request: HttpRequest) -> Any:
        return readable_notes(request).select_related("customer").order_by(*self.ordering)

    def row_url(self, row: Note) -> str:
        return reverse("admin:timeline_note_open", args=[row.pk])

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)
        if rows := (getattr(response, "context_data", None) or {}).get("cl"):
            notes = with_names(rows.result_list)
            new = set(unseen(request.user, readable_notes(request)).values_list("note", flat=True))
            for note in notes:
                note.is_new = note.pk in new
            record_look(request, "note.listed", Note, after={"shown": len(notes), "page": rows.page_num})
        return response

    @admin.display(description=_("Note"))
    def what(self, note: Note) -> Any:
        symbol, tone = NOTE_ICONS[NoteType(note.type)]
        return format_html(
            '<span class="person wide"><span class="tone {}" title="{}">{}</span><span>{} {}{}</span></span>',
            tone, note.get_type_display(), icon(symbol),
            to_text(note.body, note.names, length=EXCERPT),
            badge(_t("mentions you"), "warn") if getattr(note, "is_new", False) else "",
            badge(note.get_visibility_display(), "grey", "lock") if note.visibility != Visibility.ALL else "",
        )  # fmt: skip

    @admin.display(description=_("Customer"))
    def who(self, note: Note) -> Any:
        return person(note.customer)

    @admin.display(description=_("By"))
    def author_shown(self, note: Note) -> str:
        return note.author_name or note.author

    @admin.display(description=_("Written"))
    def written(self, note: Note) -> Any:
        return ago(note.created_at)

    # --- writing
    def write_view(self, request: HttpRequest, customer: UUID) -> HttpResponse:
        profile = self._customer(request, customer)
        form = NoteForm(request.POST)
        if form.is_valid():
            try:
                note = add_note(profile, by=reader_of(request), **form.writes())
            except (ValidationFailed, BusinessRule) as error:
                form.explain(error)
            else:
                drop_draft(request.user, profile.pk)
                messages.success(request, _t("The note is kept."))
                return _to(note)
        return self._form_page(request, profile, form, about=profile.pk)

    def edit_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The form of a note; when somebody else saved meanwhile, both texts are shown and none is lost."""
        profile, note = self._note(request, pk)
        reader = reader_of(request)
        if not reader.may_change(note.author):
            raise PermissionDenied
        if request.method != "POST":
            form, saved_at = editing(request.user, note)
            return self._form_page(request, profile, form, note=note, about=note.pk, saved_at=saved_at)
        form, theirs = NoteForm(request.POST), None
        if form.is_valid():
            etag = f'"{note.pk.hex}-{form.cleaned_data["version"] or note.version}"'
            try:
                edited = edit_note(profile, note.pk, form.writes(), by=reader, if_match=Condition.of(etag))
            except PreconditionFailed:
                note = find_note(profile.pk, pk, reader)
                theirs = labelled(note.body)
                form = NoteForm({**request.POST.dict(), "version": note.version})
            except (ValidationFailed, BusinessRule) as error:
                form.explain(error)
            except NotFound:
                raise Http404 from None
            except CRMError:
                raise PermissionDenied from None
            else:
                drop_draft(request.user, note.pk)
                messages.success(request, _t("The note is changed."))
                return _to(edited)
        return self._form_page(request, profile, form, note=note, about=note.pk, theirs=theirs)

    def _form_page(
        self, request: HttpRequest, profile: CustomerProfile, form: NoteForm, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Edit note") if more.get("note") else _t("Add note"),
            "opts": self.opts,
            "profile": profile,
            "form": form,
            **more,
        }
        if more.get("theirs"):
            (context["note"],) = with_names([more["note"]])
        return TemplateResponse(request, "admin/timeline/note_form.html", context)

    def draft_view(self, request: HttpRequest, customer: UUID) -> HttpResponse:
        """Keep what is being written. Asked by the page itself as somebody types, and by “Throw away”."""
        profile = self._customer(request, customer)
        about = profile.pk
        if of_note := posted(request, "about"):
            try:
                about = UUID(of_note)
            except ValueError:
                raise Http404 from None
            if about != profile.pk:
                _profile, note = self._note(request, about)
                if note.customer_id != profile.pk:
                    raise Http404
        if "discard" in request.POST:
            drop_draft(request.user, about)
            if about != profile.pk:
                return HttpResponseRedirect(reverse("admin:timeline_note_edit", args=[about]))
            return HttpResponseRedirect(f"{page_url(profile.pk)}?tab=notes")
        at = save_draft(profile, request.user, about, request.POST.dict())
        return JsonResponse({"savedAt": at.isoformat() if at else None})

    def colleagues_view(self, request: HttpRequest, customer: UUID) -> HttpResponse:
        """Whom a note may mention; those who could not read it stand aside."""
        profile = self._customer(request, customer)
        visibility = queried(request, "visibility", Visibility.ALL)
        author = f"user:{request.user.pk}"
        found = colleagues(profile, visibility, author=author)
        rows = [
            {"label": one.label, "name": one.name, "email": one.email, "role": str(one.role), "maySee": one.may_see}
            for one in found
        ]  # fmt: skip
        return JsonResponse({"colleagues": rows})

    def pin_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        profile, note = self._note(request, pk)
        return self._do(
            lambda: edit_note(profile, pk, {"is_pinned": not note.is_pinned}, by=reader_of(request)), note
        )

    def remove_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        profile, note = self._note(request, pk)
        return self._do(
            lambda: delete_note(profile.pk, pk, by=reader_of(request)), note, f"&deleted={note.pk}#main"
        )

    def restore_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        require(request, Right.NOTE)
        gone = of_visible_people(request, Note.objects.exclude(deleted_at=None)).filter(pk=pk).first()
        if gone is None:
            raise Http404
        return self._do(lambda: restore_note(gone.customer_id, pk, by=reader_of(request)), gone)

    def _do(self, act: Any, note: Note, then: str = "") -> HttpResponse:
        try:
            act()
        except NotFound:
            raise Http404 from None
        except CRMError:
            raise PermissionDenied from None
        return _to(note, then)

    # --- reading
    def open_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        note = self._readable(request, pk)
        return _to(note)

    def versions_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Who changed a note, when, from what to what."""
        note = self._readable(request, pk)
        rows = with_names(history_of(note, reader_of(request)).order_by("-version")[:VERSIONS_SHOWN])
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Versions of a note"),
            "opts": self.opts,
            "profile": note.customer,
            "note": note,
            "versions": [(row, _changes(row)) for row in rows],
        }
        return TemplateResponse(request, "admin/timeline/note_versions.html", context)

    def _customer(self, request: HttpRequest, pk: UUID) -> CustomerProfile:
        require(request, Right.NOTE)
        try:
            return visible_customer(request, pk)[0]
        except NotFound:
            raise Http404 from None

    def _note(self, request: HttpRequest, pk: UUID) -> tuple[CustomerProfile, Note]:
        """A note to change, and its customer."""
        require(request, Right.NOTE)
        note = self._readable(request, pk)
        return note.customer, note

    def _readable(self, request: HttpRequest, pk: UUID) -> Note:
        require(request, Right.VIEW)
        note: Note | None = readable_notes(request).select_related("customer").filter(pk=pk).first()
        if note is None:
            raise Http404
        return note


def _to(note: Note, then: str = "") -> HttpResponse:
    """Back to the person's page, at the note."""
    return HttpResponseRedirect(f"{page_url(note.customer_id)}?tab=notes{then or f'#note-{note.pk}'}")


def _changes(row: Any) -> list[tuple[str, Any, Any]]:
    """What an edit changed, in words; the first version shows its text alone."""
    names = names_in([row.body, row.was_body or ""])
    text = [(_t("Text"), to_text_lines(row.was_body, names), to_text_lines(row.body, names))]
    if row.was_version is None:
        return text
    types, levels = dict(NoteType.choices), dict(Visibility.choices)
    rest = [
        (_t("Type"), types.get(row.was_type), types[row.type]),
        (_t("Who may read it"), levels.get(row.was_visibility), levels[row.visibility]),
        (_t("Pinned"), row.was_is_pinned, row.is_pinned),
        (_t("Due on"), row.was_due_on, row.due_on),
    ]
    return [(name, before, after) for name, before, after in [*text, *rest] if before != after]


def to_text_lines(body: str | None, names: dict[str, str]) -> str | None:
    """The source of a text with names for ids, as its author knows it."""
    return None if body is None else named(body, names)
