"""`preimage translate`: one network for both directions between two kinds of images."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from preimage.cli.many import images_in_parts, refuse_alone
from preimage.cli.options import (
    ForceOption,
    OnOption,
    PartOption,
    QuietOption,
    SeedOption,
    SetOption,
)
from preimage.cli.pairs import (
    AOption,
    BOption,
    BothOption,
    NearestOption,
    OtherSuffixAOption,
    OtherSuffixBOption,
    PaletteAOption,
    PaletteBOption,
    ResampleOption,
    SuffixAOption,
    SuffixBOption,
    misfit_of,
    pairs_like_those,
    palette_of,
    sides,
    stray_of,
)
from preimage.cli.stopping import resumable
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.translation import Translator

translate = typer.Typer(no_args_is_help=True, help="Translate between two kinds of images.")

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
    first, second = sides(a, b, ab)
    pairs = open_pairs(
        first,
        second,
        suffixes=(suffix_a, suffix_b),
        palette_a=palette_of(palette_a),
        palette_b=palette_of(palette_b),
        stray=stray_of(nearest),
        axis=axis,
        neighbours=neighbours,
        misfit=misfit_of(resample),
    )
    # Of several processes that `accelerate launch` started, the first one writes and speaks.
    first_process = os.environ.get("RANK", "0") == "0"
    if first_process and not quiet:
        typer.echo(f"{len(pairs):,} pairs of {len(set(pairs.groups)):,} images or volumes")
        _list(pairs.skipped, "left out")
    held = None
    if hold_out:
        pairs, held = pairs.split(hold_out, seed=model.seed)
    with resumable(folder):
        model.fit(pairs, held)
    if not first_process:
        return
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
    on: OnOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Translate files: names, sizes and bit depths stay.

    preimage translate run maps.model photos -o maps

    preimage translate run mri.model t1.nii.gz -o t2.nii.gz --from a

    preimage translate run maps.model photos -o maps --on tcp://host:8786
    """
    if output is None:
        raise InputError("say where the translations go: -o OUT, a folder.")
    side = _side(source)

    if on is not None:
        from preimage.translation.many import translate_many

        with resumable(output):
            many = translate_many(
                _load(model, "cpu"), images, output,
                on=on, source=side, device=device, part=part, force=force,
            )  # fmt: skip
        raise typer.Exit(images_in_parts(many, quiet=quiet))
    refuse_alone({"--part": part})

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
    suffix_a: OtherSuffixAOption = None,
    suffix_b: OtherSuffixBOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="JSON", help="Write all scores, image by image."),
    ] = None,
    settle: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Steps that move answers to where they come back."),
    ] = 0,
    device: DeviceOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score both directions on pairs that were not learned from, read as those were.

    preimage translate evaluate maps.model --a test/photos --b test/maps
    """
    import json

    from preimage.files import check_file, writing_file
    from preimage.translation.evaluation import evaluate as score

    if output is not None:
        check_file(output, force=force)
    loaded = _load(model, device)
    pairs = pairs_like_those(loaded, a, b, ab, (suffix_a, suffix_b))
    found = score(loaded, pairs, settle=settle)
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
    suffix_a: OtherSuffixAOption = None,
    suffix_b: OtherSuffixBOption = None,
    device: DeviceOption = None,
) -> None:
    """How much scores change when inputs are translations themselves (section 6 of the paper).

    preimage translate sensitivity maps.model --baseline pix2pix.model --a photos --b maps
    """
    from preimage.translation.evaluation import DIRECTIONS
    from preimage.translation.sensitivity import sensitivity as measure

    loaded, other = _load(model, device), _load(baseline, device)
    pairs = pairs_like_those(loaded, a, b, ab, (suffix_a, suffix_b))
    found = measure({str(model): loaded, str(baseline): other}, other, pairs)
    typer.echo("|E(y + dy) - E(y)|; larger is more sensitive")
    for name, directions in found.items():
        typer.echo(name)
        _table({DIRECTIONS[side]: one.changes() for side, one in directions.items()})


def _load(path: Path, device: str | None) -> "Translator":
    from preimage.runtime import best_device
    from preimage.translation import load

    return load(path, device=device or best_device())


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
    from preimage.cli.show import print_columns

    names = list(dict.fromkeys(name for values in rows.values() for name in values))
    print_columns(
        ("", *names),
        [
            (row, *(f"{values[name]:.4g}" if name in values else "-" for name in names))
            for row, values in rows.items()
        ],
    )
