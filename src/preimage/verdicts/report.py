"""The verdicts about a function: injective, surjective, and so bijective; on screen and on disk."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, final

from preimage.errors import InputError, StoreError
from preimage.files import writing_file
from preimage.verdicts.claim import Claim, Level, Status, described
from preimage.verdicts.domains import from_config, to_config
from preimage.verdicts.numerical import Numerical

FORMAT = 1
"""The layout of saved reports."""


@final
@dataclass(frozen=True, kw_only=True)
class Report:
    """Whether a function is injective and surjective, and so invertible.

    Attributes:
        name: What the function is called.
        injective: The `Claim` that different inputs have different outputs.
        surjective: The `Claim` that every element of the codomain is reached.
        notes: What else was noticed, such as that the function writes into its input.
        seconds: How long it took.
        numerical: What `check_numerically` found, where it was asked; it changes no claim.
    """

    name: str
    injective: Claim
    surjective: Claim
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    numerical: Numerical | None = None

    @property
    def bijective(self) -> Claim:
        """The `Claim` that the function has an inverse on its codomain."""
        parts = (self.injective, self.surjective)
        for status in (Status.NOT_A_FUNCTION, Status.REFUTED):
            for part in parts:
                if part.status is status:
                    return replace(part, property="bijective")
        undecided = [part for part in parts if part.status is not Status.PROVED]
        if undecided:
            known = "; ".join(f"{part.property}: {part.status}" for part in parts)
            return replace(undecided[0], property="bijective", reason=f"{known.capitalize()}.")
        weaker = min(parts, key=lambda part: part.level is Level.THEOREM)
        both = "It is injective and surjective."
        return replace(weaker, property="bijective", reason=both, bounds=self.injective.bounds)

    @property
    def invertible_on_its_image(self) -> Claim:
        """The `Claim` that there is an inverse on the outputs that occur: that f is injective."""
        return self.injective

    def recheck(self, f: Callable[[Any], Any]) -> bool:
        """Whether all that was decided holds up when it is verified anew on f.

        Raises:
            InputError: If nothing was decided.
        """
        decided = [part for part in (self.injective, self.surjective) if part.status.decided]
        if not decided:
            raise InputError("nothing was decided, so there is nothing to recheck.")
        return all(part.recheck(f) for part in decided)

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "format": FORMAT,
            "name": self.name,
            "injective": _claim_to_json(self.injective),
            "surjective": _claim_to_json(self.surjective),
            "bijective": str(self.bijective.status),
            "invertible on its image": str(self.injective.status),
            "notes": list(self.notes),
            "seconds": self.seconds,
            "numerical": None if self.numerical is None else self.numerical.to_json(),
        }

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the report as JSON.

        Args:
            path: The file.
            force: Replace a file that is already there.

        Raises:
            OutputExistsError: The file is there already; choose another, or pass `force=True`.
        """
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
        with writing_file(path, force=force) as aside:
            aside.write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Report:
        """Read a report that `save` wrote; `recheck` verifies it against the function.

        Raises:
            StoreError: The file is missing, damaged, or no report.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
            if data["format"] > FORMAT:
                raise StoreError(f"{path} was written by a newer version; upgrade preimage.")
            numbers = data.get("numerical")
            return Report(
                name=data["name"],
                injective=_claim_from_json(data["injective"]),
                surjective=_claim_from_json(data["surjective"]),
                notes=tuple(data["notes"]),
                seconds=data["seconds"],
                numerical=Numerical.from_json(numbers) if numbers else None,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            if isinstance(error, StoreError):
                raise
            raise StoreError(
                f"{path} is no report ({error}); give a file that Report.save wrote."
            ) from error

    def __bool__(self) -> NoReturn:
        raise InputError(
            "a report is not simply true or false; look at report.injective.status, "
            "report.surjective.status and report.bijective.status."
        )

    def __str__(self) -> str:
        onto = described(self.surjective.codomain)
        lines = [f"{self.name}, from {described(self.injective.domain)} to {onto}."]
        lines += [str(self.injective), str(self.surjective), self.conclusion]
        numbers = [] if self.numerical is None else [str(self.numerical)]
        return "\n".join([*lines, *self.notes, *numbers])

    @property
    def conclusion(self) -> str:
        """What follows, in a sentence."""
        match self.bijective.status:
            case Status.NOT_A_FUNCTION:
                return "So the question does not arise."
            case Status.PROVED:
                onto = described(self.surjective.codomain)
                return f"So it is invertible, with an inverse on {onto}."
        match self.injective.status:
            case Status.PROVED:
                return "So it is invertible on its image, the outputs that occur."
            case Status.REFUTED:
                return "So it is not invertible, not even on its image."
        if self.surjective.status is Status.REFUTED:
            return "So it is not invertible as a map onto that codomain; on its image is unknown."
        return "So whether it is invertible is unknown."


def _claim_to_json(claim: Claim) -> dict[str, Any]:
    plain = {name: getattr(claim, name) for name in Claim.__dataclass_fields__}
    plain["domain"] = to_config(claim.domain)
    plain["codomain"] = None if claim.codomain is None else to_config(claim.codomain)
    for name in ("certificate", "witness", "bounds"):
        plain[name] = dict(plain[name])
    plain["tried"], plain["helps"] = list(claim.tried), list(claim.helps)
    return plain


def _claim_from_json(data: Mapping[str, Any]) -> Claim:
    codomain = data["codomain"]
    return Claim(
        **{
            **data,
            "status": Status(data["status"]),
            "level": Level(data["level"]),
            "domain": from_config(data["domain"]),
            "codomain": None if codomain is None else from_config(codomain),
            "tried": tuple(data["tried"]),
            "helps": tuple(data["helps"]),
        }
    )
