"""Notify: messages to people, their deliveries, and the channels they leave by."""
