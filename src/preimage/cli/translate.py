"""`preimage translate`: one network for both directions between two kinds of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from preimage.cli.options import ForceOption, QuietOption, SeedOption, SetOption
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.translation import Pairs, Translator

translate = typer.Typer(no_args_is_help=True, help="Translate between two kinds of images.")

AOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--a", metavar="DIR", help="Side a: a folder or archive of images, or volumes."),
]
BOption: TypeAlias = Annotated[
    Path | None, typer.Option("--b", metavar="DIR", help="Side b; may be the same folder.")
]
BothOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--ab", metavar="DIR", help="Images with side a on the left and b on the right."),
]
SuffixAOption: TypeAlias = Annotated[
    str, typer.Option("--suffix-a", help="What names of side a end in, such as _T1.")
]
SuffixBOption: TypeAlias = Annotated[
    str, typer.Option("--suffix-b", help="What names of side b end in, such as _T2.")
]
NearestOption: TypeAlias = Annotated[
    bool,
    typer.Option("--nearest-colours", help="Take the nearest colour of the palette for others."),
]
ResampleOption: TypeAlias = Annotated[
    bool, typer.Option("--resample", help="Bring volumes b to the grid of a where they differ.")
]
PaletteAOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--palette-a", metavar="JSON", help="Colours of label maps on side a: [[r, g, b], ...]."
    ),
]
PaletteBOption: TypeAlias = Annotated[
    Path | None, typer.Option("--palette-b", metavar="JSON", help="Those of side b.")
]
ModelArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A folder that `preimage translate train` wrote.")
]
DeviceOption: TypeAlias = Annotated[
    str | None, typer.Option("--device", help="cpu or cuda; the best there is by default.")
]
SHOWN = 10
"""So many skipped files are listed one by one."""


@translate.callback()
def group() -> None:
    """Learn from pairs to translate between two kinds of images, in both directions."""


@translate.command()
def train(
    a: AOption = None,
    b: BOption = None,
    ab: BothOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL", help="The folder to write.")
    ] = None,
    suffix_a: SuffixAOption = "",
    suffix_b: SuffixBOption = "",
    palette_a: PaletteAOption = None,
    palette_b: PaletteBOption = None,
    nearest: NearestOption = False,
    axis: Annotated[int, typer.Option("--axis", help="Of volumes: cut across axis 0, 1 or 2.")] = 2,
    neighbours: Annotated[
        int, typer.Option("--neighbours", help="Of volumes: slices before and after, shown too.")
    ] = 0,
    resample: ResampleOption = False,
    hold_out: Annotated[
        float,
        typer.Option(
            "--hold-out",
            metavar="SHARE",
            help="Validate on this share of the images, or of the volumes, and keep the best.",
        ),
    ] = 0.0,
    method: Annotated[
        str, typer.Option("--method", metavar="NAME", help="self-inverse or pix2pix.")
    ] = "self-inverse",
    preset: Annotated[
        str,
        typer.Option("--preset", metavar="NAME", help="default, small, paper or paper-small."),
    ] = "default",
    settings: SetOption = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="DIR", help="Log, checkpoint and sample sheets; MODEL.run by default."
        ),
    ] = None,
    seed: SeedOption = None,
    device: DeviceOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn from pairs of images.

    preimage translate train --a photos --b maps --preset small -o maps.model

    preimage translate train --a scans --b scans --suffix-a _T1 --suffix-b _T2 -o mri.model

    After Ctrl-C, the same command goes on where it was.
    """
    from dataclasses import replace

    from preimage.cli.settings import with_settings
    from preimage.cli.words import hint
    from preimage.files import check_folder
    from preimage.translation import METHODS, Translator
    from preimage.translation import preset as chosen
    from preimage.translation.pairs.opening import open_pairs

    if output is None:
        raise InputError("say where the model goes: -o MODEL, a folder.")
    check_folder(output, force=force)
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}{hint(method, list(METHODS))}")
    model: Translator = with_settings(chosen(preset, METHODS[method]), settings or [])
    folder = run or output.with_name(f"{output.name}.run")
    model = replace(model, run=folder, device=device, seed=model.seed if seed is None else seed)
    model.check()
    first, second = _sides(a, b, ab)
    pairs = open_pairs(
        first,
        second,
        suffixes=(suffix_a, suffix_b),
        palette_a=_palette(palette_a),
        palette_b=_palette(palette_b),
        stray=_stray(nearest),
        axis=axis,
        neighbours=neighbours,
        misfit=_misfit(resample),
    )
    if not quiet:
        typer.echo(f"{len(pairs):,} pairs of {len(set(pairs.groups)):,} images or volumes")
        _list(pairs.skipped, "left out")
    held = None
    if hold_out:
        pairs, held = pairs.split(hold_out, seed=model.seed)
    model.fit(pairs, held)
    model.save(output, force=force)
    if not quiet:
        steps = model.history_.steps if model.history_ else 0
        typer.echo(f"{model.kind}: {model.parameters:,} parameters, {steps:,} steps")
        typer.echo(f"written: {output} (log and sample sheets in {folder})")


@translate.command()
def run(
    model: ModelArgument,
    images: Annotated[
        Path, typer.Argument(metavar="IN", help="An image, a folder, an archive, or a volume.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT", help="The folder to write.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="a|b", help="Their side; where it can be seen, not needed."),
    ] = None,
    device: DeviceOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Translate files: names, sizes and bit depths stay.

    preimage translate run maps.model photos -o maps

    preimage translate run mri.model t1.nii.gz -o t2.nii.gz --from a
    """
    if output is None:
        raise InputError("say where the translations go: -o OUT, a folder.")
    side = _side(source)

    from preimage.translation.running import check_apart, translate_files

    check_apart(images, output)
    done = translate_files(_load(model, device), images, output, source=side, force=force)
    if not quiet:
        _list(done.notes, "noted")
        _list(done.skipped, "skipped")
        typer.echo(f"{len(done.written):,} written to {output}")
    if done.skipped:
        raise typer.Exit(1)


@translate.command()
def evaluate(
    model: ModelArgument,
    a: AOption = None,
    b: BOption = None,
    ab: BothOption = None,
    suffix_a: SuffixAOption = "",
    suffix_b: SuffixBOption = "",
    nearest: NearestOption = False,
    resample: ResampleOption = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="JSON", help="Write all scores, image by image."),
    ] = None,
    device: DeviceOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score both directions on pairs that were not learned from.

    preimage translate evaluate maps.model --a test/photos --b test/maps
    """
    import json

    from preimage.files import check_file, writing_file
    from preimage.translation.evaluation import evaluate as score

    if output is not None:
        check_file(output, force=force)
    loaded = _load(model, device)
    pairs = _like_those(loaded, a, b, ab, (suffix_a, suffix_b), nearest, resample)
    found = score(loaded, pairs)
    if not quiet:
        _list(pairs.skipped, "left out")
        typer.echo(
            f"{len(pairs):,} pairs, images in [0, 1], data range 1; {found.parameters:,} parameters"
        )
        _table(found.summary())
    if output is not None:
        whole = {"summary": found.summary(), "groups": found.of_groups(), "images": found.rows()}
        with writing_file(output, force=force) as aside:
            aside.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        if not quiet:
            typer.echo(f"written: {output}")


@translate.command()
def sensitivity(
    model: ModelArgument,
    baseline: Annotated[
        Path, typer.Option("--baseline", metavar="MODEL", help="Makes the inputs; best pix2pix.")
    ],
    a: AOption = None,
    b: BOption = None,
    ab: BothOption = None,
    suffix_a: SuffixAOption = "",
    suffix_b: SuffixBOption = "",
    nearest: NearestOption = False,
    resample: ResampleOption = False,
    device: DeviceOption = None,
) -> None:
    """How much scores change when inputs are translations themselves (section 6 of the paper).

    preimage translate sensitivity maps.model --baseline pix2pix.model --a photos --b maps
    """
    from preimage.translation.evaluation import DIRECTIONS
    from preimage.translation.sensitivity import sensitivity as measure

    loaded, other = _load(model, device), _load(baseline, device)
    pairs = _like_those(loaded, a, b, ab, (suffix_a, suffix_b), nearest, resample)
    found = measure({str(model): loaded, str(baseline): other}, other, pairs)
    typer.echo("|E(y + dy) - E(y)|; larger is more sensitive")
    for name, sides in found.items():
        typer.echo(name)
        _table({DIRECTIONS[side]: one.changes() for side, one in sides.items()})


def _sides(a: Path | None, b: Path | None, ab: Path | None) -> tuple[Path, Path | None]:
    if ab is not None and a is None and b is None:
        return ab, None
    if ab is None and a is not None and b is not None:
        return a, b
    raise InputError("say where the pairs are: --a DIR --b DIR, or --ab DIR.")


def _like_those(
    model: "Translator",
    a: Path | None,
    b: Path | None,
    ab: Path | None,
    suffixes: tuple[str, str],
    nearest: bool,
    resample: bool,
) -> "Pairs":
    """Pairs of the kinds that a model was trained on."""
    from preimage.translation.pairs.opening import open_pairs

    one, two = model.kinds_
    first, second = _sides(a, b, ab)
    return open_pairs(
        first,
        second,
        suffixes=suffixes,
        palette_a=one.palette,
        palette_b=two.palette,
        stray=_stray(nearest),
        axis=one.axis,
        neighbours=one.neighbours,
        misfit=_misfit(resample),
    )


def _load(path: Path, device: str | None) -> "Translator":
    import torch

    from preimage.translation import load

    best = "cuda" if torch.cuda.is_available() else "cpu"
    return load(path, device=device or best)


def _palette(path: Path | None) -> list[list[int]] | None:
    """Colours from JSON: a list, an object of colours by name, or one with a "palette"."""
    if path is None:
        return None
    import json

    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from error
    if isinstance(held, dict):
        held = held.get("palette", list(held.values()))
    if not isinstance(held, list) or not all(isinstance(one, list) for one in held):
        raise InputError(f"{path} is no list of colours; write [[255, 0, 0], [0, 0, 255]].")
    return held


def _stray(nearest: bool) -> Literal["refuse", "nearest"]:
    return "nearest" if nearest else "refuse"


def _misfit(resample: bool) -> Literal["refuse", "resample"]:
    return "resample" if resample else "refuse"


def _side(word: str | None) -> Literal["a", "b"] | None:
    if word not in (None, "a", "b"):
        raise InputError(f"--from {word} is no side; it is a or b.")
    return word


def _list(items: dict[str, str], what: str) -> None:
    """Names with their reasons, on stderr."""
    for name, reason in list(items.items())[:SHOWN]:
        typer.echo(f"{what}: {name}: {reason}", err=True)
    if len(items) > SHOWN:
        typer.echo(f"{what}: {len(items) - SHOWN:,} more", err=True)


def _table(rows: dict[str, dict[str, float]]) -> None:
    for name, values in rows.items():
        shown = "  ".join(f"{key} {value:.4g}" for key, value in values.items())
        typer.echo(f"{name}: {shown}")
