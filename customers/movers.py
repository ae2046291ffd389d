"""What of this app goes over with a person who is merged."""

from customers.facts import MODELS
from customers.models import AliasHolder, ConsentEntry, Device, HouseholdMember
from customers.moving import moves, stays

moves(AliasHolder, ConsentEntry, Device, HouseholdMember)
for _kind in sorted(MODELS):  # as apply_facts() locks them
    moves(MODELS[_kind], order="key")

stays("customers.CustomerProfile.merged_into", "the tree of merges as they happened")
stays("customers.CustomerProfile.external_id", "every profile's own")
stays("customers.CustomerMetrics.customer", "counted anew from the rows that went over")
stays("customers.CustomerSearch.customer", "taken from who is merged away, made anew from the profile")
stays("customers.ProfilePart.customer", "what a merge is recorded in")
stays("customers.ProfilePart.root", "what a merge is recorded in")
stays("customers.MergeRecord.winner", "the record of the merge as it happened")
stays("customers.MergeRecord.loser", "the record of the merge as it happened")
stays(
    "customers.DuplicateCandidate.first", "a pair is of parts, so that a decision about them outlives a merge"
)
stays(
    "customers.DuplicateCandidate.second",
    "a pair is of parts, so that a decision about them outlives a merge",
)
stays("customers.Demotion.customer", "what became of an event: the part that it was recorded for")
stays("customers.FieldWrite.customer", "the history of a part is its own")
stays("customers.FieldChange.customer_id", "the history of a part is its own")
stays("customers.CustomerProfile.guardian", "an id that was merged away leads to the one who is there now")
stays("customers.LikenessKeys.customer", "made anew from the profile by the finder")
