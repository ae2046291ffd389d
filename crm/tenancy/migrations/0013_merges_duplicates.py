from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0012_retention")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="merges_duplicates",
            field=models.BooleanField(
                default=False,
                db_default=False,
                help_text="Whether pairs of which the duplicate finder is certain are merged without being asked.",
            ),
        )
    ]
