"""Rows of an SQL dump as positions of their fields: numpy over bytes, no text and no row is ever decoded.

Of all bytes only quotes and commas matter. An escaped quote is none, so the rest open and close texts by
turns, and a comma outside of texts ends a field. That all else is where it must be is checked, not assumed.
"""

import numpy as np

QUOTE, COMMA, OPEN, CLOSE, ESCAPE, BLANK, NEWLINE = b"',()\\ \n"


class Malformed(ValueError):
    """The bytes are no rows of so many fields."""


def escapes(data: np.ndarray) -> np.ndarray:
    r"""Positions of the backslashes that escape the next byte (not of those that are escaped themselves).

    >>> escapes(np.frombuffer(rb"a\'\\\n", np.uint8)).tolist()
    [1, 3, 5]
    """
    at = np.flatnonzero(data == ESCAPE)
    if len(at) < 2:
        return at
    new_run = np.diff(at, prepend=-2) != 1
    first = np.flatnonzero(new_run)
    place_in_run = np.arange(len(at)) - np.repeat(first, np.diff(first, append=len(at)))
    return at[place_in_run % 2 == 0]


def fields(rows: np.ndarray, n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Where rows start (behind the parenthesis) and each field ends: (n_rows,), (n_rows, n_columns) int64.

    rows: uint8, "(1,'a'),(2,'b')" with nothing after the last parenthesis; blanks and newlines,
    at most two, may stand before a row. Raises Malformed where a row has another number of fields, is cut
    off, or holds a newline or a quote where none can be.

    >>> first, ends = fields(np.frombuffer(b"(1,'a'),(20,NULL)", np.uint8), 2)
    >>> first.tolist(), ends.tolist()
    ([1, 9], [[2, 6], [11, 16]])
    """
    at, is_quote = _marks(rows)
    after = np.bitwise_xor.accumulate(is_quote)  # True from an opening quote up to its closing one
    if len(after) and after[-1]:
        raise Malformed("a text is not closed")
    bounds = np.append(at[~(is_quote | after)], len(rows))
    if len(bounds) % n_columns:
        raise Malformed(f"a row has not {n_columns} fields")
    ends = bounds.reshape(-1, n_columns)
    last = ends[:, -1]
    first = np.concatenate([[0], last[:-1] + 1])
    newlines = 0
    for _ in range(2):  # a new line and, where an INSERT began, what stood behind its VALUES
        lead = rows[np.minimum(first, len(rows) - 1)]
        newlines += int(np.count_nonzero(lead == NEWLINE))
        first += (lead == NEWLINE) | (lead == BLANK)
    if newlines != np.count_nonzero(rows == NEWLINE):
        raise Malformed("a line ends within a row")
    last -= 1
    if (first >= last).any() or (rows[first] != OPEN).any() or (rows[last] != CLOSE).any():
        raise Malformed(f"a row has not {n_columns} fields in parentheses")
    first += 1
    _check_quotes(rows, at[is_quote], first, last)
    return first, ends


def field(first: np.ndarray, ends: np.ndarray, column: int) -> tuple[np.ndarray, np.ndarray]:
    """(start, end) of one column's fields; quotes belong to the field."""
    return (ends[:, column - 1] + 1 if column else first), ends[:, column]


def _marks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of commas and of quotes that are not escaped, and which of them are quotes."""
    mark = rows == QUOTE
    escaped = escapes(rows) + 1
    if len(escaped) and escaped[-1] == len(rows):
        raise Malformed("it ends in an escape")
    mark[escaped] = False
    mark |= rows == COMMA
    at = np.flatnonzero(mark)
    return at, rows[at] == QUOTE


def _check_quotes(rows: np.ndarray, quotes: np.ndarray, first: np.ndarray, last: np.ndarray) -> None:
    """A text fills its field: anything else (a doubled quote, a character set's name) would be read wrong.

    first, last: where the rows' first bytes and their closing parentheses stand, for no others count.
    """
    opening, closing = quotes[0::2], quotes[1::2]
    before, behind = rows[opening - 1], rows[closing + 1]
    fills = ((before == COMMA) | (before == OPEN)).all() and ((behind == COMMA) | (behind == CLOSE)).all()
    begins = np.array_equal(opening[before == OPEN], first[rows[first] == QUOTE])
    ends = np.array_equal(closing[behind == CLOSE] + 1, last[rows[last - 1] == QUOTE])
    if not (fills and begins and ends):
        raise Malformed("a text does not fill its field")
