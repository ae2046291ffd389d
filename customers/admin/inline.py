"""One field of a person changed on their page: the form of the whole person, with nothing but that field left."""

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from crm.tenancy.access import queried, require
from crm.tenancy.permissions import Right
from customers.admin import custom_values
from customers.admin.customer_form import tiers
from customers.admin.editing import open_form, save
from customers.models import CustomerProfile

FIELDS = {
    "name": ("first_name", "last_name"),
    "phone": ("phone_number",),
    **{
        name: (name,)
        for name in (
            "email", "date_of_birth", "gender", "country", "language", "customer_type", "home_club_ref", "handicap",
            "membership_tier", "membership_status", "member_since", "membership_expiry",
        )
    },
}  # fmt: skip


def field_view(request: HttpRequest, profile: CustomerProfile) -> HttpResponse:
    """The field's form, for a script to put in the place of the value; 204 once what was sent is saved.

    It is written as the whole form writes it: beside what others changed meanwhile, with what is wrong at the field.
    """
    require(request, Right.EDIT)
    name = queried(request, "field")
    own = (name,) if name.startswith(custom_values.PREFIX) else ()
    form = open_form(request, profile, only=FIELDS.get(name, own) or ("",))
    if not form.visible_fields():
        raise Http404
    if request.method == "POST" and form.is_valid() and save(request, form, profile):
        return HttpResponse(status=204)
    context = {"form": form, "profile": profile, "field": name}
    if name == "membership_tier":
        context["tiers"] = tiers()
    return TemplateResponse(request, "admin/customers/field.html", context)
