"""The tables of the page; what was not measured says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from preimage.papers.one2one.cells import Cell
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.measuring import SEGMENTED
from preimage.papers.one2one.methods import ABLATIONS, MAIN, NEIGHBOURS
from preimage.papers.one2one.published import Published
from preimage.papers.writing import markdown_table, mean_of
from preimage.translation.evaluation import DIRECTIONS

NOT_RUN = "not run"

COLUMNS = {
    "l1": ("L1", 4),
    "psnr": ("PSNR, dB", 2),
    "psnr, signed": ("PSNR as if in [-1, 1] with range 1", 2),
    "ssim": ("SSIM", 3),
    "pixel accuracy": ("pixel accuracy", 3),
    "class accuracy": ("class accuracy", 3),
    "iou": ("IoU", 3),
    f"{SEGMENTED}pixel accuracy": ("segmented: pixel accuracy", 3),
    f"{SEGMENTED}class accuracy": ("class accuracy", 3),
    f"{SEGMENTED}iou": ("IoU", 3),
    "round trip psnr": ("round trip, dB", 2),
}
"""Of scores: headings and digits."""

CHANGES = {
    "l1": ("dL1", 4),
    "psnr": ("dPSNR", 2),
    "ssim": ("dSSIM", 3),
    "iou": ("dIoU", 4),
    f"{SEGMENTED}iou": ("dIoU of the segmentation", 4),
    "psnr each": ("dPSNR, mean of each", 2),
    "ssim each": ("dSSIM, mean of each", 3),
}
"""Of sensitivity."""

SIGNED = 6.0206
"""20 log10 2: what PSNR loses where images in [-1, 1] are scored with a data range of 1."""


def scores(cells: Sequence[Cell], data: Data, direction: str, ceiling: Mapping[str, float]) -> str:
    """Tables 1, 2 and 5 (a): the scores of one direction.

    Args:
        cells: What was measured.
        data: On which pairs.
        direction: "a to b" or "b to a".
        ceiling: The segmentation scores of real photos.
    """
    known = [name for name in COLUMNS if any(name in _all(cell, direction) for cell in cells)]
    rows = [
        [
            method.title,
            *_numbers([_all(one, direction) for one in _of(cells, name)], known, COLUMNS),
        ]
        for name, method in MAIN.items()
    ]
    if any(name.startswith(SEGMENTED) for name in known):
        real = {f"{SEGMENTED}{name}": value for name, value in ceiling.items()}
        rows.append(
            [
                "real photos (the ceiling)",
                *(f"{real[n]:.{COLUMNS[n][1]}f}" if n in real else "" for n in known),
            ]
        )
    headings = ["", *(COLUMNS[name][0] for name in known)]
    return f"## From {data.directions[direction]}\n\n{markdown_table(headings, rows)}"


def of_groups(cells: Sequence[Cell], data: Data, direction: str) -> str:
    """PSNR of each subject or tile; nothing where there are not two of them.

    Args:
        cells: What was measured.
        data: On which pairs.
        direction: "a to b" or "b to a".
    """
    main = [cell for cell in cells if cell.key.method in MAIN]
    groups = list(dict.fromkeys(group for cell in main for group in cell.groups))
    if len(groups) < 2:
        return ""
    columns = {name: (name, 2) for name in groups}
    rows = [
        [
            method.title,
            *_numbers(
                [
                    {group: one.groups[group][direction]["psnr"] for group in groups}
                    for one in _of(cells, name)
                ],
                groups,
                columns,
            ),
        ]
        for name, method in MAIN.items()
    ]
    title = f"### PSNR of each, from {data.directions[direction]}"
    return f"{title}\n\n{markdown_table(['', *groups], rows)}"


def sensitivity(cells: Sequence[Cell], data: Data, direction: str) -> str:
    """Tables 3, 4 and 5 (b): how scores change where the input is one that pix2pix made.

    Args:
        cells: What was measured.
        data: On which pairs.
        direction: "a to b" or "b to a".
    """
    measured = [cell for cell in cells if cell.sensitivity]
    known = [n for n in CHANGES if any(n in one.sensitivity[direction] for one in measured)]
    rows = [
        [
            method.title,
            *_numbers([one.sensitivity[direction] for one in _of(measured, name)], known, CHANGES),
        ]
        for name, method in MAIN.items()
    ]
    headings = ["", *(CHANGES[name][0] for name in known)]
    title = f"## Sensitivity from {data.directions[direction]}"
    return f"{title}\n\n{markdown_table(headings, rows)}"


def ablations(cells: Sequence[Cell], data: Data) -> str:
    """One change at a time, on the pairs for choices; nothing where none was measured.

    Args:
        cells: What was measured.
        data: On which pairs.
    """
    shown = {
        name: method
        for name, method in ABLATIONS.items()
        if name != NEIGHBOURS or data.beside is not None
    }
    if not any(_of(cells, name) for name in shown):
        return ""
    kinds = ("psnr", "ssim", "round trip psnr")
    headings = [""]
    for direction in data.directions.values():
        headings += [f"{direction}: {COLUMNS[kind][0]}" for kind in kinds]
    headings += ["steps", "time"]
    rows = []
    for name, method in shown.items():
        own = _of(cells, name)
        row = [method.title]
        for direction in DIRECTIONS.values():
            row += _numbers([one.scores[direction] for one in own], kinds, COLUMNS)
        row += [f"{own[0].updates:,}", _seconds(own)] if own else [NOT_RUN] * 2
        rows.append(row)
    chosen = data.choosing
    note = (
        "Shorter trainings of one seed; each row but the last changes one thing of the first. "
        f"{len(chosen.train):,} pairs to learn from, {len(chosen.test):,} to choose by"
        + (", none of which is scored above." if data.validation else ", which are scored above.")
    )
    return f"## One change at a time\n\n{note}\n\n{markdown_table(headings, rows)}"


def costs(cells: Sequence[Cell]) -> str:
    """Parameters and updates, counted, and CPU seconds.

    Args:
        cells: What was measured.
    """
    rows = []
    for name, method in MAIN.items():
        own = _of(cells, name)
        if not own:
            rows.append([method.title, *[NOT_RUN] * 6])
            continue
        first = own[0]
        rows.append(
            [
                method.title,
                f"{first.parameters:,}",
                f"{first.key.epochs:g}",
                f"{first.updates:,}",
                _seconds(own),
                first.precision,
                str(len(own)),
            ]
        )
    headings = ["", "parameters", "epochs", "steps", "time", "precision", "seeds"]
    note = (
        "A step of pix2pix is one of each of its two networks, one of the default is both "
        "directions of a batch, one of the others is one direction of one pair. Times are of the "
        "whole training: on a CPU those of all cores, on a machine that did other work beside; on "
        "a GPU those of the clock, with compilation."
    )
    return f"## Costs\n\n{note}\n\n{markdown_table(headings, rows)}"


def published(title: str, printed: Published, directions: Mapping[str, str]) -> str:
    """What the paper prints of these directions; nothing where it has none.

    Args:
        title: Of the table.
        printed: Its numbers.
        directions: What the directions are called.
    """
    rows = [
        [direction, method, ", ".join(f"{name} {value:g}" for name, value in values.items())]
        for direction in directions.values()
        for method, values in printed.get(direction, {}).items()
    ]
    if not rows:
        return ""
    return f"## {title}\n\n{markdown_table(['', 'method', 'scores'], rows)}"


def _of(cells: Sequence[Cell], method: str) -> list[Cell]:
    return [cell for cell in cells if cell.key.method == method]


def _seconds(cells: Sequence[Cell]) -> str:
    """CPU seconds, or those of the clock on a GPU."""
    device = cells[0].device
    spent = [one.seconds if device else one.cpu for one in cells]
    known = [one for one in spent if one is not None]
    return f"{mean_of(known, 0)} {device or 'CPU'} s" if known else "not measured"


def _all(cell: Cell, direction: str) -> dict[str, float]:
    """The scores, and PSNR in the convention that the paper's numbers look like."""
    own = cell.scores[direction]
    return {**own, "psnr, signed": own["psnr"] - SIGNED}


def _numbers(
    values: Sequence[Mapping[str, float]],
    names: Sequence[str],
    columns: Mapping[str, tuple[str, int]],
) -> list[str]:
    """Means over seeds, or that there are none."""
    if not values:
        return [NOT_RUN] * len(names)
    return [mean_of([one[name] for one in values], columns[name][1]) for name in names]
