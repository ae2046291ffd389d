"""Staff pages about templates: the list, the ready-made ones, and the page that writes one."""

from campaigns.admin import template_list

__all__ = ["template_list"]
