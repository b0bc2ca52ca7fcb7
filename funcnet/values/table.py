"""Tables as aligned text."""

from __future__ import annotations

from collections.abc import Sequence

from funcnet.errors import printable


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """`rows`, the header first, as lines of aligned columns; columns of numbers align right.

    Cells are made printable, since they may be texts from files.

    >>> print(aligned([("name", "count"), ("weight", "1,000"), ("bias", "10")]))
    name    count
    weight  1,000
    bias       10
    """
    columns = [_padded([_line(cell) for cell in column]) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cells).rstrip() for cells in zip(*columns, strict=True))


def _line(cell: str) -> str:
    return printable(cell).replace("\n", "\\n")


def _padded(column: Sequence[str]) -> list[str]:
    width = max(len(cell) for cell in column)
    numeric = all(cell[:1] in "-+.0123456789" for cell in column[1:]) and any(column[1:])
    return [cell.rjust(width) if numeric else cell.ljust(width) for cell in column]
