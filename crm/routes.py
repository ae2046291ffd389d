"""Who hears of what: outbox topic -> tasks. All wiring up the stack stands in this one table."""

from crm.outbox.relay import Routes

ROUTES: Routes = {}
