"""The page of a verdict: what was asked, what is proved, and pictures of it."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from preimage.files import check_file, writing_file
from preimage.plots.verdicts import draw_verdict
from preimage.report.svg import svg
from preimage.runtime import package_version
from preimage.templates import template
from preimage.verdicts import Claim, Report, Status
from preimage.verdicts.claim import described

MISSED = (Status.REFUTED, Status.NOT_A_FUNCTION)
"""Statuses that are shown in the colour of what was missed."""

NUMBERS = 8
"""Of longer points, so many numbers are shown."""


def write_verdict(
    report: Report, f: Any, path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Writes one HTML page with a verdict, its counterexample or proof, and pictures of both.

    The page needs no other file and no network, and follows the reader's light or dark setting.

    Args:
        report: What `check` found.
        f: The function that was checked.
        path: The file, ending in `.html`.
        force: Replace a file that is already there.

    Raises:
        OutputExistsError: If the file is there already; choose another, or `force=True`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from preimage import Box, check
        >>> f = lambda x: x**3 - x
        >>> page = Path(tempfile.mkdtemp()) / "cubic.html"
        >>> write_verdict(check(f, Box(-2, 2)), f, page)
        >>> "two points with one value" in page.read_text("utf-8")
        True
    """
    check_file(path, force=force)
    text = render_verdict(report, f)
    with writing_file(path, force=force) as aside:
        aside.write_text(text, encoding="utf-8")


def render_verdict(report: Report, f: Any) -> str:
    """The page as text."""
    from markupsafe import Markup

    claims = (report.injective, report.surjective)
    onto = described(report.surjective.codomain)
    return template("preimage.report", "verdict.html").render(
        title=f"{report.name}, from {described(report.injective.domain)} to {onto}",
        headline=report.conclusion[3:4].upper() + report.conclusion[4:],
        tiles=[
            (claim.property, claim.status, claim.status in MISSED)
            for claim in (*claims, report.bijective)
        ],
        claims=[(claim, facts(claim)) for claim in claims],
        notes=report.notes,
        drawings=[(d, Markup(svg(d.figure, d.name))) for d in draw_verdict(report, f)],
        numbers=[] if report.numerical is None else str(report.numerical).splitlines()[1:],
        precision="" if report.numerical is None else report.numerical.precision,
        facts=[
            ("Time", f"{report.seconds:.2f} s"),
            ("preimage", f"version {package_version()}"),
            ("Written", datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")),
        ],
    )


def facts(claim: Claim) -> list[tuple[str, str]]:
    """What a claim stands on, as names and words: the rule, the witness, what was tried."""
    number = "real numbers" if claim.semantics == "real" else claim.semantics
    found = [("Arithmetic", number)]
    if claim.status.decided:
        found += [("Rule", claim.rule), ("Stands on", _level(claim))]
    found += [(name, _shown(value)) for name, value in claim.witness.items()]
    for name, value in claim.bounds.items():
        found.append((f"{name.capitalize()} constant", f"at most {value:.4g}"))
    if not claim.status.decided:
        found += [("Tried", line) for line in claim.tried]
        found += [("What would help", line) for line in claim.helps]
    return found


def _level(claim: Claim) -> str:
    if claim.status is Status.NOT_A_FUNCTION:
        return "what it did when it was called"
    words = {"theorem": "a theorem whose hypotheses were verified",
             "interval": "interval arithmetic, with every rounding error counted"}  # fmt: skip
    return words.get(str(claim.level), "numbers alone")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        more = ", ..." if len(value) > NUMBERS else ""
        return f"({', '.join(_shown(one) for one in value[:NUMBERS])}{more})"
    return f"{value:.10g}".replace("-", "−") if isinstance(value, float) else str(value)
