"""Messaging: contacts, what they agreed to, and what became of messages."""

from timeline.sources.messaging import contacts, engagement, messages

__all__ = ["contacts", "engagement", "messages"]
