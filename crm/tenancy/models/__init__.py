"""Who runs on this platform: tenants, their clubs, staff, keys, and what each of them did."""

from crm.tenancy.models.access import ApiKey, IdempotentCall
from crm.tenancy.models.audit import AuditEntry
from crm.tenancy.models.base import TenantForeignKey, TenantModel, scoped, uuid7
from crm.tenancy.models.logins import LoginSession, RecoveryCode, SecondFactor
from crm.tenancy.models.mail import StaffMail
from crm.tenancy.models.retention import RetentionRule
from crm.tenancy.models.staff import Invitation, StaffMembership, User
from crm.tenancy.models.tenant import Club, Tenant

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Club",
    "IdempotentCall",
    "Invitation",
    "LoginSession",
    "RecoveryCode",
    "RetentionRule",
    "SecondFactor",
    "StaffMail",
    "StaffMembership",
    "Tenant",
    "TenantForeignKey",
    "TenantModel",
    "User",
    "scoped",
    "uuid7",
]
