from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0021_merges_of_loser")]

    operations = [
        migrations.AddIndex(
            "consententry",
            models.Index(
                fields=["tenant", "expires_at"],
                name="grants_that_end",
                condition=models.Q(state="GRANTED", expires_at__isnull=False),
            ),
        ),
    ]
