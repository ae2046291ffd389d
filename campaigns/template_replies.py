"""What the template endpoints answer."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from campaigns import sms
from campaigns.gallery import Ready
from campaigns.models import MessageTemplate, TemplateContent
from campaigns.personalisation import About, Kind, Variable
from campaigns.previews import Preview
from crm.rest.serializers import AnyJson
from crm.rest.shapes import shape
from customers.models.consent import Channel
from customers.payloads import wire_value

CONTENT_FIELDS: dict[str, Any] = {
    "language": serializers.CharField(help_text="BCP 47, such as en or en-ZA."),
    "revision": serializers.IntegerField(),
    "subject": serializers.CharField(allow_null=True, help_text="Of EMAIL; the title of PUSH."),
    "preheader": serializers.CharField(allow_null=True),
    "body": serializers.CharField(help_text="MJML or HTML of EMAIL, else text; with Liquid."),
    "text": serializers.CharField(
        allow_null=True, help_text="The plain part as written; null where it is made."
    ),
    "extra": serializers.DictField(
        help_text="Of PUSH link and imageUrl; of WHATSAPP templateName and parameters."
    ),
    "createdAt": serializers.DateTimeField(),
    "createdBy": serializers.CharField(allow_null=True),
}
ContentReply = shape("TemplateContent", CONTENT_FIELDS, "The words of one language, as they are now.")
TEMPLATE_FIELDS: dict[str, Any] = {
    "id": serializers.UUIDField(),
    "name": serializers.CharField(),
    "description": serializers.CharField(allow_null=True),
    "channel": serializers.ChoiceField(choices=Channel.choices),
    "clubId": serializers.UUIDField(allow_null=True),
    "gallery": serializers.CharField(allow_null=True, help_text="The ready-made template it was made of."),
    "contents": ContentReply(many=True),
    "createdAt": serializers.DateTimeField(),
    "createdBy": serializers.CharField(allow_null=True),
    "updatedAt": serializers.DateTimeField(),
    "updatedBy": serializers.CharField(allow_null=True),
}
TemplateReply = shape("Template", TEMPLATE_FIELDS, "Something to say on one channel.")
TemplateListed = shape(
    "TemplateListed", TEMPLATE_FIELDS, "A template, or what `fields` asks for.", is_sparse=True
)


def content_payload(content: TemplateContent) -> dict[str, Any]:
    return {
        "language": content.language, "revision": content.revision, "subject": content.subject or None,
        "preheader": content.preheader or None, "body": content.body, "text": content.plain or None,
        "extra": content.extra, "createdAt": wire_value(content.created_at), "createdBy": content.created_by or None,
    }  # fmt: skip


def template_payload(template: MessageTemplate, contents: Mapping[str, TemplateContent]) -> dict[str, Any]:
    return {
        "id": str(template.pk), "name": template.name, "description": template.description or None,
        "channel": template.channel, "clubId": wire_value(template.club_id), "gallery": template.key or None,
        "contents": [content_payload(contents[name]) for name in sorted(contents)],
        "createdAt": wire_value(template.created_at), "createdBy": template.created_by or None,
        "updatedAt": wire_value(template.updated_at), "updatedBy": template.updated_by or None,
    }  # fmt: skip


PartsShape = shape(
    "SmsCount",
    {
        "encoding": serializers.ChoiceField(choices=[one.value for one in sms.Encoding]),
        "units": serializers.IntegerField(),
        "parts": serializers.IntegerField(),
        "left": serializers.IntegerField(help_text="Free places in the last part."),
        "odd": serializers.ListField(child=serializers.CharField(), help_text="What made it UCS-2."),
    },
)
PreviewReply = shape(
    "TemplatePreview",
    {
        "language": serializers.CharField(),
        "subject": serializers.CharField(allow_null=True),
        "html": serializers.CharField(allow_null=True),
        "text": serializers.CharField(),
        "extra": serializers.DictField(),
        "sms": PartsShape(allow_null=True),
        "missing": serializers.ListField(
            child=serializers.CharField(), help_text="Variables that print nothing here and have no default."
        ),
    },
    "What somebody would get.",
)


def preview_payload(found: Preview) -> dict[str, Any]:
    got = found.rendered
    counted = sms.count(got.text) if found.words.channel == Channel.SMS else None
    return {
        "language": found.language, "subject": got.subject or None, "html": got.html or None, "text": got.text,
        "extra": dict(got.extra), "missing": found.missing,
        "sms": None if counted is None else {**counted._asdict(), "odd": list(counted.odd)},
    }  # fmt: skip


VariableShape = shape(
    "TemplateVariable",
    {
        "name": serializers.CharField(),
        "kind": serializers.ChoiceField(choices=[one.value for one in Kind]),
        "about": serializers.ChoiceField(choices=[one.value for one in About]),
        "description": serializers.CharField(),
        "example": AnyJson(),
        "default": serializers.CharField(
            allow_null=True, help_text="In English, where the template says nothing."
        ),
        "isAlwaysKnown": serializers.BooleanField(),
    },
    "A name that can stand in a message.",
)
VariablesReply = shape("TemplateVariables", {"data": VariableShape(many=True)})


def variable_payload(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name, "kind": variable.kind.value, "about": variable.about.value,
        "description": variable.description, "example": variable.example,
        "default": variable.default_in("en") or None, "isAlwaysKnown": variable.always,
    }  # fmt: skip


ReadyShape = shape(
    "ReadyTemplate",
    {
        "key": serializers.CharField(),
        "name": serializers.CharField(),
        "channel": serializers.ChoiceField(choices=Channel.choices),
        "description": serializers.CharField(),
        "languages": serializers.ListField(child=serializers.CharField()),
    },
    "A ready-made template: name its key as `gallery` of a new one.",
)
GalleryReply = shape("TemplateGallery", {"data": ReadyShape(many=True)})


def ready_payload(ready: Ready) -> dict[str, Any]:
    return {
        "key": ready.key, "name": ready.name, "channel": ready.channel, "description": ready.description,
        "languages": sorted(ready.contents),
    }  # fmt: skip
