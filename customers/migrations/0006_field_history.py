import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import crm.tenancy.models.base
from crm.tenancy.constraints import append_only, tenant_foreign_key
from customers.tracking import history_view, track_history

PROFILE = "customers_customerprofile"
LOG = "customers_fieldwrite"
TEXTS = (
    "email", "phone_number", "first_name", "last_name", "display_name", "gender", "country", "language", "status",
    "lifecycle_pin", "customer_type", "home_club_ref", "home_club_name", "membership_tier", "membership_status",
    "customer_notes", "internal_notes",
)  # fmt: skip
VALUES = (
    "email_verified", "phone_verified", "date_of_birth", "tags", "is_vip", "is_blocked", "is_pending", "handicap",
    "member_since", "membership_expiry", "membership_ended_at", "email_opt_in", "sms_opt_in", "push_opt_in",
    "whatsapp_opt_in", "gdpr_consent", "data_retention_date",
)  # fmt: skip
MAPS = ("custom_fields", "source_details")


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0005_names_by_their_start"),
        ("tenancy", "0004_second_factor_and_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="FieldWrite",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "changes",
                    models.JSONField(help_text="Column, or map.key -> [before, after]; blank is null."),
                ),
                ("tier", models.SmallIntegerField()),
                ("version", models.BigIntegerField()),
                ("at", models.DateTimeField(help_text="When it was so, as its source says.")),
                ("rank", models.SmallIntegerField()),
                ("event", models.CharField(blank=True, db_collation="C", max_length=200)),
                ("source", models.CharField(max_length=50)),
                ("by", models.CharField(max_length=300)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("is_erased", models.BooleanField(db_default=False, default=False)),
                (
                    "customer",
                    crm.tenancy.models.base.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="customers.customerprofile",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenancy.tenant",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "customer", "-at"], name="field_writes_of_customer")
                ],
            },
        ),
        tenant_foreign_key(LOG, "customer_id", PROFILE),
        append_only(LOG),
        track_history(PROFILE, LOG, texts=TEXTS, values=VALUES, maps=MAPS),
        history_view("customers_fieldchange", LOG),
        migrations.CreateModel(
            name="FieldChange",
            fields=[
                ("id", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("customer_id", models.UUIDField()),
                ("field", models.CharField(max_length=200)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("at", models.DateTimeField()),
                ("event", models.CharField(max_length=200)),
                ("source", models.CharField(max_length=50)),
                ("by", models.CharField(max_length=300)),
                ("request_id", models.CharField(max_length=64)),
                ("recorded_at", models.DateTimeField()),
                ("is_erased", models.BooleanField()),
            ],
            options={
                "db_table": "customers_fieldchange",
                "abstract": False,
                "managed": False,
                "base_manager_name": "objects",
            },
        ),
    ]
