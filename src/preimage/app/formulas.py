"""Formulas as people type them, parsed by a grammar of our own: no code is ever run.

formulas = sum ("," sum)*
sum      = product (("+" | "-") product)*
product  = sign (("*" | "/" | nothing) sign)*      2x and 2(x + 1) are products
sign     = ("+" | "-") sign | power
power    = atom ("^" sign)?                        ** is ^; from the right, and before a sign
atom     = number | name | function "(" sum ")" | "(" sum ")"
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float64
from torch import Tensor

from preimage.app.operations import Part, applied, binary, filled, fixed, negative, power
from preimage.errors import InputError

LONGEST = 300
"""Characters; a longer text is no formula that somebody typed."""

DEEPEST = 40
"""Brackets, signs and exponents within each other."""

CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "asin": torch.asin, "acos": torch.acos, "atan": torch.atan,
    "sinh": torch.sinh, "cosh": torch.cosh, "tanh": torch.tanh,
    "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "abs": torch.abs,
    "relu": torch.relu, "sigmoid": torch.sigmoid,
}  # fmt: skip
"""What may be called, by name."""

_SPELLINGS = {"**": "^", "−": "-", "–": "-", "×": "*", "·": "*", "²": "^2", "³": "^3", "⁴": "^4"}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<mark>\S))"
)


@final
@dataclass(frozen=True)
class Formula:
    """One or more outputs, as a function of a batch.

    Attributes:
        text: As it was typed.
        variables: The names of the inputs.
        parts: One for each output.

    Example:
        >>> cubic = parse("x^3 - x")
        >>> cubic(torch.tensor([[2.0]], dtype=torch.float64))
        tensor([[6.]], dtype=torch.float64)
        >>> parse("x + 2 tanh(y), y - 2 tanh(x)", ("x", "y"))(torch.zeros(1, 2).double())
        tensor([[0., 0.]], dtype=torch.float64)
    """

    text: str
    variables: tuple[str, ...]
    parts: tuple[Part, ...]

    def __call__(self, x: Float64[Tensor, "batch p"]) -> Float64[Tensor, "batch q"]:
        """The outputs for a batch of inputs."""
        if len(self.variables) == len(self.parts) == 1:
            return filled(self.parts[0]([x]), x)
        columns = [x[:, i] for i in range(len(self.variables))]
        return torch.stack([filled(part(columns), columns[0]) for part in self.parts], dim=1)


def parse(text: str, variables: tuple[str, ...] = ("x",), *, outputs: int | None = None) -> Formula:
    """Reads a formula.

    Args:
        text: Such as `x^3 - x`, `sin(5x)`, or with a comma for each further output
            `x + y, x*y`.
        variables: The names of the inputs.
        outputs: How many outputs it must have; None for any number.

    Raises:
        InputError: It cannot be read; the message says where, and what may stand there.

    Example:
        >>> parse("import os")
        Traceback (most recent call last):
            ...
        preimage.errors.InputError: there is nothing called 'import' in a formula of x...
    """
    if len(text) > LONGEST:
        raise InputError(f"the formula has {len(text)} characters; at most {LONGEST} are read.")
    parts = _Parser(text, variables).formulas()
    if outputs is not None and len(parts) != outputs:
        wanted = "one formula, without a comma" if outputs == 1 else f"{outputs} formulas"
        raise InputError(f"{text!r} has {len(parts)} outputs; {wanted} is wanted here.")
    return Formula(text, variables, tuple(parts))


def constant(text: str) -> float:
    """The number that a formula without variables stands for.

    Args:
        text: Such as `-0.5` or `pi/2`.

    Raises:
        InputError: It is no number, or none that is finite.

    Example:
        >>> constant("2pi")
        6.283185307179586
    """
    value = float(parse(text, (), outputs=1).parts[0]([]))
    if not math.isfinite(value):
        raise InputError(f"{text!r} is {value}; give a finite number.")
    return value


@final
class _Parser:
    """Reads from left to right; each method reads what it is named after."""

    def __init__(self, text: str, variables: tuple[str, ...]) -> None:
        self._variables = variables
        self._depth = 0
        self._place = 0
        for old, new in _SPELLINGS.items():
            text = text.replace(old, new)
        self._tokens = [
            (str(found.lastgroup), found[str(found.lastgroup)])
            for found in _TOKEN.finditer(text)
        ]  # fmt: skip

    def formulas(self) -> list[Part]:
        found = [self._sum()]
        while self._took(","):
            found.append(self._sum())
        if self._place < len(self._tokens):
            raise self._unexpected()
        return found

    def _sum(self) -> Part:
        left = self._product()
        while sign := self._took("+", "-"):
            left = binary(sign, left, self._product())
        return left

    def _product(self) -> Part:
        left = self._sign()
        while sign := self._took("*", "/") or self._factor_follows():
            left = binary(sign, left, self._sign())
        return left

    def _sign(self) -> Part:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InputError(
                f"the formula has more than {DEEPEST} brackets and signs within each other; "
                "write a simpler one."
            )
        try:
            match self._took("+", "-"):
                case "-":
                    return negative(self._sign())
                case "+":
                    return self._sign()
            return self._power()
        finally:
            self._depth -= 1

    def _power(self) -> Part:
        base = self._atom()
        return power(base, self._sign()) if self._took("^") else base

    def _atom(self) -> Part:
        kind, word = self._next()
        if kind == "number":
            self._place += 1
            return fixed(float(word))
        if kind == "name":
            self._place += 1
            return self._named(word)
        if word == "(":
            return self._bracket()
        raise self._unexpected()

    def _named(self, word: str) -> Part:
        if word in self._variables:
            place = self._variables.index(word)
            return lambda columns: columns[place]
        if word in CONSTANTS:
            return fixed(CONSTANTS[word])
        if word in FUNCTIONS:
            if self._next()[1] != "(":
                raise InputError(f"{word} wants its argument in brackets: {word}(...).")
            return applied(FUNCTIONS[word], self._bracket())
        names = [*self._variables, *FUNCTIONS, "pi", "e"]
        close = difflib.get_close_matches(word, names, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        where = f"a formula of {' and '.join(self._variables)}" if self._variables else "a number"
        raise InputError(
            f"there is nothing called {word!r} in {where}.{meant} There are "
            f"{', '.join(FUNCTIONS)}, pi and e."
        )

    def _bracket(self) -> Part:
        self._place += 1
        inside = self._sum()
        if not self._took(")"):
            raise self._unexpected("a closing bracket")
        return inside

    def _factor_follows(self) -> str:
        """A product without a sign, as in 2x or x(x + 1)."""
        kind, word = self._next()
        return "*" if kind == "name" or word == "(" else ""

    def _took(self, *marks: str) -> str:
        kind, word = self._next()
        if kind != "mark" or word not in marks:
            return ""
        self._place += 1
        return word

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _unexpected(self, wanted: str = "a number, x, or a function such as sin(x)") -> InputError:
        kind, word = self._next()
        before = "".join(word for _, word in self._tokens[: self._place])[-20:]
        if kind == "end" and not before:
            return InputError("there is no formula; type one, such as x^3 - x.")
        found = "the formula ends" if kind == "end" else f"{word!r} stands"
        after = f" after {before!r}" if before else " at the beginning"
        return InputError(f"{found}{after}, where {wanted} is expected.")
