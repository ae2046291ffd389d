import django.db.models.deletion
from django.db import migrations, models

import crm.tenancy.models.base
from crm.tenancy.constraints import tenant_foreign_key


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0021_merges_of_loser"),
        ("segments", "0002_touches"),
        ("tenancy", "0012_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="SegmentSync",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("run", models.UUIDField(default=crm.tenancy.models.base.uuid7)),
                ("is_whole_due", models.BooleanField(default=True)),
                ("whole_to", models.UUIDField(null=True)),
                ("told_to", models.BigIntegerField(default=0)),
                ("told_name", models.CharField(blank=True, max_length=200)),
                ("stopped_at", models.BigIntegerField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="Failures in a row.")),
                (
                    "left_out",
                    models.PositiveIntegerField(default=0, help_text="People whom Messaging did not take."),
                ),
                (
                    "refusal",
                    models.CharField(
                        blank=True, help_text="Why it did not take the last of them.", max_length=200
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="membershipchange",
            index=models.Index(fields=["tenant", "segment", "id"], name="segment_changes_in_turn"),
        ),
        migrations.AddField(
            model_name="segmentsync",
            name="segment",
            field=crm.tenancy.models.base.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="segments.segment",
            ),
        ),
        migrations.AddField(
            model_name="segmentsync",
            name="tenant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenancy.tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="segmentsync",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["tenant", "due_at"],
                name="segment_syncs_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="segmentsync",
            constraint=models.UniqueConstraint(fields=("tenant", "segment"), name="segment_sync_once"),
        ),
        tenant_foreign_key("segments_segmentsync", "segment_id", "segments_segment", on_delete="CASCADE"),
    ]
