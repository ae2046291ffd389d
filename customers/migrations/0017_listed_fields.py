"""A custom field can be a column of the list of customers."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0016_duplicate_finder")]

    operations = [
        migrations.AddField(
            model_name="customfield",
            name="is_listed",
            field=models.BooleanField(default=False, verbose_name="Column of the list"),
        ),
    ]
