"""SCL, the membership system: members and what they pay."""

from timeline.sources.scl import billing, members

__all__ = ["billing", "members"]
