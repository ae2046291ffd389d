from django.db import migrations

from crm.tenancy.constraints import append_only, tenant_foreign_key
from segments.touching import touch_past, touch_people

# Of each table what a rule can ask for: neither stamps nor texts, nor what is written to say that something was written.
PROFILE = """
    auth_user_id email email_verified phone_number phone_is_valid phone_verified scl_member_id teetime_player_id
    messaging_contact_id external_ids first_name last_name display_name date_of_birth gender country language status
    lifecycle_stage lifecycle_pin customer_type tags is_vip is_blocked is_pending is_light source source_details handicap
    handicap_updated_at home_club_ref home_club_name membership_tier membership_status member_since membership_expiry
    membership_ended_at email_opt_in email_opt_in_at sms_opt_in sms_opt_in_at push_opt_in push_opt_in_at whatsapp_opt_in
    whatsapp_opt_in_at gdpr_consent gdpr_consent_at data_retention_date custom_fields merged_into_id erased_at
    processing_restricted_at guardian_id created_at updated_at
    customer_notes internal_notes
"""
METRICS = """
    last_activity_at last_activity_type activity_count_30d booking_count_30d last_booking_at last_email_open_at
    last_email_click_at last_sms_reply_at last_seen_at lifetime_value_cents engagement_score
    engagement_score_at churn_risk_score churn_risk_score_at
"""
OTHERS = {
    "customers_aliasholder": "alias_id is_owner",
    "customers_householdmember": "household_id until",
    "customers_consententry": "channel purpose club_ref state given_at expires_at at",
    "customers_membership": "club_ref status tier type joined_on left_on",
    "customers_booking": """
        club_ref club_name course_ref course_name tee_time holes amount_cents currency channel status booked_at
        completed_at cancelled_at cancel_reason party
    """,
    "customers_bookingplayer": "booking_key first_name last_name is_booker position",
    "customers_competitionentry": """
        competition_key club_ref status entered_at withdrawn_at position score gross stableford
    """,
    "customers_handicaprevision": "handicap previous effective_on authority",
    "customers_associationnumber": "association number",
    "customers_order": "status total_cents refunded_cents currency items channel placed_at paid_at cancelled_at",
    "customers_payment": "amount_cents currency status invoice_key paid_at failure_reason",
    "customers_invoice": "amount_cents currency due_at status days_overdue",
    "customers_deal": "value_cents currency status reason",
    "customers_ticket": "subject sentiment status opened_at resolved_at",
    "timeline_activity": "type category channel metadata context source source_id subject_name counts occurred_at",
    "timeline_note": "type visibility created_at deleted_at",
}
QUEUE = """
    ALTER TABLE segments_segmenttouch SET
        (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0,
         autovacuum_analyze_threshold = 10000)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0021_merges_of_loser"),
        ("segments", "0001_segments"),
        ("timeline", "0006_subjects"),
    ]

    operations = [
        tenant_foreign_key("segments_segment", "club_id", "tenancy_club"),
        tenant_foreign_key("segments_segmententry", "segment_id", "segments_segment", on_delete="CASCADE"),
        tenant_foreign_key(
            "segments_segmententry", "customer_id", "customers_customerprofile", on_delete="CASCADE"
        ),
        append_only("segments_membershipchange"),
        migrations.RunSQL(QUEUE, migrations.RunSQL.noop),
        touch_people("customers_customerprofile", PROFILE.split(), person="id"),
        touch_people("customers_customermetrics", METRICS.split(), key="customer_id"),
        *(touch_people(table, columns.split()) for table, columns in OTHERS.items()),
        touch_past(),
    ]
