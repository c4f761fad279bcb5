"""A world in which the ratings are known, to compare ways of choosing micro-actions."""
