"""Benchmarks: speed is a ratio in one run, never a timed test."""
