"""Staff pages about campaigns: templates, the list and calendar, a campaign's page and report, the log of messages."""

from campaigns.admin import listing, log, panel, template_list

__all__ = ["listing", "log", "panel", "template_list"]
