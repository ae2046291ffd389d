"""A filter of the customer list: who is in a segment."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from customers.admin.filters import filters_customers
from segments.models import Segment
from segments.panels import in_segment

OFFERED = 200


@filters_customers
class SegmentFilter(admin.SimpleListFilter):
    """The segments by name. One statement."""

    title, parameter_name = _("segment"), "segment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        rows = Segment.objects.kept().order_by("name", "pk").values_list("pk", "name")[:OFFERED]
        return [(str(pk), name) for pk, name in rows]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        offered = {pk for pk, _name in self.lookup_choices}
        return in_segment(queryset, UUID(self.value())) if self.value() in offered else queryset
