"""Foreign keys of rows that are made in bulk from rows of the same tenant."""

from crm.tenancy.models import TenantForeignKey


class DerivedKey(TenantForeignKey):
    """A foreign key of a row that a statement derives from rows of its tenant: the database has no key to check.

    A check a row would cost more than making the row. What it pointed at may be gone.
    """
