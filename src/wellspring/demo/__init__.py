"""A year of lifelike synthetic people, for trying the program out. Nobody here exists. See README.md."""

from wellspring.demo.fill import fill, is_empty
from wellspring.demo.sign_ins import SignIn, sign_ins

__all__ = ["SignIn", "fill", "is_empty", "sign_ins"]
