"""Faults on purpose: what was acknowledged must still be there."""
