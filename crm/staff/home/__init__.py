"""The home page: what is alive now, who comes today, who is new, what happened lately, who the people are."""

from crm.staff.home.page import live, page
from crm.staff.home.people import people

__all__ = ["live", "page", "people"]
