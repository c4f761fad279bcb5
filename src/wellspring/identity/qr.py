"""QR codes as one path of squares, for pages that draw them themselves."""

import segno
from msgspec import Struct

BORDER = 4
"""The quiet edge that readers need, in modules."""


class Drawing(Struct, frozen=True):
    """A QR code: how many modules it is wide with its edge, and the path of its dark ones."""

    size: int
    path: str


def drawing(text: str) -> Drawing:
    """Return the QR code of a text."""
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=BORDER)]
    runs = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return Drawing(len(rows), "".join(runs))
