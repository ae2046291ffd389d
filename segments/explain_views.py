"""The endpoints of the rule language: why somebody is in a segment, and what rules can be about."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.serializers import AnyJson, Query, Uuid
from crm.rest.shapes import shape
from crm.tenancy.permissions import Scope
from customers.models import CustomerProfile
from customers.payloads import wire_value
from customers.visibility import visible_customer
from segments import entries, meaning, operators, reasons, schema
from segments.compiler import current_vocabulary, population
from segments.models import Segment, SegmentEntry
from segments.ready_made import shelves
from segments.reasons import Answer
from segments.replies import ASSIGNED, assigned_payload
from segments.sight import is_kept_back
from segments.templates import Template
from segments.trees import Group, leaves
from segments.views import SegmentView
from segments.vocabulary import Field, Relation

ReasonShape = shape(
    "SegmentReason",
    {
        "path": serializers.CharField(help_text="Where the rule stands in `criteria`."),
        "sentence": serializers.CharField(),
        "holds": serializers.BooleanField(allow_null=True),
        "actual": AnyJson(help_text="What it was asked of; null where there is nothing, or it is masked."),
        "decides": serializers.BooleanField(help_text="The whole would come out otherwise if this rule did."),
        "masked": serializers.BooleanField(help_text="Your role does not see what it was asked of."),
    },
)
ByHandShape = shape(
    "SegmentByHand",
    {"keptOut": serializers.BooleanField(), "since": serializers.DateTimeField(), **ASSIGNED},
)
ExplanationReply = shape(
    "SegmentExplanation",
    {
        "segmentId": serializers.UUIDField(),
        "customerId": serializers.UUIDField(),
        "isMember": serializers.BooleanField(help_text="By the last time it was worked out."),
        "belongs": serializers.BooleanField(help_text="By what is known this moment."),
        "canBelong": serializers.BooleanField(
            help_text="Neither merged, deleted, restricted in processing nor a guest known by name only."
        ),
        "matchesRules": serializers.BooleanField(allow_null=True, help_text="null of a list."),
        "byHand": ByHandShape(allow_null=True),
        "rules": ReasonShape(many=True),
    },
    "Why somebody is in a segment or not.",
)
NAMED = {"name": serializers.CharField(), "label": serializers.CharField()}
ChoiceShape = shape("SegmentChoice", {"value": serializers.CharField(), "label": serializers.CharField()})
FieldShape = shape(
    "SegmentField",
    {
        **NAMED,
        "type": serializers.CharField(),
        "group": serializers.CharField(allow_null=True),
        "operators": serializers.ListField(child=serializers.CharField()),
        "choices": ChoiceShape(many=True),
        "unit": serializers.CharField(allow_null=True, help_text="cents, points"),
        "hasHistory": serializers.BooleanField(help_text="Whether a rule may ask for how long it has been so."),
        "helpText": serializers.CharField(allow_null=True),
    },
)  # fmt: skip
RelationShape = shape(
    "SegmentRelation",
    {
        **NAMED,
        "time": serializers.CharField(help_text="The field that says when."),
        "fields": FieldShape(many=True),
    },
)
OperatorShape = shape(
    "SegmentOperator",
    {
        **NAMED,
        "value": serializers.CharField(help_text="What stands in `value`."),
        "aliases": serializers.ListField(child=serializers.CharField()),
        "ofUnset": serializers.BooleanField(help_text="What it says of somebody who has no value."),
    },
)
VocabularyReply = shape(
    "SegmentVocabulary",
    {
        "fields": FieldShape(many=True),
        "relations": RelationShape(many=True),
        "operators": OperatorShape(many=True),
    },
    "What rules can be about.",
)
TemplateShape = shape(
    "SegmentTemplate",
    {
        "key": serializers.CharField(),
        "group": serializers.CharField(),
        "name": serializers.CharField(),
        "description": serializers.CharField(),
        "type": serializers.CharField(),
        "category": serializers.CharField(),
        "refreshFrequency": serializers.CharField(),
        "criteria": serializers.DictField(),
    },
)
TemplatesReply = shape("SegmentTemplates", {"data": TemplateShape(many=True)})


class ExplainQuery(Query):
    """Of whom."""

    customerId = Uuid()


class SegmentExplain(SegmentView):
    scopes = {"GET": Scope.READ}
    queries = {"GET": ExplainQuery}
    looks = "segment"

    @extend_schema(operation_id="explainSegment", responses={200: ExplanationReply})
    def get(self, request: Request, pk: str) -> Response:
        """Read why somebody is in a segment or not.

        Rule by rule, with the value that each was asked of now, and which of them decide.
        """
        segment = self.segment_of(pk)
        customer, _ = visible_customer(request, self.params["customerId"])
        self.about = customer.pk
        tree = meaning.tree_of(segment)
        names = dict(Segment.objects.filter(pk__in=segment.references).values_list("pk", "name"))
        now = timezone.now()
        found = reasons.why(tree, customer.pk, moment=now, zone=segment.zone, names=names) if tree else None
        return Response(explanation_payload(segment, customer, tree, found))


class SegmentFields(SegmentView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="listSegmentFields", responses={200: VocabularyReply})
    def get(self, request: Request) -> Response:
        """Read what rules can be about.

        The fields of a person, your own ones among them, the rows that belong to a person, and the operators.
        """
        found = current_vocabulary()
        return Response(
            {
                "fields": [field_payload(one) for one in found.words.fields.values()],
                "relations": [relation_payload(one) for one in found.relations.values()],
                "operators": [operator_payload(one) for one in operators.OPERATORS.values()],
            }
        )


class SegmentSchema(SegmentView):
    scopes = {"GET": Scope.READ}

    @extend_schema(
        operation_id="getSegmentSchema", responses={200: {"type": "object", "additionalProperties": True}}
    )
    def get(self, request: Request) -> Response:
        """Read the JSON Schema of rules.

        Of their shape; which operators a field has, and what their values may be, says the list of fields.
        """
        return Response(schema.schema(current_vocabulary()))


class SegmentTemplates(SegmentView):
    scopes = {"GET": Scope.READ}

    @extend_schema(operation_id="listSegmentTemplates", responses={200: TemplatesReply})
    def get(self, request: Request) -> Response:
        """Read the segments that one can start from.

        What a template has can be sent to `POST /segments` as it is, but for `key` and `group`.
        """
        return Response({"data": [template_payload(one) for one in shelves()]})


def explanation_payload(
    segment: Segment, customer: CustomerProfile, tree: Group | None, found: Answer | None
) -> dict[str, Any]:
    entry = entries.entries_of(segment, [customer.pk]).get(customer.pk)
    can_belong = population().filter(pk=customer.pk).exists()
    by_rules = found is not None and found.matches
    return {
        "segmentId": str(segment.pk),
        "customerId": str(customer.pk),
        "isMember": customer.pk in entries.members_among(segment, [customer.pk]),
        "belongs": can_belong and (not entry.is_excluded if entry else by_rules),
        "canBelong": can_belong,
        "matchesRules": found.matches if found else None,
        "byHand": by_hand_payload(entry) if entry else None,
        "rules": reasons_payload(tree, found) if tree and found else [],
    }


def by_hand_payload(entry: SegmentEntry) -> dict[str, Any]:
    return {"keptOut": entry.is_excluded, "since": wire_value(entry.since), **assigned_payload(entry)}


def reasons_payload(tree: Group, found: Answer) -> list[dict[str, Any]]:
    hidden = {path for path, leaf in leaves(tree) if is_kept_back(leaf)}
    return [
        {
            "path": reason.path,
            "sentence": reason.sentence,
            "holds": None if reason.path in hidden else reason.holds,
            "actual": None if reason.path in hidden else reason.actual,
            "decides": reason.decides,
            "masked": reason.path in hidden,
        }
        for reason in found.reasons
    ]


def field_payload(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "type": field.kind.value,
        "group": field.group or None,
        "operators": [one.name for one in operators.of_kind(field.kind)],
        "choices": [{"value": one.value, "label": one.label} for one in field.choices],
        "unit": field.unit or None,
        "hasHistory": bool(field.history),
        "helpText": field.help_text or None,
    }


def relation_payload(relation: Relation) -> dict[str, Any]:
    return {
        "name": relation.name,
        "label": relation.label,
        "time": relation.time,
        "fields": [field_payload(one) for one in relation.words.fields.values()],
    }


def operator_payload(operator: operators.Operator) -> dict[str, Any]:
    return {
        "name": operator.name,
        "label": operator.label,
        "value": operator.shape.value,
        "aliases": list(operator.aliases),
        "ofUnset": operator.unset,
    }


def template_payload(template: Template) -> dict[str, Any]:
    return {
        "key": template.key,
        "group": template.group,
        "name": template.name,
        "description": template.description,
        "type": template.type,
        "category": template.category,
        "refreshFrequency": template.frequency,
        "criteria": template.criteria,
    }
