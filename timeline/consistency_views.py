"""The endpoint that says whether stored numbers and rows agree."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.rest.serializers import Query, Whole
from crm.rest.views import ApiView
from crm.tenancy.permissions import Right, Scope
from timeline.consistency import SAMPLE, check


class ConsistencyQuery(Query):
    """How much to look at."""

    sample = Whole(
        default=SAMPLE, min_value=1, max_value=100_000, help_text="People whose counters are recounted."
    )


class CheckReply(serializers.Serializer[Any]):
    """One rule, and what was found."""

    name = serializers.CharField(help_text="Stable; what a program goes by.")
    says = serializers.CharField(help_text="What must be so.")
    checked = serializers.IntegerField(help_text="Rows looked at.")
    wrong = serializers.IntegerField(help_text="Those that break the rule.")
    examples = serializers.ListField(child=serializers.CharField(), help_text="Ids of up to five of them.")


class ConsistencyReply(serializers.Serializer[Any]):
    """Whether what is stored agrees with itself."""

    consistent = serializers.BooleanField()
    checkedAt = serializers.DateTimeField()
    checks = CheckReply(many=True)


class Consistency(ApiView):
    scopes = {"GET": Scope.ADMIN}
    rights = {"GET": Right.ADMINISTER}
    queries = {"GET": ConsistencyQuery}
    tag = "Events"

    @extend_schema(operation_id="checkConsistency", responses={200: ConsistencyReply})
    def get(self, request: Request) -> Response:
        """Check that stored numbers and rows agree.

        Counters against a recount of a sample of people, half of them at random; profiles, identifiers, events,
        timelines and outbox against each other, the newest 20,000 of each. Reads only.
        """
        now = timezone.now()
        checks = check(now=now, sample=self.params["sample"])
        return Response(
            {
                "consistent": not any(one.wrong for one in checks),
                "checkedAt": now,
                "checks": [one._asdict() for one in checks],
            }
        )
