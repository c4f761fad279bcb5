"""The picture that authenticator apps scan."""

import re

import segno

from wellspring.identity.account import otpauth
from wellspring.identity.qr import BORDER, drawing


def test_the_path_draws_what_the_library_made() -> None:
    uri = otpauth("zoë+a&b@exämple.org", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    made = segno.make(uri, error="m", micro=False)
    found = drawing(uri)
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", found.path)}
    wanted = {(x, y) for y, row in enumerate(made.matrix_iter(border=BORDER)) for x, module in enumerate(row) if module}
    assert dark == wanted
    assert found.size == made.symbol_size(border=BORDER)[0]
