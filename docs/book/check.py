"""Check the links of a built site: every internal link and anchor leads somewhere, and no page needs anything from outside."""

from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
}
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "preconnect", "dns-prefetch"}


class Page(HTMLParser):
    """What one page links to, what it loads, and which anchors it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag in LOADED and given.get(LOADED[tag]):
            self.loads.append(given[LOADED[tag]])
        elif tag == "link" and LOADED_LINKS & set(given.get("rel", "").split()):
            self.loads.append(given.get("href", ""))
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])


class Site:
    """A folder of pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @cached_property
    def pages(self) -> dict[Path, Page]:
        """Every page by its path."""
        return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(self.folder.rglob("*.html"))}

    def problems(self) -> list[str]:
        """One sentence for each link that leads nowhere and each thing that a page would fetch from outside."""
        found = []
        for path, page in self.pages.items():
            name = path.relative_to(self.folder)
            found += [f"{name} loads {url} from outside." for url in page.loads if _outside(url)]
            found += [f"{name}: {url} {why}." for url, why in self._broken(path, [*page.links, *page.loads])]
        return found

    def _broken(self, page: Path, urls: list[str]) -> Iterator[tuple[str, str]]:
        for url in urls:
            parts = urlsplit(url)
            if _outside(url) or parts.scheme in ("mailto", "data"):
                continue
            target = page if not parts.path else (page.parent / unquote(parts.path)).resolve()
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_relative_to(self.folder):
                yield url, "leads out of the site"
            elif not target.is_file():
                yield url, "names no file of the site"
            elif anchor and target in self.pages and anchor not in self.pages[target].anchors:
                yield url, f"names no anchor of {target.name}"


def _outside(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https") or url.startswith("//")
