"""Fixtures and factories."""
