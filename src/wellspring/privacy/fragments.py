"""What privacy lends to the statements of other slices."""

from typing import Final

REFUSED: Final = (
    "coalesce((SELECT NOT n.given FROM privacy.consent n WHERE n.person_id = {person} AND n.kind = '{kind}'"
    " ORDER BY n.at DESC, n.id DESC LIMIT 1), false)"
)
"""Whether somebody's last word on a kind of consent is no."""
