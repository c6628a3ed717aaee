"""`preimage gan restore`: images that are consistent with blurred, masked, small or noisy ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from preimage.cli.found import print_skipped
from preimage.cli.options import (
    FolderOption,
    ForceOption,
    GanArgument,
    ImagesArgument,
    QuietOption,
    SeedOption,
)
from preimage.errors import InputError

if TYPE_CHECKING:
    from preimage.generators.degradations import Degradation


def restore(
    model: GanArgument,
    photos: ImagesArgument,
    output: FolderOption = None,
    blur: Annotated[
        float | None,
        typer.Option("--blur", metavar="SIGMA", help="They are blurred, by so many pixels."),
    ] = None,
    downsample: Annotated[
        int | None,
        typer.Option("--downsample", metavar="N", help="They have N times fewer rows and columns."),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option("--mask", metavar="FILE", help="Pixels are lost where this image is black."),
    ] = None,
    noise: Annotated[
        float | None,
        typer.Option("--noise", metavar="SD", help="There is noise on them; white is 1."),
    ] = None,
    calls: Annotated[
        int, typer.Option(metavar="N", help="The most calls of the generator for each start.")
    ] = 100,
    starts: Annotated[int, typer.Option(metavar="N", help="Codes to start from.")] = 4,
    adaptation: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Steps in which the generator is adapted to each image; 0 keeps to its own.",
        ),
    ] = 200,
    seed: SeedOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find images that are consistent with blurred, masked, small or noisy ones.

    preimage gan restore faces.gan blurred/ --blur 2 -o sharp

    preimage gan restore faces.gan small.png --downsample 4 --noise 0.02 -o large

    Several are applied in this order: blur, down-sampling, mask, noise. The sigma of the blur is in
    pixels of the generator's images. A consistent image is one of many, and need not be the true
    one. Writes images under their names, and restored.csv with residuals. The exit code is 1 when
    some images could not be read.
    """
    if output is None:
        raise InputError("say where the results go: -o DIR, a folder.")
    if blur is None and downsample is None and mask is None and noise is None:
        raise InputError("say what has happened: --blur, --downsample, --mask or --noise.")

    from preimage.files import check_file
    from preimage.generators.base import GeneratorInverter
    from preimage.generators.loading import load
    from preimage.generators.restoration import restore as restored
    from preimage.images import Picture, open_images, output_path, writing_pictures
    from preimage.tables import write_table

    images = open_images(photos[0] if len(photos) == 1 else photos)
    table = output / "restored.csv"
    for file in (table, *(output_path(output, name) for name in images.names)):
        check_file(file, force=force)
    inverter = load(model)
    if not isinstance(inverter, GeneratorInverter):
        raise InputError(
            f"{model} holds a generator without an encoder; train one with --encoder combined."
        )
    _, *sides = inverter.fitted.image_shape
    degradation = _degradation(blur, downsample, mask, noise, (sides[0], sides[1]))
    found = restored(
        images,
        degradation,
        inverter,
        calls=calls,
        starts=starts,
        adaptation=adaptation,
        seed=seed or 0,
    )
    with writing_pictures(output, force=force) as write:
        for name, picture in zip(found.names, found.images, strict=True):
            write(name, Picture(picture.clamp(0, 1)))
    write_table(found.columns(), table, force=force)
    if not quiet:
        print_skipped(found.skipped, images.notes)
        typer.echo(str(found))
        typer.echo(f"written: {output}, {table}")
    raise typer.Exit(1 if set(images.names) & found.skipped.keys() else 0)


def _degradation(
    blur: float | None,
    downsample: int | None,
    mask: Path | None,
    noise: float | None,
    sides: tuple[int, int],
) -> "Degradation":
    from preimage.generators.degradations import Blur, Downsample, Mask, Noise, Sequence
    from preimage.images import open_images

    parts: list[Degradation] = []
    if blur is not None:
        parts.append(Blur(blur))
    if downsample is not None:
        parts.append(Downsample(downsample))
    if mask is not None:
        small = sides if downsample is None else (sides[0] // downsample, sides[1] // downsample)
        pixels = open_images(mask).load(size=small, channels=1, fit="stretch").float()
        parts.append(Mask(pixels[0, 0] > 0.5))
    if noise is not None:
        parts.append(Noise(noise))
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))
