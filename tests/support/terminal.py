"""A terminal small enough to check what stands on its screen: line ends, cursor up, erase below, colours."""

from __future__ import annotations

import io
import re

_PIECE = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b\[([\d;]*)m|(\n)|([^\x1b\n]+)")


class Terminal(io.StringIO):
    """What was written to it, as rows of text; a write that it does not understand is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = [""]
        self._row = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        at = 0
        for found in _PIECE.finditer(text):
            assert found.start() == at, f"not understood: {text[at:]!r}"
            at = found.end()
            self._do(*found.groups())
        assert at == len(text), f"not understood: {text[at:]!r}"
        return len(text)

    def _do(
        self, count: str | None, letter: str | None, _colour: str | None, end: str | None, text: str
    ) -> None:
        if letter == "F":
            self._row -= int(count or 1)
            assert self._row >= 0, "cursor above the screen"
        elif letter == "J":
            self.rows[self._row :] = [""]
        elif end:
            self._row += 1
            if self._row == len(self.rows):
                self.rows.append("")
        elif text:
            self.rows[self._row] = text

    @property
    def screen(self) -> list[str]:
        """The rows without a last empty one."""
        return self.rows[:-1] if self.rows[-1] == "" else self.rows
