"""What a search for images found, for people and for programs to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from preimage.search import Duplicates, Matches

MOST_SHOWN = 200
"""So many lines are printed; a file holds them all."""


def as_json(found: Matches) -> dict[str, Any]:
    """The matches as JSON values."""
    return {
        "feature": found.feature,
        "queries": {
            query.name: [
                {"image": entry.name, "distance": distance, "place": entry.place}
                for entry, distance in zip(some, distances, strict=True)
            ]
            for query, some, distances in zip(
                found.queries, found.entries, found.distance.tolist(), strict=True
            )
        },
        "skipped": found.skipped,
    }


def print_json(value: Any) -> None:
    """Print JSON."""
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_matches(found: Matches) -> None:
    """Print one line for each image found."""
    from preimage.cli.show import print_columns

    columns = found.to_columns()
    rows = [
        (query if rank == 1 else "", str(rank), f"{distance:.4g}", image)
        for query, rank, image, distance in zip(
            *(columns[name].tolist() for name in ("query", "rank", "image", "distance")),
            strict=True,
        )
    ]
    print_columns(("query", "rank", "distance", "image"), rows[:MOST_SHOWN])
    _print_more(len(rows))


def print_groups(found: Duplicates) -> None:
    """Print one line for each image of a group."""
    from preimage.cli.show import print_columns

    columns = found.to_columns()
    labels = [found.labels[i] for some in found.members for i in some]
    rows = [
        (str(group), f"{nearest:.4g}", label)
        for group, nearest, label in zip(
            columns["group"].tolist(), columns["nearest"].tolist(), labels, strict=True
        )
    ]
    print_columns(("group", "nearest", "image"), rows[:MOST_SHOWN])
    _print_more(len(rows))


def _print_more(rows: int) -> None:
    if rows > MOST_SHOWN:
        typer.echo(f"... and {rows - MOST_SHOWN:,} more; -o FILE.csv writes them all")


def print_skipped(skipped: dict[str, str], notes: dict[str, str]) -> None:
    """Say on stderr which images were passed over, and why."""
    for name, reason in list(skipped.items())[:MOST_SHOWN]:
        typer.echo(f"not read: {name}: {reason}", err=True)
    if len(skipped) > MOST_SHOWN:
        typer.echo(f"... and {len(skipped) - MOST_SHOWN:,} more were not read", err=True)
    for name, note in list(notes.items())[:MOST_SHOWN]:
        typer.echo(f"note: {name}: {note}", err=True)
