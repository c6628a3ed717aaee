"""The frame: the tabs, light and dark, and what each visitor has by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nicegui import ui

from preimage.app.pages.arm import ArmTab
from preimage.app.pages.check import CheckTab
from preimage.app.pages.curve import CurveTab
from preimage.app.pages.images import ImagesTab
from preimage.app.pages.parts import Tab
from preimage.app.pages.translate import TranslateTab
from preimage.app.resources import Resources

TABS: dict[str, type[Tab]] = {
    one.name: one for one in (CurveTab, ArmTab, CheckTab, ImagesTab, TranslateTab)
}
"""The tabs, in order; the first is shown where the address names none."""

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")

THEMES = {"auto": None, "light": False, "dark": True}
ICONS = {"auto": "brightness_auto", "light": "light_mode", "dark": "dark_mode"}


def build(given: Mapping[str, str], resources: Resources) -> None:
    """Builds the page for one visitor; a tab is built when it is first looked at.

    Args:
        given: What the address says: the tab, and its state.
        resources: What was named when the page was started.
    """
    ui.add_css(STYLE)
    theme = given.get("theme", "auto")
    dark = ui.dark_mode(THEMES.get(theme))
    first = given.get("tab", next(iter(TABS)))
    unknown = first not in TABS
    first = next(iter(TABS)) if unknown else first
    made: dict[str, Tab] = {}

    with ui.element("header").classes("page-header"):
        ui.html("preimage", sanitize=False, tag="h1")
        with ui.tabs().props("align=left no-caps inline-label") as tabs:
            for name, kind in TABS.items():
                ui.tab(name, kind.title)
        tabs.set_value(first)
        _theme_button(dark, theme if theme in THEMES else "auto")
    panels: dict[str, ui.tab_panel] = {}
    with ui.tab_panels(tabs, value=first, animated=False, keep_alive=True):
        for name in TABS:
            panels[name] = ui.tab_panel(name)

    def show(name: str, state: Mapping[str, str]) -> None:
        if name not in made:
            with panels[name]:
                made[name] = TABS[name](state, resources)

    def switch() -> None:
        name = str(tabs.value)
        show(name, {})
        made[name].share()

    show(first, {} if unknown else given)
    if unknown:
        made[first].message.show(
            f"there is no tab {given['tab'][:40]!r}; there are {', '.join(TABS)}."
        )
    tabs.on_value_change(switch)


def _theme_button(dark: ui.dark_mode, theme: str) -> None:
    shown = [theme]

    def turn() -> None:
        names = list(THEMES)
        shown[0] = names[(names.index(shown[0]) + 1) % len(names)]
        dark.set_value(THEMES[shown[0]])
        button.props(f'icon={ICONS[shown[0]]} aria-label="Colours: {shown[0]}"')

    button = ui.button(on_click=turn, icon=ICONS[theme]).props(
        f'flat round dense aria-label="Colours: {theme}"'
    )
    button.classes("theme")
