"""What of this app goes over with a person who is merged."""

from campaigns.models import Message
from customers.moving import moves, stays

moves(Message)
stays("campaigns.CampaignRun.built_to", "a place in the order of ids, whoever has the id")
