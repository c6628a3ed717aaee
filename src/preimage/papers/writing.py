"""Tables of Markdown, and numbers in them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines of a table.

    Example:
        >>> print(markdown_table(["", "dB"], [["ours", "31.2"]]))
        |  | dB |
        | --- | --- |
        | ours | 31.2 |
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mean_of(numbers: Sequence[float], digits: int) -> str:
    """The mean, and the standard deviation of two or more.

    Example:
        >>> mean_of([1.0, 3.0], 1), mean_of([2.0], 2)
        ('2.0 ± 1.4', '2.00')
    """
    text = f"{statistics.mean(numbers):.{digits}f}"
    return text if len(numbers) < 2 else f"{text} ± {statistics.stdev(numbers):.{digits}f}"
