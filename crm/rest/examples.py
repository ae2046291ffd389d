"""Examples for the OpenAPI document, made from its own schemas, so that no endpoint is without and none grows stale.

What a view shows by itself stays. Pure: a schema and a table of words.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
JSON = "application/json"
DEEPEST = 8
DAY, MOMENT = "1985-04-12", "2026-11-01T07:46:23Z"
UUID = "0192f0c1-7a3e-7c52-9d41-5b8e2f6a1c90"
REQUEST_ID = "d593332c10a644a5aeca1ea093f5eb9d"
# What a property of this name may say, where its schema lets it; one of a certain shape before one of any.
WORDS: dict[str, Any] = {
    "Activity.type": "TEETIME_BOOKED",
    "ActivityListed.type": "TEETIME_BOOKED",
    "CustomerFound.initials": "TN",
    "CustomerFound.matchedOn": ["name"],
    "CustomerFound.name": "Thandi Nkosi",
    "activityCount30d": 6,
    "actor": f"user:{UUID}",
    "attempts": 0,
    "authUserId": "auth0|65f1c2",
    "body": "Asked about **winter lessons**.",
    "bodyHtml": "<p>Asked about <strong>winter lessons</strong>.</p>",
    "bookingCount30d": 2,
    "checked": 1000,
    "churnRiskScore": 14,
    "code": "VALIDATION_ERROR",
    "confidence": 95,
    "consistent": True,
    "count": 3,
    "country": "ZA",
    "createdBy": f"key:{UUID}",
    "currency": "ZAR",
    "customerNotes": None,
    "customerType": "REGISTERED",
    "deadAt": None,
    "deletedAt": None,
    "description": None,
    "displayName": "Thandi Nkosi",
    "email": "thandi.nkosi@example.com",
    "emailDisplay": "Thandi.Nkosi@example.com",
    "emailOptIn": True,
    "engagementScore": 72,
    "error": None,
    "errorCode": None,
    "eventId": "c66f511b-3784-41fa-b502-b6a0256d0495",
    "examples": [],
    "externalId": "3f9c2b1e-5d64-4c8e-9a57-1f0f6f6c2d10",
    "field": "email",
    "firstName": "Thandi",
    "fullName": "Thandi Nkosi",
    "gdprConsent": True,
    "gender": "female",
    "handicap": 12.4,
    "hasMore": False,
    "homeClubId": "club-fynbos",
    "homeClubName": "Fynbos Golf Club",
    "internalNotes": None,
    "language": "en-ZA",
    "lastActivityType": "TEETIME_BOOKED",
    "lastName": "Nkosi",
    "lifecyclePin": None,
    "lifecycleStage": "MEMBER",
    "lifetimeValue": 1250000,
    "matchedBy": ["email"],
    "membershipStatus": "ACTIVE",
    "membershipTier": "Gold",
    "mergeReason": None,
    "mergedAt": None,
    "mergedInto": None,
    "message": "Some fields can't be accepted.",
    "messagingContactId": "contact-1042",
    "nextAttemptAt": None,
    "nextCursor": None,
    "oldestDueAt": None,
    "oldestDueSeconds": None,
    "phoneIsValid": True,
    "phoneNumber": "+27821234567",
    "priority": 2,
    "requestId": REQUEST_ID,
    "retrying": 0,
    "sclMemberId": 48490,
    "skip": 0,
    "source": "scl",
    "sourceService": "teetime",
    "status": "SUCCESS",
    "tags": ["founder"],
    "take": 25,
    "teetimePlayerId": "player-4711",
    "title": "Booked a tee time",
    "total": 1,
    "totalIsExact": True,
    "type": "scl.member.created",
    "updatedBy": f"key:{UUID}",
    "version": 1,
    "wrong": 0,
}
FORMATS = {
    "date-time": MOMENT,
    "date": DAY,
    "uuid": UUID,
    "email": WORDS["email"],
    "uri": "https://club.example/",
}


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A hook of drf-spectacular: every body and every reply that shows no example gets one."""
    schemas = result["components"]["schemas"]
    for methods in result["paths"].values():
        for operation in methods.values():
            said = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (one.get("content", {}).get(JSON) for one in said):
                if content is not None and not content.get("examples"):
                    made = example_of(content["schema"], schemas)
                    content["examples"] = {"Example": {"value": made, "summary": "An example"}}
    return result


def example_of(
    schema: Schema, schemas: Mapping[str, Schema], name: str = "", owner: str = "", depth: int = 0
) -> Any:
    """A value that a schema allows, for a property of this name in a shape of that."""
    own = schema.get("$ref", "").rpartition("/")[2] or owner
    schema = resolved(schema, schemas)
    kinds, word = kinds_of(schema), next((key for key in (f"{owner}.{name}", name) if key in WORDS), "")
    if "enum" in schema:
        allowed = [one for one in schema["enum"] if one is not None]
        return WORDS[word] if word and WORDS[word] in schema["enum"] else allowed[0]
    if word and fits(WORDS[word], kinds):
        return WORDS[word]
    if "object" in kinds:
        properties = schema.get("properties", {}) if depth <= DEEPEST else {}
        return {key: example_of(inner, schemas, key, own, depth + 1) for key, inner in properties.items()}
    if "array" in kinds:
        items = schema.get("items", {})
        return [] if depth > DEEPEST else [example_of(items, schemas, name, owner, depth + 1)]
    return _scalar(schema, kinds)


def resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """A schema without its references; of several that are allowed the first that is not null."""
    while "$ref" in schema or "allOf" in schema or "oneOf" in schema:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        else:
            ways = schema.get("allOf") or schema["oneOf"]
            schema = next((one for one in ways if one.get("type") != "null"), ways[0])
    return schema


def kinds_of(schema: Schema) -> list[str]:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return [kind] if isinstance(kind, str) else list(kind)


def fits(value: Any, kinds: list[str]) -> bool:
    if value is None or isinstance(value, bool):
        return ("null" if value is None else "boolean") in kinds
    for kind, types in (("string", str), ("array", list), ("integer", int), ("number", int | float)):
        if kind in kinds and isinstance(value, types):
            return True
    return False


def _scalar(schema: Schema, kinds: list[str]) -> Any:
    if "integer" in kinds or "number" in kinds:
        return max(schema.get("minimum", 1), min(schema.get("maximum", 1), 1))
    if "boolean" in kinds:
        return False
    if "string" not in kinds:
        return None
    text = FORMATS.get(schema.get("format", ""), "text")
    return text[: schema.get("maxLength", len(text))]
