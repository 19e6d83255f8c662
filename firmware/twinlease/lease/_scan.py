"""Looking for the end of what is written in a block.  Viper; allocates nothing."""

import micropython


@micropython.viper
def used_end(buf: ptr8, frm: int, end: int) -> int:
    """One past the last octet of buf[frm:end] that is not 0xFF; `frm` if all are."""
    while end > frm and buf[end - 1] == 0xFF:
        end -= 1
    return end
