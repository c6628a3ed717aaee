"""Everything that is measured of one trained model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from preimage.papers.one2one.cells import Cell, Key, Scores, Spent
from preimage.papers.one2one.data import Data
from preimage.papers.one2one.segmenter import Segmenter
from preimage.runtime import package_version
from preimage.translation import Translator
from preimage.translation.evaluation import DIRECTIONS, Evaluation, evaluate
from preimage.translation.kinds import other
from preimage.translation.sensitivity import sensitivity

SEGMENTED = "segmented "
"""Before the name of a score, that of the segmentation of a photo."""


@final
@dataclass(frozen=True, kw_only=True)
class Measuring:
    """How models are measured.

    Args:
        data: On its test pairs.
        segmenter: For photos that are made from label maps; None where there are none.
    """

    data: Data
    segmenter: Segmenter | None

    def cell(
        self,
        key: Key,
        model: Translator,
        *,
        baseline: Translator | None,
        spent: Spent,
        updates: int,
        settle: int = 0,
    ) -> Cell:
        """Scores, round trip and sensitivity of a model.

        Args:
            key: Of the cell.
            model: Trained.
            baseline: Makes the perturbed images; None leaves sensitivity out.
            spent: On its training.
            updates: Steps of its training.
            settle: Steps that move each answer to where it is translated back.
        """
        found = evaluate(model, self.data.test, ignored=self.data.ignored, settle=settle)
        scores = found.summary()
        if self.segmenter is not None:
            scores[DIRECTIONS[self.segmenter.maps]] |= self._segmented(model, self.segmenter)
        return Cell(
            key=key,
            scores=scores,
            groups=found.of_groups() if len(set(found.groups)) < len(found.groups) else {},
            images=_images(found),
            sensitivity={} if baseline is None else self._sensitivity(model, baseline),
            parameters=model.parameters,
            updates=updates,
            cpu=spent.cpu,
            precision="float32" if model.mixed_precision == "no" else model.mixed_precision,
            version=package_version(),
            seconds=spent.seconds,
            device=spent.device,
        )

    def ceiling(self) -> dict[str, float]:
        """The segmentation scores of the real photos; empty without a segmenter."""
        if self.segmenter is None:
            return {}
        return self.segmenter.score(self.data.test, self.segmenter.ceiling).summary()

    def _segmented(self, model: Translator, segmenter: Segmenter) -> dict[str, float]:
        maps = segmenter.maps
        found = segmenter.score(self.data.test, lambda pair: model(pair[maps], source=maps))
        return {f"{SEGMENTED}{name}": value for name, value in found.summary().items()}

    def _sensitivity(self, model: Translator, baseline: Translator) -> Scores:
        """The paper's four steps; of photos made from labels, by their segmentation too."""
        measured = sensitivity({"model": model}, baseline, self.data.test)["model"]
        found = {DIRECTIONS[side]: one.changes() for side, one in measured.items()}
        if (segmenter := self.segmenter) is not None:
            maps = segmenter.maps
            real, perturbed = (
                segmenter.score(self.data.test, photo)
                for photo in (
                    lambda pair: model(pair[maps], source=maps),
                    lambda pair: model(
                        baseline(pair[other(maps)], source=other(maps)), source=maps
                    ),
                )
            )
            found[DIRECTIONS[maps]][f"{SEGMENTED}iou"] = abs(perturbed.iou - real.iou)
        return found


def _images(found: Evaluation) -> dict[str, dict[str, list[float]]]:
    return {
        name: {"psnr": own.psnr.tolist(), "ssim": own.ssim.tolist()}
        for name, own in ((DIRECTIONS[side], found.scores[side]) for side in DIRECTIONS)
    }
