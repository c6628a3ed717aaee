"""`preimage search`: similar images and duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from preimage.cli.found import (
    as_json,
    print_groups,
    print_json,
    print_matches,
    print_skipped,
)
from preimage.cli.many import refuse_alone
from preimage.cli.options import ForceOption, ImagesArgument, OnOption, PartOption, QuietOption
from preimage.cli.words import hint
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.images import Images
    from preimage.search import Feature, ImageIndex
    from preimage.search.codes import Sides, Taken

search = typer.Typer(no_args_is_help=True, help="Find similar images, and duplicates.")

FEATURE_NAMES = ("dhash", "phash", "colour")
"""What needs no model; the test-suite compares this with `preimage.search.FEATURES`."""

IndexArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="INDEX",
        help="What `preimage search index` wrote: a folder, a .db, or the address of a Milvus "
        "server.",
    ),
]

ByOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="dhash|phash|colour|MODEL",
        help="What images are compared by: a hash, their colours, or the codes of a model that "
        "`preimage gan train` wrote.",
    ),
]

SidesOption: TypeAlias = Annotated[
    Literal["given", "both"],
    typer.Option(
        help="With a MODEL: `both` takes an image and its mirror image for the same.",
    ),
]

TakenOption: TypeAlias = Annotated[
    Literal["codes", "maps"],
    typer.Option(
        help="With a MODEL: compare its codes, or the last maps of its network, which are longer "
        "and tell real images apart better.",
    ),
]

CollectionOption: TypeAlias = Annotated[
    str, typer.Option("--collection", metavar="NAME", help="The collection in Milvus.")
]

TokenOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="USER:PASSWORD",
        envvar="MILVUS_TOKEN",
        show_envvar=True,
        help="What a Milvus server wants to see.",
    ),
]

OutputOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="Write the table: .csv, .parquet or .json."),
]

JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@search.callback()
def group() -> None:
    """Find similar images and duplicates: by hashes, by colours, or by what a generator sees."""


@search.command()
def index(
    photos: ImagesArgument,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="INDEX",
            help="The folder to write; a path that ends in .db for milvus-lite; or the address of "
            "a Milvus server, such as http://host:19530.",
        ),
    ],
    by: ByOption = None,
    sides: SidesOption = "given",
    taken: TakenOption = "codes",
    add: Annotated[
        bool, typer.Option("--add", help="Add to an index that is already there.")
    ] = False,
    collection: CollectionOption = "preimage",
    token: TokenOption = None,
    on: OnOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make an index of images, or add to one.

    preimage search index holidays -o holidays.index --by phash

    preimage search index more.zip -o holidays.index --add

    preimage search index portraits -o portraits.index --by faces.gan --sides both --taken maps

    Images that cannot be read are passed over and listed. Those that are in the index already are
    not read again. With --on, vectors wait in INDEX.parts until all are there.
    """
    if add and force:
        raise InputError("--add keeps what is there and --force replaces it; give one of them.")
    images = _images(photos)
    found = _opened(output, by, collection, token) if add else None
    made = found or _new(
        output, _feature(by or FEATURE_NAMES[0], sides, taken), collection, token, force=force
    )
    if on is None:
        refuse_alone({"--part": part})
        added = made.add(images)
    else:
        added = made.add_many(images, f"{output}.parts", on=on, part=part)
    if made.uri is None:
        made.save(output, force=add or force)
    if not quiet:
        print_skipped(added.skipped, added.notes)
        typer.echo(f"{output}: {added}; {len(made):,} images by {made.feature.name}")
    for source, reason in added.failed.items():
        typer.echo(f"failed: {source}: {reason}", err=True)
    raise typer.Exit(1 if added.failed else 0)


@search.command()
def query(
    place: IndexArgument,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGE...", help="Images to look for: files, a folder or a .zip."),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many similar images of each.")] = 5,
    by: ByOption = None,
    output: OutputOption = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page of thumbnails.")
    ] = None,
    json: JsonOption = False,
    collection: CollectionOption = "preimage",
    token: TokenOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the images of an index that are most like the given ones.

    preimage search query holidays.index beach.jpg -k 10 --page found.html

    The exit code is 0 when all images were looked for, and 1 when some could not be read.
    """
    _check_outputs(output, page, force=force)
    opened = _opened(place, by, collection, token)
    found = opened.query(_images(photos), k)
    if output is not None:
        from preimage.tables import write_table

        write_table(found.to_columns(), output, force=force)
    if page is not None:
        found.page(page, force=force)
    if json:
        print_json(as_json(found))
    elif not quiet:
        if output is None:
            print_matches(found)
        print_skipped(found.skipped, {})
        for path in filter(None, (output, page)):
            typer.echo(f"written: {path}")
    raise typer.Exit(1 if found.skipped else 0)


@search.command()
def duplicates(
    place: Annotated[
        str,
        typer.Argument(
            metavar="INDEX|PHOTOS",
            help="An index, or a folder or .zip of images, which are then compared by dhash.",
        ),
    ],
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="DISTANCE",
            help="Up to which distance images are alike; for hashes, in bits. By default "
            "2 bits by dhash, 4 by phash, 0.15 by colour.",
        ),
    ] = None,
    by: ByOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
    collection: CollectionOption = "preimage",
    token: TokenOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find images that are alike, in groups.

    preimage search duplicates holidays

    preimage search duplicates holidays.index --threshold 2 -o alike.csv

    Each image of a group is alike to some other one of it, not necessarily to all.
    """
    _check_outputs(output, None, force=force)
    skipped: dict[str, str] = {}
    if _is_index(place):
        opened = _opened(place, by, collection, token)
    else:
        opened = _memory(by or FEATURE_NAMES[0])
        skipped = opened.add(_images([Path(place)])).skipped
    found = opened.duplicates(threshold)
    if output is not None:
        from preimage.tables import write_table

        write_table(found.to_columns(), output, force=force)
    if json:
        print_json({"duplicates": found.by_image(), "groups": found.groups, "skipped": skipped})
    elif not quiet:
        if output is None and found.groups:
            print_groups(found)
        print_skipped(skipped, {})
        typer.echo(str(found).partition("\n")[0])
        if output is not None:
            typer.echo(f"written: {output}")


def _images(photos: list[Path]) -> Images:
    from preimage.images import open_images

    return open_images(photos[0] if len(photos) == 1 else photos)


def _is_index(place: str) -> bool:
    from preimage.files import MARK
    from preimage.search.saving import in_milvus

    return in_milvus(place) or (Path(place) / MARK).is_file()


def _opened(place: str, by: str | None, collection: str, token: str | None) -> ImageIndex:
    """An index that is there."""
    from preimage.search import open_index

    if by is None or by in FEATURE_NAMES:
        feature = None if by is None else _feature(by)
        return open_index(place, feature=feature, collection=collection, token=token)
    _check_model(by)
    return open_index(place, model=by, collection=collection, token=token)


def _new(
    place: str, feature: Feature, collection: str, token: str | None, *, force: bool
) -> ImageIndex:
    """An index that is not there yet."""
    from preimage.files import check_folder
    from preimage.search import ImageIndex
    from preimage.search.saving import in_milvus

    if not in_milvus(place):
        try:
            check_folder(place, force=force)
        except FileExistsError as error:
            raise InputError(f"{error} Or add to it with --add.") from error
        return ImageIndex(feature=feature)

    from preimage.search import milvus

    client = milvus.connect(place, token)
    if milvus.about(client, collection) is not None:
        if not force:
            raise InputError(
                f"{place} has a collection {collection!r} already; add to it with --add, replace "
                "it with --force, or choose another name: --collection NAME."
            )
        milvus.drop(client, collection)
    return ImageIndex(feature=feature, uri=place, collection=collection, token=token)


def _memory(by: str) -> ImageIndex:
    from preimage.search import ImageIndex

    return ImageIndex(feature=_feature(by))


def _feature(by: str, sides: Sides = "given", taken: Taken = "codes") -> Feature:
    """What `--by` names."""
    from preimage.search.features import FEATURES
    from preimage.search.saving import code_feature

    if by not in FEATURES:
        _check_model(by)
        return code_feature(by, sides=sides, taken=taken)
    if (sides, taken) != ("given", "codes"):
        raise InputError(f"--sides and --taken are for models, and --by is {by}; leave them out.")
    return FEATURES[by]()


def _check_model(by: str) -> None:
    if not Path(by).exists():
        raise InputError(
            f"--by {by!r} is neither one of {', '.join(FEATURE_NAMES)} nor a model"
            f"{hint(by, list(FEATURE_NAMES))}"
        )


def _check_outputs(output: Path | None, page: Path | None, *, force: bool) -> None:
    """Complain before the work begins about what could not be written at its end."""
    from preimage.files import check_file

    if output is not None:
        from preimage.tables.reading import file_format

        file_format(check_file(output, force=force))
    if page is not None:
        check_file(page, force=force)
        if page.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"--page {page} does not end in .html, which is what is written.")
