"""Wellspring: a self-hosted mental-health and care platform."""

__version__ = "0.1.0"
