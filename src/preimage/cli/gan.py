"""`preimage gan`: train image generators with their inverses, and invert images."""

from pathlib import Path
from typing import Annotated, Any

import typer

from preimage.cli.found import print_skipped
from preimage.cli.many import images_in_parts, refuse_alone, refuse_on
from preimage.cli.options import (
    FolderOption,
    ForceOption,
    GanArgument,
    ImagesArgument,
    OnOption,
    PartOption,
    QuietOption,
    SeedOption,
)
from preimage.cli.restore import restore
from preimage.cli.stopping import resumable
from preimage.cli.words import hint
from preimage.errors import InputError

ENCODERS = ("combined", "aegan", "regression", "none")
PRESETS = ("tiny", "small", "full")
FORMATS = ("csv", "parquet", "json")

gan = typer.Typer(no_args_is_help=True, help="Train image generators, and invert them.")


@gan.callback()
def group() -> None:
    """Train image generators on photos, and find the codes of images."""


gan.command()(restore)


@gan.command()
def train(
    photos: ImagesArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="MODEL", help="The folder to write.")
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="tiny (16 by 16, a minute), small (64 by 64, about an hour on a CPU), full (the "
            "networks of AEGAN, for a GPU).",
        ),
    ] = "small",
    encoder: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="combined (learns from the photos too), aegan, regression, or none.",
        ),
    ] = "combined",
    size: Annotated[
        int | None, typer.Option(help="Sides of an image, a power of two; else the preset's.")
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="Grey images; else in colour.")] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the generator; else the preset's.")
    ] = None,
    encoder_steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the encoder; else the preset's.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="For logs, samples and checkpoints; MODEL.run by default."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; the best there is by default.")
    ] = None,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Train in bfloat16: faster on GPUs and on CPUs with AMX.")
    ] = False,
    seed: SeedOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a generator on photos, and an encoder that inverts it.

    preimage gan train photos/ -o faces.gan --preset small

    Stop with Ctrl-C, call again, and it goes on. FOLDER/generator/samples-*.png shows how the
    generator is coming on.
    """
    if output is None:
        raise InputError("say where the model goes: -o MODEL, a folder.")
    _known("preset", preset, PRESETS)
    _known("encoder", encoder, ENCODERS)

    from preimage.files import check_folder

    check_folder(output, force=force)

    from dataclasses import replace

    from preimage.generators.combined import CombinedInverter
    from preimage.generators.presets import PRESETS as SIZES
    from preimage.images import open_images

    images = open_images(_place(photos))
    sized = SIZES[preset]
    place = output.with_name(f"{output.name}.run") if run is None else run
    where: dict[str, Any] = {"device": device, "mixed_precision": "bf16" if bf16 else "no"}
    model: Any = replace(
        sized.gan(channels=1 if grey else 3, seed=seed or 0),
        size=size or sized.size,
        steps=steps or sized.gan_steps,
        run=place / "generator",
        **where,
    )
    with resumable(place):
        model.fit(images)
    skipped = model.skipped_
    if encoder != "none":
        inverse = replace(
            sized.encoder(encoder, seed=seed or 0),
            steps=encoder_steps or sized.encoder_steps,
            run=place / "encoder",
            **where,
        )
        made = model.generator_
        with resumable(place):
            model = (
                inverse.fit(made, images)
                if isinstance(inverse, CombinedInverter)
                else inverse.fit(made)
            )
    model.save(output, force=force)
    if not quiet:
        print_skipped(skipped, images.notes)
        typer.echo(f"trained on {len(images) - _unread(images)} images; run folder: {place}")
        typer.echo(f"written: {output}")


@gan.command()
def invert(
    model: GanArgument,
    photos: ImagesArgument,
    output: FolderOption = None,
    refine: Annotated[
        int, typer.Option(min=0, metavar="N", help="Steps of refinement from each code.")
    ] = 0,
    table: Annotated[
        str | None,
        typer.Option(metavar="csv|parquet|json", help="The format of the codes; csv by default."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu or cuda; the best there is by default.")
    ] = None,
    on: OnOption = None,
    part: PartOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find the codes of images, and what the generator makes of them.

    preimage gan invert faces.gan photos/ -o inverted --refine 50

    Writes reconstructions under the names of the images, and codes.csv. Stop with Ctrl-C, call
    again, and it goes on. With --on, codes are Parquet files in DIR/codes. The exit code is 1 when
    some images could not be read.
    """
    if output is None:
        raise InputError("say where the results go: -o DIR, a folder.")
    _known("table", table or FORMATS[0], FORMATS)
    if on is None:
        refuse_alone({"--part": part})
    else:
        refuse_on({"--table": table})

    from preimage.generators.base import GeneratorInverter
    from preimage.generators.collection import invert_into
    from preimage.generators.loading import load
    from preimage.images import open_images
    from preimage.runtime import best_device

    images = open_images(_place(photos))
    inverter = load(model, device="cpu" if on else device or best_device())
    if not isinstance(inverter, GeneratorInverter):
        raise InputError(
            f"{model} holds a generator without an encoder; train one with --encoder combined, or "
            "search codes from Python with preimage.generators.LatentSearch."
        )
    if on is not None:
        from preimage.generators.many import invert_many

        with resumable(output):
            many = invert_many(
                inverter, images, output,
                on=on, refine=refine, device=device, part=part, force=force,
            )  # fmt: skip
        raise typer.Exit(images_in_parts(many, quiet=quiet))
    done = invert_into(inverter, images, output, refine=refine, table=table or "csv", force=force)  # pyright: ignore[reportArgumentType]
    if not quiet:
        print_skipped(done.skipped, done.notes)
        typer.echo(
            f"{len(done.names)} images inverted; residual {done.residual.mean():.3g} on average, "
            f"{done.residual.max():.3g} at most"
        )
        typer.echo(f"written: {output}, {done.table}")
    raise typer.Exit(1 if done.failed else 0)


def _place(photos: list[Path]) -> Any:
    return photos[0] if len(photos) == 1 else photos


def _known(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise InputError(f"there is no {what} {name!r}{hint(name, names)}")


def _unread(images: Any) -> int:
    return len(set(images.names) & images.skipped.keys())
