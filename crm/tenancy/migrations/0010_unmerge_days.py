from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0009_identity_rules")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="unmerge_days",
            field=models.PositiveSmallIntegerField(
                default=90, help_text="Days after which a merge of two profiles can no longer be undone."
            ),
        ),
    ]
