"""A small segmentation network: do photos that were made from labels show what the labels say?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR

from preimage.runtime import Precision, generator
from preimage.training import Loop, Trainer
from preimage.translation import Pairs
from preimage.translation.evaluation import each_pair
from preimage.translation.kinds import Kind, Side, other
from preimage.translation.segmentation import Confusion

BATCH = 8
RATE = 2e-3

Photos = Callable[[dict[Side, Tensor]], Tensor]
"""The photo that is segmented, from both images of a pair."""


@final
class SegmentationNet(nn.Module):
    """Convolutions of 3 by 3 with a bridge between maps of one size, three scales.

    Args:
        classes: How many there are.
        width: Channels of the first map.
        generator: Where the first weights are drawn from.
    """

    def __init__(self, classes: int, *, width: int = 16, generator: torch.Generator) -> None:
        super().__init__()
        with torch.device("meta"):
            widths = [3, width, 2 * width, 4 * width, 8 * width]
            self.down = nn.ModuleList(
                nn.Conv2d(one, two, 3, stride=2 if i else 1, padding=1)
                for i, (one, two) in enumerate(pairwise(widths))
            )
            self.deep = nn.Conv2d(8 * width, 8 * width, 3, padding=2, dilation=2)
            self.up = nn.ModuleList(
                nn.Conv2d(3 * one, one, 3, padding=1) for one in (4 * width, 2 * width, width)
            )
            self.last = nn.Conv2d(width, classes, 1)
        self.to_empty(device="cpu")
        for name, one in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(one)
            else:
                nn.init.kaiming_normal_(one, generator=generator)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n classes h w"]:
        """Logits of each pixel."""
        maps = []
        x = x * 2 - 1
        for layer in self.down:
            x = functional.relu(layer(x))
            maps.append(x)
        x = maps.pop()
        x = x + functional.relu(self.deep(x))
        for layer in self.up:
            bridge = maps.pop()
            x = functional.interpolate(x, size=bridge.shape[2:], mode="nearest")
            x = functional.relu(layer(torch.cat([x, bridge], dim=1)))
        return self.last(x)


@final
class Segmenter:
    """Trained on the real photos of pairs whose other side is a label map.

    The paper's score of photos that were made from labels is that of a network that segments
    them. Theirs is an FCN; this one is far smaller, so that only its score on real photos, the
    ceiling, tells what a score is worth.

    Args:
        pairs: Photos, and label maps.
        ignored: Classes that do not count where they are the truth.
        epochs: How often each pair is seen.
        run: Where the training is kept; one that is there is read.
        precision: What the network computes in while it is trained.
        device: Where; None takes the best there is.
    """

    def __init__(
        self,
        pairs: Pairs,
        *,
        ignored: Sequence[int],
        epochs: float,
        run: Path | None = None,
        precision: Precision = "no",
        device: str | None = None,
    ) -> None:
        self.maps: Side = side_of_labels(pairs)
        self._kind = pairs.kinds[0 if self.maps == "a" else 1]
        self._ignored = tuple(ignored)
        self._classes = len(self._kind.palette or ())
        self.network = SegmentationNet(self._classes, generator=generator(0))
        photos, labels = self._read(pairs)
        weights = self._weights(labels)
        steps = max(1, round(epochs * len(pairs) / BATCH))
        adam = Adam(self.network.parameters(), lr=RATE, fused=True)

        def step(loop: Loop) -> dict[str, Tensor]:
            rows = torch.randint(len(photos), (BATCH,), generator=loop.generator)
            x, y = photos[rows], labels[rows]
            if torch.rand((), generator=loop.generator) < 0.5:
                x, y = x.flip(3), y.flip(2)
            found = loop.networks["segmentation"](x.to(loop.device))
            loss = functional.cross_entropy(found.float(), y.to(loop.device), weights)
            loop.minimise("adam", loss)
            return {"cross-entropy": loss}

        Trainer(steps=steps, run=run, mixed_precision=precision, device=device).fit(
            {"segmentation": self.network},
            {"adam": adam},
            step,
            label="segmentation",
            schedulers={"adam": CosineAnnealingLR(adam, steps)},
            data=f"{pairs.digest} {self._ignored}",
        )

    def score(self, pairs: Pairs, photo: Photos) -> Confusion:
        """The segmentation of some photos against the label maps of their pairs.

        Args:
            pairs: Not learned from.
            photo: Which photo: the real one, or one that was made.
        """
        total = Confusion.empty(self._classes)
        device = next(self.network.parameters()).device
        for images in each_pair(pairs, "segmenting"):
            with torch.no_grad():
                found = self.network(photo(images).to(device)).argmax(dim=1).cpu()
            total = total.add(found, self._kind.labels(images[self.maps]), self._ignored)
        return total

    @property
    def ceiling(self) -> Photos:
        """The real photos."""
        return lambda images: images[other(self.maps)]

    def _read(self, pairs: Pairs) -> tuple[Float[Tensor, "n 3 h w"], Int[Tensor, "n h w"]]:
        found = [
            (images[other(self.maps)][0], self._kind.labels(images[self.maps])[0])
            for images in each_pair(pairs, "reading")
        ]
        return torch.stack([x for x, _ in found]), torch.stack([y for _, y in found])

    def _weights(self, labels: Tensor) -> Float[Tensor, " classes"]:
        """1 for each class, 0 for those that are ignored."""
        weights = torch.ones(self._classes)
        weights[list(self._ignored)] = 0
        return weights


def side_of_labels(pairs: Pairs) -> Side:
    """Which side holds label maps.

    Args:
        pairs: Of which one side does.
    """
    return "a" if pairs.kinds[0].palette is not None else "b"


def has_labels(kinds: tuple[Kind, Kind]) -> bool:
    """Whether exactly one side holds label maps."""
    return (kinds[0].palette is None) != (kinds[1].palette is None)
