"""The port to delivery: what a message is, and the gateways that send one. It knows no rows and no tenants."""
