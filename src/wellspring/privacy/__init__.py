"""Privacy: consents, care teams, access grants, and the one door to another person's rows."""
