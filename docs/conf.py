"""How Sphinx builds the site."""

import re
from importlib.metadata import version as installed_version
from typing import Any

project = "preimage"
author = "the preimage developers"
copyright = "the preimage developers"
version = release = installed_version("preimage")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]

default_role = "code"
add_module_names = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "signature"
# `Attributes:` of a dataclass would otherwise describe every field a second time.
napoleon_use_ivar = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Without it, napoleon drops the underscore of learned attributes such as `problem_`.
strip_signature_backslash = True

html_theme = "furo"
html_title = "preimage"


def render_mathematics(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Docstrings write mathematics as the pages do, in dollars; Sphinx wants a role or a block."""
    text = "\n".join(lines)
    text = re.sub(r"^( *)\$\$(.+?)\$\$", r"\1.. math:: \2", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$([^$]+?)\$", lambda m: f":math:`{' '.join(m[1].split())}`", text)
    lines[:] = text.split("\n")


def setup(app: Any) -> None:
    # Before napoleon, which would read the colons of the roles as its own.
    app.connect("autodoc-process-docstring", render_mathematics, priority=400)
