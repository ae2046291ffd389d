"""How alike two people are, and why: what is compared, what it weighs, and what follows. Pure.

`records` folds what is known of a person, `keys` says who is compared at all, `comparisons` how alike each attribute
is, `weights` adds it up to a verdict with its reasons, `learning` finds the weights in a tenant's own people.
"""

from customers.likeness.keys import keys
from customers.likeness.learning import Learner
from customers.likeness.records import Record, record
from customers.likeness.weights import Band, Model, Reason, Verdict, judge

__all__ = ["Band", "Learner", "Model", "Reason", "Record", "Verdict", "judge", "keys", "record"]
