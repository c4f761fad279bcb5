"""Check-ins: how a person is, in one request and one transaction."""
