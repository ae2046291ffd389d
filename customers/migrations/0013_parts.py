from importlib import import_module

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import crm.tenancy.models.base
from crm.tenancy.constraints import tenant_foreign_key

PROFILE = "customers_customerprofile"
FACTS = [
    "associationnumber", "booking", "bookingplayer", "clubevent", "competitionentry", "courseclosure", "deal",
    "handicaprevision", "invoice", "membership", "order", "payment", "privacyrequest", "ticket",
]  # fmt: skip
SEARCH = import_module("customers.migrations.0007_search").REFRESH
# Whose a row was told to be is the stamped register from now on.
RECORD_FACTS = "".join(
    f"""
    UPDATE customers_{fact} SET recorded_for = customer_id,
        stamps = CASE WHEN stamps ? 'customer_id'
            THEN stamps - 'customer_id' || jsonb_build_object('recorded_for', stamps->'customer_id') ELSE stamps END
    WHERE customer_id IS NOT NULL OR stamps ? 'customer_id';
    """  # noqa: S608 - names of tables
    for fact in FACTS
)
UNRECORD_FACTS = "".join(
    f"""
    UPDATE customers_{fact} SET stamps =
        stamps - 'recorded_for' || jsonb_build_object('customer_id', stamps->'recorded_for')
    WHERE stamps ? 'recorded_for';
    """  # noqa: S608 - names of tables
    for fact in FACTS
)


def refresh(where: str) -> str:
    """The function that says what people are found by, for those for whom `where` holds."""
    replaced = SEARCH.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    return str(replaced.replace("WHERE p.id = ANY (people)", f"WHERE p.id = ANY (people){where}"))


TENANT = models.ForeignKey(
    db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenancy.tenant"
)
CUSTOMER = crm.tenancy.models.base.TenantForeignKey(
    on_delete=django.db.models.deletion.CASCADE, related_name="+", to="customers.customerprofile"
)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0012_identity_rules"),
        ("tenancy", "0010_unmerge_days"),
    ]

    operations = [
        migrations.CreateModel(
            name="MergeRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=crm.tenancy.models.base.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("AUTOMATIC", "Automatic"),
                            ("MANUAL", "By hand"),
                            ("BULK", "Several at once"),
                            ("API", "Over the API"),
                            ("FINDER", "Duplicate finder"),
                        ],
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("score", models.PositiveSmallIntegerField(null=True)),
                ("actor", models.CharField(max_length=300)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("source", models.CharField(blank=True, max_length=50)),
                ("source_event_id", models.CharField(blank=True, max_length=200)),
                ("writes", models.JSONField(default=dict)),
                ("before", models.JSONField(default=dict)),
                ("moved", models.JSONField(default=dict)),
                ("undone_at", models.DateTimeField(null=True)),
                ("undone_by", models.CharField(blank=True, max_length=300)),
                ("undone_reason", models.CharField(blank=True, max_length=300)),
                ("winner", CUSTOMER),
                ("loser", CUSTOMER.clone()),
                ("tenant", TENANT),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["tenant", "winner", "-at"], name="merges_of_winner")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("tenant", "loser"),
                        name="merged_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rule__in", ["AUTOMATIC", "MANUAL", "BULK", "API", "FINDER"])),
                        name="merge_rule",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("winner", models.F("loser")), _negated=True), name="merge_of_two"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProfilePart",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="part",
                        serialize=False,
                        to="customers.customerprofile",
                    ),
                ),
                ("row", models.JSONField(default=dict)),
                ("seen", models.JSONField(default=dict)),
                ("root", CUSTOMER.clone()),
                ("tenant", TENANT.clone()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["tenant", "root"], name="parts_of_root")],
            },
        ),
        tenant_foreign_key("customers_mergerecord", "winner_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key("customers_mergerecord", "loser_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key("customers_profilepart", "customer_id", PROFILE, on_delete="CASCADE"),
        tenant_foreign_key("customers_profilepart", "root_id", PROFILE, on_delete="CASCADE"),
        *(
            migrations.AddField(fact, "recorded_for", models.UUIDField(editable=False, null=True))
            for fact in FACTS
        ),
        migrations.RunSQL(RECORD_FACTS, UNRECORD_FACTS),
        migrations.AddField("aliasholder", "recorded_for", models.UUIDField(editable=False, null=True)),
        migrations.RunSQL(
            "UPDATE customers_aliasholder SET recorded_for = customer_id;"
            "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField("aliasholder", "recorded_for", models.UUIDField(editable=False)),
        migrations.RemoveConstraint("aliasholder", "alias_held_once"),
        migrations.AddConstraint(
            "aliasholder",
            models.UniqueConstraint(fields=("tenant", "alias", "recorded_for"), name="alias_held_once"),
        ),
        migrations.RunSQL(refresh(" AND p.merged_into_id IS NULL"), refresh("")),
    ]
