from django.db import migrations

from crm.tenancy.constraints import tenant_foreign_key


class Migration(migrations.Migration):
    dependencies = [("timeline", "0001_initial"), ("customers", "0002_same_tenant")]

    operations = [
        tenant_foreign_key("timeline_inboundevent", "customer_id", "customers_customerprofile"),
        tenant_foreign_key("timeline_eventbody", "event_id", "timeline_inboundevent", on_delete="CASCADE"),
        tenant_foreign_key("timeline_activity", "customer_id", "customers_customerprofile"),
    ]
