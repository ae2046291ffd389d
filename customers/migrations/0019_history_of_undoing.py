from importlib import import_module

from django.db import migrations

from customers.tracking import track_history

BEFORE = import_module("customers.migrations.0006_field_history")

FUNCTIONS = track_history(
    BEFORE.PROFILE, BEFORE.LOG, texts=BEFORE.TEXTS, values=BEFORE.VALUES, maps=BEFORE.MAPS
)


class Migration(migrations.Migration):
    """The functions anew: an act that brings older words back stands in the history with a stamp of its own."""

    dependencies = [("customers", "0018_privacy")]

    operations = [migrations.RunSQL(FUNCTIONS.sql, migrations.RunSQL.noop)]
