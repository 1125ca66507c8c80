"""What every page must keep: measured inside the browser, told as faults in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page

TAGS = ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LEAST_TARGET = 44
LEAST_TEXT = 20

# Small differences come from rounding to device pixels.
MEASURE = """([least, smallest, titles]) => {
  const seen = it => it.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
    && !it.closest(".hidden, .skip, svg");
  const name = it => `${it.tagName.toLowerCase()} "${(it.innerText || it.id || it.name || "").trim().slice(0, 50)}"`;
  const faults = [];

  // A link inside a sentence: words of its own block stand beside it.
  const inSentence = it => {
    if (it.tagName !== "A" || !getComputedStyle(it).display.startsWith("inline")
        || getComputedStyle(it).display !== "inline") return false;
    const block = it.closest("p, li, td, th, dd, div");
    return Array.from(block.childNodes).some(
      node => node.nodeType === Node.TEXT_NODE && /\\p{L}/u.test(node.textContent));
  };
  for (const it of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
    if (it.type === "hidden" || !seen(it) || inSentence(it)) continue;
    const boxes = [it, ...(/radio|checkbox/.test(it.type) ? it.labels : [])].map(one => one.getBoundingClientRect());
    const width = Math.max(...boxes.map(box => box.width)), height = Math.max(...boxes.map(box => box.height));
    if (width < least - .5 || height < least - .5)
      faults.push(`target ${name(it)} is ${Math.round(width)} x ${Math.round(height)} px`);
  }

  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const small = new Set();
  while (words.nextNode()) {
    const text = words.currentNode.textContent.trim(), it = words.currentNode.parentElement;
    if (!text || /^(SCRIPT|STYLE|NOSCRIPT)$/.test(it.tagName) || !seen(it)) continue;
    const size = parseFloat(getComputedStyle(it).fontSize);
    if (size < smallest - .01) small.add(`text "${text.slice(0, 40)}" is ${size} px`);
    const language = titles[text];
    if (language && it.closest("[lang]").lang !== language)
      faults.push(`"${text.slice(0, 40)}" is ${language}, marked ${it.closest("[lang]").lang}`);
  }
  for (const it of document.querySelectorAll(".prose"))
    if (!it.lang) faults.push(`what a person wrote has no language: ${it.innerText.slice(0, 40)}`);
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} in ${innerWidth} px`);
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) faults.push(`has ${headings} h1`);
  return [...faults, ...small];
}"""


def axe_faults(page: Page) -> list[str]:
    """Return what axe-core finds, A to AAA and best practice: one line for each element."""
    options: dict[str, Any] = {
        "resultTypes": ["violations"],
        "runOnly": {"type": "tag", "values": TAGS},
        # What passes color-contrast-enhanced (AAA) passes this (AA): it would measure all twice.
        "rules": {"color-contrast": {"enabled": False}},
    }
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {' '.join(node['target'])}\n    {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def measured_faults(page: Page, titles: Mapping[str, str] | None = None) -> list[str]:
    """Return targets and texts that are too small, sideways scroll, unmarked languages.

    `titles` maps known texts of people to their languages.
    """
    found: list[str] = page.evaluate(MEASURE, [LEAST_TARGET, LEAST_TEXT, dict(titles or {})])
    return found


def frame_faults(page: Page, language: str, *, is_product: bool) -> list[str]:
    """Return what is wrong with language, title and help."""
    faults = []
    if page.get_attribute("html", "lang") != language:
        faults.append(f"html says lang={page.get_attribute('html', 'lang')}, not {language}")
    name, dash, site = page.title().rpartition(" \N{EN DASH} ")
    if not (name and dash and site == ("UPSS" if is_product else "Stand-in")):
        faults.append(f"title {page.title()!r}")
    if is_product:
        help_links = page.locator("footer .help a")
        kinds = [str(link.get_attribute("href")).split(":")[0] for link in help_links.all()]
        if kinds != ["tel", "mailto"]:
            faults.append(f"help offers {kinds}")
        has_errors = page.locator(".error-summary").count() > 0
        if has_errors != name.startswith("Error:"):
            faults.append(f"title {name!r} with {'an' if has_errors else 'no'} error summary")
        if has_errors and not page.evaluate("document.activeElement.matches('.error-summary')"):
            faults.append("the error summary has no focus")
    return faults


def picture(page: Page, file: Path) -> None:
    """Keep the whole page as a picture; Chromium may fail to take one just after a change of size."""
    try:
        page.screenshot(path=file, full_page=True)
    except Error:
        page.wait_for_timeout(500)
        page.screenshot(path=file, full_page=True)
