"""What the template endpoints take."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from campaigns.checking import LONGEST_BODY
from campaigns.gallery import GALLERY
from campaigns.template_replies import TEMPLATE_FIELDS
from campaigns.templates import LONGEST_NAME, MOST_LANGUAGES
from campaigns.writing import Wording
from crm.rest.paging import Column, Ordering, PageQuery, fields_parameter
from crm.rest.serializers import AnyOf, FreeMap, Moment, Query, StrictSerializer, Text, Uuid
from customers.models.consent import Channel

TEMPLATES = Ordering(
    "templates",
    {"name": Column("name"), "createdAt": Column("created_at"), "updatedAt": Column("updated_at")},
    default="name",
)


class ContentBody(StrictSerializer):
    """Words in one language."""

    language = Text(max_length=35, help_text="BCP 47, such as en or en-ZA.")
    subject = Text(required=False, max_length=300, allow_blank=True, allow_null=True)
    preheader = Text(required=False, max_length=300, allow_blank=True, allow_null=True)
    body = Text(max_length=LONGEST_BODY, allow_blank=True, trim_whitespace=False)
    text = Text(
        required=False, max_length=LONGEST_BODY, allow_blank=True, allow_null=True, trim_whitespace=False,
        help_text="The plain part of an e-mail; made from the body where it is absent.",
    )  # fmt: skip
    extra = FreeMap(required=False)


def wording(content: dict[str, Any]) -> Wording:
    return Wording(
        content["language"], content.get("subject") or "", content.get("preheader") or "", content["body"],
        content.get("text") or "", content.get("extra") or {},
    )  # fmt: skip


class TemplateWords(StrictSerializer):
    """What may change about a template; what is absent stays, null clears."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)
    description = Text(required=False, max_length=2000, allow_blank=True, allow_null=True)
    clubId = Uuid(required=False, allow_null=True, source="club_id")
    contents = serializers.ListField(
        child=ContentBody(), required=False, max_length=MOST_LANGUAGES,
        help_text="The languages to write; the others stay.",
    )  # fmt: skip
    removeLanguages = serializers.ListField(
        child=Text(max_length=35), required=False, max_length=MOST_LANGUAGES, source="remove_languages"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("description", "") is None:
            attrs["description"] = ""
        if "contents" in attrs:
            attrs["contents"] = [wording(one) for one in attrs["contents"]]
        return attrs


class TemplateNew(StrictSerializer):
    """A new template: with its words, or of a ready-made one."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME, help_text="Needed without `gallery`.")
    description = Text(required=False, max_length=2000, allow_blank=True, allow_null=True)
    clubId = Uuid(required=False, allow_null=True, source="club_id")
    channel = serializers.ChoiceField(
        required=False, choices=Channel.choices,
        help_text="Needed without `gallery`; it stays for ever.",
    )  # fmt: skip
    contents = serializers.ListField(child=ContentBody(), required=False, max_length=MOST_LANGUAGES)
    gallery = serializers.ChoiceField(
        required=False, choices=list(GALLERY), help_text="A ready-made one, in place of channel and contents."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "gallery" in attrs:
            if given := {"channel", "contents", "description"} & set(attrs):
                raise ValidationError(dict.fromkeys(given, "comes with the ready-made template"))
            return attrs
        if missing := {"name", "channel"} - set(attrs):
            raise ValidationError(dict.fromkeys(missing, "This field is required."), code="required")
        attrs["description"] = attrs.get("description") or ""
        attrs["contents"] = [wording(one) for one in attrs.get("contents", ())]
        return attrs


class TemplateQuery(PageQuery):
    """Filters of the list of templates."""

    sort = TEMPLATES.parameter()
    fields = fields_parameter(TEMPLATE_FIELDS)  # type: ignore[assignment]
    channel = AnyOf(choices=Channel.choices, required=False)
    clubId = Uuid(required=False)
    search = Text(required=False, max_length=200, help_text="A part of the name.")
    updatedSince = Moment(required=False)


class TemplateCopy(StrictSerializer):
    """A name for the copy."""

    tenantId = serializers.CharField(required=False)
    name = Text(required=False, max_length=LONGEST_NAME)


class LookQuery(Query):
    """For whom, and in which language."""

    customerId = Uuid(required=False, help_text="Example values stand in where nobody is named.")
    language = Text(required=False, max_length=35, help_text="In place of the customer's own.")


class TryBody(StrictSerializer):
    """Words to try out."""

    tenantId = serializers.CharField(required=False)
    channel = serializers.ChoiceField(choices=Channel.choices)
    clubId = Uuid(required=False, allow_null=True, source="club_id")
    content = ContentBody()
    customerId = Uuid(required=False, allow_null=True, source="customer_id")
    event = FreeMap(required=False, help_text="The payload of an event that a triggered message answers.")
