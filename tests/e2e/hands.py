"""Two ways to use a page: with the keyboard alone, and with a pointer. A walk takes either."""

from __future__ import annotations

from typing import Protocol

from playwright.sync_api import Locator, Page

_TABS = 120  # more stops than any page has

# Is the focused element's ring at least 3 px, and can it be seen where it stands?
RING = """() => {
  const it = document.activeElement;
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  const at = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, 40) / 2);
  const name = `${it.tagName} ${it.id || it.name || it.textContent.trim().slice(0, 40)}`;
  const faults = [];
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 3)
    faults.push(`ring is ${style.outlineStyle} ${style.outlineWidth}`);
  if (!box.width || box.right < 0 || box.bottom < 0 || box.y > innerHeight || box.x > innerWidth)
    faults.push("is out of sight");
  else if (at && !it.contains(at) && !at.contains(it)) faults.push(`is covered by ${at.tagName}`);
  return faults.map(fault => `${name}: ${fault}`);
}"""


class Hands(Protocol):
    """What a person does on a page; selectors find the same things in every language."""

    page: Page

    def press(self, selector: str) -> None:
        """Follow a link or press a button, and wait for the next page."""

    def choose(self, selector: str) -> None:
        """Choose a radio or tick a box."""

    def write(self, selector: str, words: str) -> None:
        """Replace what stands in a field."""


class Pointer:
    """Clicks."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, selector: str) -> None:
        """Click, and wait for the next page."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()

    def choose(self, selector: str) -> None:
        """Check a radio or a box."""
        self.page.locator(selector).first.check()

    def write(self, selector: str, words: str) -> None:
        """Fill a field."""
        self.page.locator(selector).first.fill(words)


class Keyboard:
    """Tab, Enter, Space and typing: nothing else. Looks at the ring of every stop."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops = 0
        self.faults: list[str] = []

    def press(self, selector: str) -> None:
        """Tab there and press Enter."""
        self._go_to(self.page.locator(selector).first)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def choose(self, selector: str) -> None:
        """Tab into the group, move to the choice with the arrows, and take it with Space."""
        wanted = self.page.locator(selector).first
        if wanted.get_attribute("type") == "radio":
            name = wanted.get_attribute("name")
            self._go_to(self.page.locator(f"input[name='{name}']"))
            while not _is_focused(wanted):
                self.page.keyboard.press("ArrowDown")
                self._look()
        else:
            self._go_to(wanted)
        if not wanted.is_checked():
            self.page.keyboard.press("Space")
        assert wanted.is_checked()

    def write(self, selector: str, words: str) -> None:
        """Tab there, select all that stands there and type over it."""
        self._go_to(self.page.locator(selector).first)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(words)

    def _go_to(self, wanted: Locator) -> None:
        """Press Tab until one of `wanted` has the focus; from the end it begins anew."""
        for _stop in range(_TABS):
            if _is_focused(wanted):
                return
            self.page.keyboard.press("Tab")
            self._look()
        raise AssertionError(f"Tab never reaches {wanted} on {self.page.url}")

    def _look(self) -> None:
        if self.page.evaluate("document.activeElement === document.body"):
            return  # between the end of the page and its beginning
        self.stops += 1
        path = self.page.url.split("?")[0]
        self.faults += [f"{path} {fault}" for fault in self.page.evaluate(RING)]


def _is_focused(wanted: Locator) -> bool:
    return bool(wanted.evaluate_all("(all) => all.some(one => one === document.activeElement)"))
