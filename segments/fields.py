"""The registry: every field of a person that rules can be about, under the names that the API has for them.

Apps above add theirs with `register_fields`, and rows with `relations.register_relations`, when they are ready.
"""

from collections.abc import Iterable
from functools import partial

from crm.tenancy.masks import Personal
from customers.lifecycle import ALIASES
from customers.models import CustomerType, Stage, Status
from customers.models.history import TRACKED
from segments.relations import RELATIONS, choices_of
from segments.statements import Sql, sql
from segments.vocabulary import Choice, Field, Kind, Maker, Vocabulary, Words

STAGES = tuple(
    Choice(value, label, tuple(word for word, stage in ALIASES.items() if stage == value))
    for value, label in Stage.choices
)


def profile(
    name: str, kind: Kind, label: str, column: str, group: str, *, tells: str = "", is_past: bool = False,
    aliases: tuple[str, ...] = (), choices: tuple[Choice, ...] = (), help_text: str = "",
) -> Field:  # fmt: skip
    """A column of the profile, with the history that the profile has of it."""
    history = column if column in TRACKED else ""
    return Field(
        name, kind, label, Sql(f"p.{column}"), group, choices, aliases, is_past=is_past, history=history, tells=tells,
        help_text=help_text,
    )  # fmt: skip


def metric(
    name: str, kind: Kind, label: str, column: str, group: str, *, unit: str = "", tells: str = ""
) -> Field:
    """A counter, a score or a last time: always of the past."""
    return Field(name, kind, label, Sql(f"m.{column}"), group, unit=unit, is_past=True, tells=tells)


def says(name: str, label: str, column: str, group: str, *aliases: str) -> Field:
    """A condition of SQL, which is never unknown."""
    return Field(name, Kind.BOOL, label, Sql(column), group, aliases=aliases)


TEXT, CODE, NUMBER, BOOL, DATE, MOMENT = Kind.TEXT, Kind.CODE, Kind.NUMBER, Kind.BOOL, Kind.DATE, Kind.MOMENT
PERSON, STATE, SCORES, ACTIVE, GOLF, MEMBER, CONSENT, LINKS, SETS = (
    "Person", "Status", "Scores", "Activity", "Golf", "Membership", "Consent", "Links", "Belongs to",
)  # fmt: skip
_HELD = (
    "ARRAY(SELECT DISTINCT a.kind FROM customers_aliasholder h JOIN customers_identityalias a ON a.id = h.alias_id"
    " WHERE h.tenant_id = p.tenant_id AND h.customer_id = p.id)"
)
_CLUBS = (
    "array_remove(ARRAY(SELECT p.home_club_ref"
    " UNION SELECT c.club_ref FROM customers_membership c WHERE c.tenant_id = p.tenant_id AND c.customer_id = p.id"
    " UNION SELECT b.club_ref FROM customers_booking b WHERE b.tenant_id = p.tenant_id AND b.customer_id = p.id), '')"
)
_HOUSE = (
    "EXISTS (SELECT FROM customers_householdmember h WHERE h.tenant_id = p.tenant_id AND h.customer_id = p.id"
    " AND h.until IS NULL)"
)
_SEGMENTS = (
    "ARRAY(SELECT s.segment_id FROM segments_segmentmember s"
    " WHERE s.tenant_id = p.tenant_id AND s.customer_id = p.id)"
)
_FIELDS: tuple[Field, ...] = (
    profile("email", TEXT, "E-mail", "email", PERSON, tells=Personal.EMAIL),
    profile("emailVerified", BOOL, "E-mail verified", "email_verified", PERSON),
    profile("phoneNumber", TEXT, "Phone", "phone_number", PERSON, tells=Personal.PHONE, aliases=("phone",)),
    profile("phoneVerified", BOOL, "Phone verified", "phone_verified", PERSON),
    profile("firstName", TEXT, "First name", "first_name", PERSON),
    profile("lastName", TEXT, "Last name", "last_name", PERSON),
    profile("displayName", TEXT, "Display name", "display_name", PERSON),
    profile(
        "dateOfBirth", DATE, "Date of birth", "date_of_birth", PERSON, tells=Personal.BIRTH_DATE,
        aliases=("birthday", "birthDate"),
    ),
    profile("age", Kind.AGE, "Age", "date_of_birth", PERSON, tells=Personal.BIRTH_DATE),
    profile("gender", TEXT, "Gender", "gender", PERSON),
    profile("country", TEXT, "Country", "country", PERSON, help_text="Two letters, such as ZA."),
    profile("language", TEXT, "Language", "language", PERSON),
    profile("customerNotes", TEXT, "Notes for the customer", "customer_notes", PERSON),
    profile("internalNotes", TEXT, "Internal notes", "internal_notes", PERSON, tells=Personal.INTERNAL_NOTES),
    profile("status", CODE, "Status", "status", STATE, choices=choices_of(Status.choices[:2])),
    profile("lifecycleStage", CODE, "Lifecycle stage", "lifecycle_stage", STATE, choices=STAGES, aliases=("stage",)),
    profile("lifecyclePin", CODE, "Pinned stage", "lifecycle_pin", STATE, choices=STAGES),
    profile("customerType", CODE, "Customer type", "customer_type", STATE, choices=choices_of(CustomerType.choices)),
    Field("tags", Kind.LIST, "Tags", Sql("p.tags"), STATE, history="tags"),
    profile("isVip", BOOL, "VIP", "is_vip", STATE),
    profile("isBlocked", BOOL, "Blocked", "is_blocked", STATE),
    profile("isPending", BOOL, "Pending", "is_pending", STATE),
    profile("source", CODE, "First source", "source", STATE),
    profile("createdAt", MOMENT, "Known since", "created_at", STATE, is_past=True),
    profile("updatedAt", MOMENT, "Changed", "updated_at", STATE, is_past=True),
    profile("dataRetentionDate", DATE, "Kept until", "data_retention_date", STATE),
    metric("engagementScore", NUMBER, "Engagement score", "engagement_score", SCORES, tells=Personal.SCORES),
    metric("engagementScoreAt", MOMENT, "Engagement scored", "engagement_score_at", SCORES, tells=Personal.SCORES),
    metric("churnRiskScore", NUMBER, "Churn risk", "churn_risk_score", SCORES, tells=Personal.SCORES),
    metric("churnRiskScoreAt", MOMENT, "Churn risk scored", "churn_risk_score_at", SCORES, tells=Personal.SCORES),
    metric(
        "lifetimeValue", NUMBER, "Lifetime value", "lifetime_value_cents", SCORES, unit="cents", tells=Personal.SCORES
    ),
    metric("lastActivityAt", MOMENT, "Last activity", "last_activity_at", ACTIVE),
    metric("lastActivityType", CODE, "Kind of the last activity", "last_activity_type", ACTIVE),
    metric("activityCount30d", NUMBER, "Activities in 30 days", "activity_count_30d", ACTIVE),
    metric("bookingCount30d", NUMBER, "Bookings in 30 days", "booking_count_30d", ACTIVE),
    metric("lastBookingAt", MOMENT, "Last booking", "last_booking_at", ACTIVE),
    metric("lastEmailOpenAt", MOMENT, "Last opened an e-mail", "last_email_open_at", ACTIVE),
    metric("lastEmailClickAt", MOMENT, "Last clicked in an e-mail", "last_email_click_at", ACTIVE),
    metric("lastSmsReplyAt", MOMENT, "Last replied to an SMS", "last_sms_reply_at", ACTIVE),
    metric("lastSeenAt", MOMENT, "Last seen", "last_seen_at", ACTIVE),
    profile("handicap", NUMBER, "Handicap", "handicap", GOLF),
    profile("handicapUpdatedAt", MOMENT, "Handicap changed", "handicap_updated_at", GOLF, is_past=True),
    profile("homeClubId", CODE, "Home club", "home_club_ref", GOLF),
    profile("homeClubName", TEXT, "Name of the home club", "home_club_name", GOLF),
    profile("membershipTier", TEXT, "Membership tier", "membership_tier", MEMBER, aliases=("tier",)),
    profile("membershipStatus", TEXT, "Membership status", "membership_status", MEMBER),
    profile("memberSince", DATE, "Member since", "member_since", MEMBER),
    profile("membershipExpiry", DATE, "Renewal date", "membership_expiry", MEMBER, aliases=("renewalDate",)),
    profile("membershipEndedAt", MOMENT, "Membership ended", "membership_ended_at", MEMBER),
    profile("emailOptIn", BOOL, "Agrees to e-mail", "email_opt_in", CONSENT),
    profile("emailOptInAt", MOMENT, "Said so about e-mail", "email_opt_in_at", CONSENT, is_past=True),
    profile("smsOptIn", BOOL, "Agrees to SMS", "sms_opt_in", CONSENT),
    profile("smsOptInAt", MOMENT, "Said so about SMS", "sms_opt_in_at", CONSENT, is_past=True),
    profile("pushOptIn", BOOL, "Agrees to push", "push_opt_in", CONSENT),
    profile("pushOptInAt", MOMENT, "Said so about push", "push_opt_in_at", CONSENT, is_past=True),
    profile("whatsappOptIn", BOOL, "Agrees to WhatsApp", "whatsapp_opt_in", CONSENT),
    profile("whatsappOptInAt", MOMENT, "Said so about WhatsApp", "whatsapp_opt_in_at", CONSENT, is_past=True),
    profile("gdprConsent", BOOL, "Consent to processing", "gdpr_consent", CONSENT),
    profile("gdprConsentAt", MOMENT, "Said so about processing", "gdpr_consent_at", CONSENT, is_past=True),
    Field("sclMemberId", CODE, "SCL member id", Sql("p.scl_member_id::text"), LINKS, history="scl_member_id"),
    profile("teetimePlayerId", CODE, "TeeTime player id", "teetime_player_id", LINKS, tells=Personal.IDENTIFIERS),
    profile(
        "messagingContactId", CODE, "Messaging contact id", "messaging_contact_id", LINKS, tells=Personal.IDENTIFIERS
    ),
    profile("authUserId", CODE, "Login id", "auth_user_id", LINKS, tells=Personal.IDENTIFIERS),
    says("hasSclLink", "Is in SCL", "(p.scl_member_id IS NOT NULL)", LINKS, "hasSCLLink"),
    says("hasTeetimeLink", "Is in TeeTime", "(p.teetime_player_id <> '')", LINKS, "hasTeeTimeLink"),
    says("hasMessagingLink", "Is in Messaging", "(p.messaging_contact_id <> '')", LINKS),
    Field(
        "aliases", Kind.LIST, "Known by", Sql(_HELD), LINKS,
        help_text="Kinds of identifiers: email, phoneNumber, sclMemberId, externalIds.golfRsaId …",
    ),
    Field("clubIds", Kind.LIST, "Clubs", Sql(_CLUBS), SETS, help_text="Home club, memberships and bookings."),
    says("inHousehold", "Is in a household", _HOUSE, SETS),
    says("hasGuardian", "Has a guardian", "(p.guardian_id IS NOT NULL)", SETS),
    Field("segments", Kind.SEGMENTS, "Segments", Sql(_SEGMENTS), SETS),
    Field("sample", Kind.SAMPLE, "Random sample", Sql("p.id"), SETS),
)  # fmt: skip


def _external_id(kind: str) -> Field | None:
    """`externalIds.<kind>`: whichever kinds there are."""
    if len(kind) > 64 or not kind.isprintable():
        return None
    name = f"externalIds.{kind}"
    column = sql("(p.external_ids ->> {kind})", kind=kind)
    return Field(name, CODE, f"External id {kind}", column, LINKS, tells=Personal.IDENTIFIERS)


FIELDS: dict[str, Field] = {field.name: field for field in _FIELDS}
MAKERS: dict[str, Maker] = {"externalIds.": _external_id}


def register_fields(*fields: Field) -> None:
    """Let rules be about further fields. Raises ValueError for a name that is taken."""
    for field in fields:
        if field.name in FIELDS:
            raise ValueError(f"{field.name!r} is registered twice")
        FIELDS[field.name] = field


def vocabulary(custom: Iterable[Field] = ()) -> Vocabulary:
    """Everything registered, and the tenant's own fields."""
    own = {field.name: field for field in custom}
    makers: dict[str, Maker] = {**MAKERS, "customFields.": partial(_custom, own)}
    return Vocabulary(Words({**FIELDS, **own}, makers), dict(RELATIONS))


def _custom(own: dict[str, Field], key: str) -> Field | None:
    return own.get(f"customFields.{key}")
