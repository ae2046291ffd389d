"""Rules over what is kept from who asks: whoever may not see a field could find it out by asking for it."""

from collections.abc import Iterator

from crm.errors import Detail
from crm.tenancy.scope import current_eyes
from customers.listing import FieldMasked
from segments.trees import COUNTED, Group, Leaf, RowsRule, SequenceRule, field_rules, leaves
from segments.vocabulary import Field


def refuse_kept_back(tree: Group) -> None:
    """Raise FieldMasked, with their paths, for rules over fields that the masks of the open request keep back."""
    masks = {str(kind) for kind in current_eyes().masks}
    details = [
        Detail(path, "FIELD_MASKED", f"your role does not see “{field.name}”")
        for path, leaf in leaves(tree)
        for field in dict.fromkeys(fields_of(leaf))
        if field.tells in masks
    ]
    if details:
        raise FieldMasked(details=details)


def is_kept_back(leaf: Leaf) -> bool:
    """Whether a rule asks for something that the masks of the open request keep back."""
    masks = {str(kind) for kind in current_eyes().masks}
    return any(field.tells in masks for field in fields_of(leaf))


def fields_of(leaf: Leaf) -> Iterator[Field]:
    yield from (rule.field for rule in field_rules(leaf))
    if isinstance(leaf, RowsRule) and leaf.of is not COUNTED:
        yield leaf.of
    if isinstance(leaf, SequenceRule):
        found = (step.relation.words.find(name) for step in leaf.steps for name in leaf.same)
        yield from (field for field in found if field)
