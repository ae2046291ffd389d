from django.db import migrations

from segments.touching import touch_others

BOOKING = """
    club_ref club_name course_ref course_name tee_time holes amount_cents currency channel status booked_at completed_at
    cancelled_at customer_id
"""


class Migration(migrations.Migration):
    dependencies = [("segments", "0003_sync")]

    operations = [
        touch_others(
            "players",
            "customers_booking",
            BOOKING.split(),
            people="customers_bookingplayer person ON person.tenant_id = r.tenant_id AND person.booking_key = r.key",
        ),
    ]
