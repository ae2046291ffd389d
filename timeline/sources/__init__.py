"""The filled event catalogue: importing this package registers every source's event types. Pure."""

from timeline.catalogue import TYPES, canonical
from timeline.sources import club, commerce, feedback, messaging, sales, scl, support, teetime, web

__all__ = [
    "TYPES",
    "canonical",
    "club",
    "commerce",
    "feedback",
    "messaging",
    "sales",
    "scl",
    "support",
    "teetime",
    "web",
]
