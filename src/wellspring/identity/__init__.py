"""Identity: people, sign-ins, sessions, preferences, emergency contacts."""
