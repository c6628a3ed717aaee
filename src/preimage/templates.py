"""Templates of HTML pages, which lie in the packages that write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


def template(package: str, name: str) -> Template:
    """A template that escapes every value, so that names cannot become markup.

    Args:
        package: Where it lies, such as "preimage.report".
        name: Its file.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        autoescape=True,
        loader=PackageLoader(package, "."),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    ).get_template(name)
