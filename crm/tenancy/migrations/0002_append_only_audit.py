from django.db import migrations

from crm.tenancy.constraints import append_only


class Migration(migrations.Migration):
    dependencies = [("tenancy", "0001_initial")]

    operations = [append_only("tenancy_auditentry")]
