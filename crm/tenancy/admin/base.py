"""The admin class behind every staff page: rights by role, rows of the open tenant, lists of any length."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from crm.tenancy.access import may, plain, queried, record
from crm.tenancy.permissions import Right

COUNT_UP_TO = 10_000
FEW = 500
SORTED = "sorted"  # in the session: list -> columns


class CappedPaginator(Paginator[Any]):
    """Counts no further than 10,000: beyond that a person narrows the list instead of turning pages."""

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: COUNT_UP_TO + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self._found, COUNT_UP_TO)

    @property
    def is_capped(self) -> bool:
        return self._found > COUNT_UP_TO


class WhenFilter(admin.DateFieldListFilter):
    """Today, the last days, this month, this year; called “when” whatever the column's name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _t("when")


class StaffChangeList(ChangeList):
    """A list that knows which filters are on, for the chips above it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = self.model_admin.list_title or str(self.opts.verbose_name_plural).capitalize()  # type: ignore[attr-defined]
        self.is_capped = getattr(self.paginator, "is_capped", False)

    @property
    def without_query(self) -> str:
        return self.get_query_string(remove=["q"])

    def get_results(self, request: HttpRequest) -> None:
        """A filter that few rows pass is expensive to scan for, so it is scanned once: the rest goes by their ids."""
        if self.has_active_filters:
            few = list(self.queryset.order_by().values_list("pk", flat=True)[: FEW + 1])
            if len(few) <= FEW:
                self.queryset = self.queryset.filter(pk__in=few)
        super().get_results(request)

    def url_for_result(self, result: models.Model) -> str:
        return str(self.model_admin.row_url(result) or super().url_for_result(result))  # type: ignore[attr-defined]


class StaffModelAdmin(admin.ModelAdmin[Any]):
    """Maps view, add, change and delete to rights of the permission matrix; None = nobody may.

    Rows come from the model's scoped manager, so another tenant's row is not found, as if it did not exist.
    """

    view_right: Right | None = Right.VIEW
    add_right: Right | None = None
    change_right: Right | None = None
    delete_right: Right | None = None
    list_title: Any = ""  # where the model's own plural is not what people say
    item_name: Any = ""
    intro: Any = ""
    empty_hint: Any = _("This list fills itself as events of your systems arrive.")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    actions_selection_counter = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request, self.view_right)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.view_right)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request, self.add_right)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.change_right)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request, self.delete_right)

    # Django asks has_<name>_permission for each of an action's `permissions`.
    def has_merge_permission(self, request: HttpRequest) -> bool:
        return may(request, Right.MERGE)

    def has_administer_permission(self, request: HttpRequest) -> bool:
        return may(request, Right.ADMINISTER)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """The rows that this member of staff may see."""
        return self.visible(request, super().get_queryset(request))

    def visible(self, request: HttpRequest, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Narrow the tenant's rows to those of the clubs that the member of staff is limited to."""
        return rows

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only what a filter of the list offers: asked of any other column, the list would tell what a role does
        not see, letter by letter.
        """
        offered: Any = self.get_list_filter(request)
        return any(
            lookup.partition("__")[0] == one[0] if isinstance(one, tuple)
            else lookup in (one, f"{one}__exact") if isinstance(one, str)
            else lookup == one.parameter_name
            for one in offered
        )  # fmt: skip

    def row_url(self, row: Any) -> str:
        """Where a row of the list leads, if not to Django's own form."""
        return ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StaffChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        self._refuse_bad_choice(request)
        self._remember_sort(request)
        words = {
            "intro": self.intro,
            "empty_hint": self.empty_hint,
            "item_name": self.item_name or self.opts.verbose_name,
        }
        return super().changelist_view(request, {**words, **(extra_context or {})})

    def _refuse_bad_choice(self, request: HttpRequest) -> None:
        """A chosen row whose id can't be one is a 400: Django would fail over it."""
        try:
            for chosen in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(chosen)
        except ValidationError:
            raise BadRequest("a chosen row has no id") from None

    def _remember_sort(self, request: HttpRequest) -> None:
        """A list comes back in the order in which it was last put, until that is taken away (an empty `o`)."""
        kept = request.session.get(SORTED, {})
        label = self.opts.label_lower
        asked = queried(request, "o", most=40) if "o" in request.GET else None
        if asked is None:
            if label in kept and request.method == "GET":
                query = request.GET.copy()
                query["o"] = kept[label]
                request.GET = query  # type: ignore[assignment]
        elif asked != kept.get(label, ""):
            kept.pop(label, None)
            request.session[SORTED] = {**kept, label: asked[:40]} if asked else kept

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
                        extra_context: dict[str, Any] | None = None) -> Any:  # fmt: skip
        words = {"list_title": self.list_title, "item_name": self.item_name or self.opts.verbose_name}
        return super().changeform_view(request, object_id, form_url, {**words, **(extra_context or {})})

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> Any:
        raise Http404(_t("There is no such page."))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        raise Http404  # the audit log is the history

    # What staff change goes to the audit log, not to Django's own log, which knows no tenants.
    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        after = {name: plain(form.cleaned_data.get(name)) for name in form.changed_data}
        if add:
            return {"before": {}, "after": after}
        before = {name: plain(form.initial.get(name)) for name in form.changed_data}
        changed = [
            name for name in after if after[name] != before[name]
        ]  # lists always look changed to a form
        return {
            "before": {name: before[name] for name in changed},
            "after": {name: after[name] for name in changed},
        }

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        record(request, f"{obj._meta.model_name}.added", obj, after=message["after"])

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        if message["after"]:
            record(request, f"{obj._meta.model_name}.changed", obj, **message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            record(request, f"{row._meta.model_name}.deleted", row)


class ReadOnlyAdmin(StaffModelAdmin):
    """Rows that only events, jobs and services write."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]
