from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0020_households")]

    operations = [
        migrations.AddIndex("mergerecord", models.Index(fields=["tenant", "loser"], name="merges_of_loser")),
    ]
