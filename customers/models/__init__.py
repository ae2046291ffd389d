"""Who: profiles, identifiers, and the facts that sources tell about people."""

from customers.models.commerce import Deal, Invoice, Order, Payment, PrivacyRequest, Ticket
from customers.models.consent import ConsentEntry, PlatformComplaint, Suppression
from customers.models.custom import CustomField
from customers.models.device import Device
from customers.models.facts import SourceFact
from customers.models.golf import (
    AssociationNumber,
    Booking,
    BookingPlayer,
    ClubEvent,
    CompetitionEntry,
    CourseClosure,
    HandicapRevision,
    Membership,
)
from customers.models.history import FieldChange, FieldWrite
from customers.models.household import Household, HouseholdMember
from customers.models.identity import AliasHolder, DuplicateCandidate, IdentityAlias
from customers.models.likeness import LikenessKeys, LikenessWeights
from customers.models.merging import MergeRecord, MergeRule, ProfilePart
from customers.models.profile import CustomerMetrics, CustomerProfile, CustomerType, Stage, Status
from customers.models.rules import BlockedValue, Demotion, IdentityRule
from customers.models.saved import SavedView
from customers.models.search import CustomerSearch, SearchWord
from customers.models.tags import Tag, TagMove
from customers.models.veil import Veiled, as_seen

__all__ = [
    "AliasHolder",
    "AssociationNumber",
    "BlockedValue",
    "Booking",
    "BookingPlayer",
    "ClubEvent",
    "CompetitionEntry",
    "ConsentEntry",
    "CourseClosure",
    "CustomField",
    "CustomerMetrics",
    "CustomerProfile",
    "CustomerSearch",
    "CustomerType",
    "Deal",
    "Demotion",
    "Device",
    "DuplicateCandidate",
    "FieldChange",
    "FieldWrite",
    "HandicapRevision",
    "Household",
    "HouseholdMember",
    "IdentityAlias",
    "IdentityRule",
    "Invoice",
    "LikenessKeys",
    "LikenessWeights",
    "Membership",
    "MergeRecord",
    "MergeRule",
    "Order",
    "Payment",
    "PlatformComplaint",
    "PrivacyRequest",
    "ProfilePart",
    "SavedView",
    "SearchWord",
    "SourceFact",
    "Stage",
    "Status",
    "Suppression",
    "Tag",
    "TagMove",
    "Ticket",
    "Veiled",
    "as_seen",
]
