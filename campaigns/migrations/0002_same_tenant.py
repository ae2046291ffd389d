"""Composite keys, so that no row points into another tenant; words that were sent are kept as they are."""

from django.db import migrations

from crm.tenancy.constraints import append_only, tenant_foreign_key

CAMPAIGN, TEMPLATE, VARIANT = "campaigns_campaign", "campaigns_messagetemplate", "campaigns_campaignvariant"
CLUB = "tenancy_club"


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_campaigns")]

    operations = [
        *(tenant_foreign_key(table, "club_id", CLUB) for table in (CAMPAIGN, TEMPLATE, "campaigns_sender")),
        tenant_foreign_key("campaigns_templatecontent", "template_id", TEMPLATE, on_delete="CASCADE"),
        tenant_foreign_key(VARIANT, "campaign_id", CAMPAIGN, on_delete="CASCADE"),
        *(
            tenant_foreign_key(VARIANT, f"{channel}_template_id", TEMPLATE)
            for channel in ("email", "sms", "push", "whatsapp")
        ),
        tenant_foreign_key("campaigns_campaignrun", "campaign_id", CAMPAIGN, on_delete="CASCADE"),
        tenant_foreign_key("campaigns_campaignrun", "winner_id", VARIANT),
        tenant_foreign_key("campaigns_link", "content_id", "campaigns_templatecontent", on_delete="CASCADE"),
        tenant_foreign_key("campaigns_interaction", "link_id", "campaigns_link"),
        append_only("campaigns_templatecontent"),
    ]
