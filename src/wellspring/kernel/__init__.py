"""The domain-free kernel: everything a slice stands on, nothing about health."""
