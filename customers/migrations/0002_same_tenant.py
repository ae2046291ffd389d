from django.db import migrations

from crm.tenancy.constraints import tenant_foreign_key

PROFILE = "customers_customerprofile"
FACTS = [
    "associationnumber", "booking", "bookingplayer", "clubevent", "competitionentry", "courseclosure", "deal",
    "handicaprevision", "invoice", "membership", "order", "payment", "privacyrequest", "ticket",
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        tenant_foreign_key(PROFILE, "merged_into_id", PROFILE),
        tenant_foreign_key("customers_customermetrics", "customer_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key(
            "customers_aliasholder", "alias_id", "customers_identityalias", on_delete="CASCADE"
        ),
        tenant_foreign_key("customers_aliasholder", "customer_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key("customers_duplicatecandidate", "first_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key("customers_duplicatecandidate", "second_id", PROFILE, on_delete="CASCADE"),
        *(tenant_foreign_key(f"customers_{fact}", "customer_id", PROFILE) for fact in FACTS),
    ]
