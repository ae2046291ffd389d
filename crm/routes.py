"""Who hears of what: outbox topic -> tasks. All wiring up the stack stands in this one table."""

from crm.outbox.relay import Route, Routes
from customers.tasks import LOOK_FOR_DUPLICATES

ABOUT_PEOPLE = (Route(LOOK_FOR_DUPLICATES),)
ROUTES: Routes = {
    "crm.profile.created": ABOUT_PEOPLE,
    "crm.profile.updated": ABOUT_PEOPLE,
    "crm.profile.merged": ABOUT_PEOPLE,
    "crm.profile.unmerged": ABOUT_PEOPLE,
}
