"""A verdict about one property of a function, with all that is needed to believe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NoReturn, TypeAlias, final

from preimage.domain import Box
from preimage.errors import InputError
from preimage.verdicts.domains import Domain, Finite, Reals

Property: TypeAlias = Literal["injective", "surjective", "bijective"]


class Status(StrEnum):
    """What became of a question; the value reads as a part of a sentence."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"
    NOT_A_FUNCTION = "not a function"
    NO_COLLISION = "no collision above resolution"

    @property
    def decided(self) -> bool:
        """Whether the question is settled."""
        return self not in (Status.UNKNOWN, Status.NO_COLLISION)


class Level(StrEnum):
    """What a verdict stands on."""

    THEOREM = "theorem"
    INTERVAL = "interval"
    NUMERIC = "numeric"


@final
@dataclass(frozen=True, kw_only=True)
class Claim:
    """A verdict about one property. It has no truth value; ask for its `status`.

    Attributes:
        property: "injective", "surjective" or "bijective".
        status: A `Status`.
        level: What it stands on: a theorem whose hypotheses were verified, interval arithmetic, or
            numbers alone, which never make more of it than "unknown".
        semantics: "real", or the floating-point type in which the function is taken as computed.
        rule: The rule that decided, in a few words.
        reason: Why, in a sentence.
        domain: The set on which it holds.
        codomain: The set onto which; None for the range.
        certificate: What `recheck` starts from, as plain JSON values; `kind` names the rule.
        witness: A counterexample, as lists of numbers: such as `a`, `b` and their common value `y`.
        bounds: Proved Lipschitz constants, by name: "lipschitz" and "inverse lipschitz".
        tried: The rules that did not decide, and why.
        helps: What could decide.
    """

    property: Property
    status: Status
    level: Level
    semantics: str
    rule: str
    reason: str
    domain: Domain
    codomain: Domain | None = None
    certificate: Mapping[str, Any] = field(default_factory=dict)
    witness: Mapping[str, Any] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    tried: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()

    def recheck(self, f: Callable[[Any], Any]) -> bool:
        """Whether the verdict holds up when its certificate is verified anew on f.

        A counterexample is verified by itself, without the search that found it; a proof by
        structure or by intervals is carried out again. False means that it could not be confirmed.

        Args:
            f: The function that was checked.

        Raises:
            InputError: If nothing was decided, so that there is nothing to check again.
        """
        from preimage.verdicts.rechecking import recheck

        if not self.status.decided:
            raise InputError(f"the verdict is {str(self.status)!r}; there is nothing to recheck.")
        return recheck(self, f)

    def __bool__(self) -> NoReturn:
        raise InputError(
            f"{self.property}: {self.status}. A verdict is not simply true or false; compare "
            "its .status with Status.PROVED, Status.REFUTED and the others."
        )

    def __str__(self) -> str:
        lines = [f"{self.property.capitalize()}: {self.status}{self._semantics()}. {self.reason}"]
        if self.witness:
            shown = ", ".join(f"{name} = {_short(value)}" for name, value in self.witness.items())
            lines.append(f"  Witness: {shown}.")
        if self.bounds:
            shown = ", ".join(f"{name} at most {value:.4g}" for name, value in self.bounds.items())
            lines.append(f"  Bounds (Euclidean): {shown}.")
        if not self.status.decided:
            lines += [f"  Tried: {line}" for line in self.tried]
            lines += [f"  What would help: {line}" for line in self.helps]
        return "\n".join(lines)

    def _semantics(self) -> str:
        if not self.status.decided:
            return ""
        number = (
            "over the reals" if self.semantics == "real" else f"as computed in {self.semantics}"
        )
        return f" ({number}, by {self.rule})"


def described(domain: Domain | None) -> str:
    """A domain in words."""
    match domain:
        case Box():
            return repr(domain) if domain.dim <= 4 else f"a box in R^{domain.dim}"
        case Reals():
            return f"R^{domain.dim}"
        case Finite():
            return f"{len(domain)} values"
    return "its range"


def _short(value: Any) -> str:
    if isinstance(value, list):
        inner = ", ".join(_short(part) for part in value[:4])
        return f"({inner}{', ...' if len(value) > 4 else ''})"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
