"""Staff pages of the platform itself: clubs, staff, API keys, the audit log."""

from crm.tenancy.admin import audit, clubs, invitations, keys, mail, staff
from crm.tenancy.admin.base import ReadOnlyAdmin, StaffModelAdmin

__all__ = ["ReadOnlyAdmin", "StaffModelAdmin", "audit", "clubs", "invitations", "keys", "mail", "staff"]
