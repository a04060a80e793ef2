"""The reading edition: built once from the full notebooks, its links followed, its pages opened in a browser."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import FrameLocator

from docs import make_frames
from docs.book import frames, landing, lessons
from docs.book.build import DOCUMENTS
from docs.book.check import Page, Site
from tests.support.axe import grave
from tests.support.browser import Visit, clean_page
from tests.support.browser_pad import TWO_FRAMES
from tests.support.site import served
from vae_course import claims, quizzes
from vae_course.tools.authoring import settings, tables

REPOSITORY = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.stem for path in (REPOSITORY / "solutions").glob("[0-9][0-9]_*.ipynb"))

# Elements of the text that reach beyond the screen and are not inside something that scrolls by itself.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (e) => e && e !== document.body && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
    return [...document.querySelectorAll("article *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e))
        .map((e) => `${e.tagName} ${e.className} ${e.textContent.slice(0, 60)}`);
}"""
FORMULAS = "() => [...document.querySelectorAll('.math')].filter((e) => !e.querySelector('mjx-container svg')).length"
# The frame of a pad grows once the page inside has told its height; what scrolls is named once the formulas are drawn.
NOTHING_CUT_OFF = """() => {
    const frame = document.querySelector("iframe.book-pad");
    return frame.contentDocument.body.scrollHeight <= frame.clientHeight;
}"""
ALL_THAT_SCROLLS_IS_REACHED = """() => [...document.querySelectorAll("div.highlight pre, div.math, .table-wrapper")]
    .every((e) => e.scrollWidth <= e.clientWidth || e.tabIndex === 0)"""
SIDEWAYS = """() => [...document.querySelectorAll(".cell_input pre")]
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent.slice(0, 80))"""
FITTED = "() => [...document.querySelectorAll('div.math')].every((e) => e.scrollWidth <= e.clientWidth)"
SAID = """() => [...document.querySelectorAll("div.math mjx-assistive-mml")]
    .map((e) => e.textContent.replace(/[\\s\\u2061]/g, ""))"""
WHITE = "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make book` does, warnings being errors and its links checked."""
    folder = tmp_path_factory.mktemp("site") / "book"
    built = build(REPOSITORY, folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def build(root: Path, to: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from docs.book.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "--to", str(to)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def pages(book: Path) -> dict[str, Page]:
    return {path.stem: page for path, page in Site(book).pages.items() if path.parent == book}


@pytest.fixture(scope="module")
def site(book: Path) -> Iterator[str]:
    with served(book) as address:
        yield address


@pytest.fixture(scope="module")
def phone(need: Callable[[str], str]) -> Iterator[Visit]:
    with clean_page(need("chromium"), width=390, height=844) as visit:
        yield visit


def test_every_lesson_has_a_page_that_the_landing_page_names(pages: dict[str, Page]) -> None:
    named = pages["index"].links
    assert [name for name in LESSONS if name not in pages or f"{name}.html" not in named] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_links_to_its_student_notebook_in_colab_and_binder(pages: dict[str, Page], lesson: str) -> None:
    for host in ("https://colab.research.google.com/", "https://mybinder.org/"):
        links = [link for link in pages[lesson].links if link.startswith(host)]
        assert [link for link in links if link.endswith(f"notebooks/{lesson}.ipynb")], host


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_figure_of_a_lesson_is_on_its_page_with_its_text_alternative(book: Path, lesson: str) -> None:
    outputs = [
        o for c in nbformat.read(REPOSITORY / "solutions" / f"{lesson}.ipynb", 4).cells for o in c.get("outputs", [])
    ]
    pictures = [o.metadata["image/png"]["alt"] for o in outputs if "image/png" in o.get("data", {})]
    page = (book / f"{lesson}.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img class="book-figure" src="_static/figures/[^"]+" alt="[^"]+"', page)
    alive = page.count('<iframe class="book-pad"') + page.count('<figure class="book-frames"')
    assert len(shown) + alive == len(pictures) > 0
    assert len(re.findall('<img [^>]*alt="[^"]+"', page)) == len(shown) + page.count('<figure class="book-frames"')


def test_each_lesson_is_a_card_of_the_landing_page_and_a_place_in_its_map(book: Path) -> None:
    page = (book / "index.html").read_text(encoding="utf-8")
    for pattern in (r'<a class="book-card" href="(\w+)\.html"><img src="[^"]+"', r'<a href="(\w+)\.html"><title>'):
        assert re.findall(pattern, page) == LESSONS
    assert '<iframe class="book-pad"' in page and tables.numbers() in page


def test_the_map_shows_what_the_lessons_say_that_they_need() -> None:
    rows = landing.lessons((REPOSITORY / "README.md").read_text(encoding="utf-8"), REPOSITORY / "solutions")
    assert [row.page for row in rows] == LESSONS
    assert [row.number for row in rows if not row.needs] == ["00"]
    assert [(row.number, first) for row in rows for first in row.needs if first >= row.number] == []
    drawn = {row.number: row for row in rows}
    assert drawn["07"].needs == ("02", "06")
    words = re.search(r'aria-label="([^"]+)', landing.map_of(rows))
    assert words and "04 needs 03;" in words[1] and "07 needs 06;" in words[1] and "09 needs 05, 07;" in words[1]
    links = len(re.findall(r"\d\d", words[1])) - len(LESSONS)
    assert landing.map_of(rows).count("<path ") == links >= len(LESSONS) - 1


def test_a_page_says_where_to_change_it_and_what_a_link_to_it_shows(book: Path) -> None:
    page = (book / f"{LESSONS[4]}.html").read_text(encoding="utf-8")
    address = settings.read(REPOSITORY).repository
    assert f'href="{address}/edit/main/solutions/{LESSONS[4]}.py"' in page
    assert f'href="{address}/issues/new?title=Lesson%2004:%20"' in page
    for name in ("title", "description", "image"):
        assert re.search(rf'<meta property="og:{name}" content="[^"]{{4,}}"', page), name


def test_code_is_as_narrow_as_a_page_and_means_the_same() -> None:
    wide = (
        "total = sum(value for value in range(1000) if value % 2)  # a comment\nprint(" + '"words ", ' * 12 + "total)"
    )
    cells = [nbformat.v4.new_code_cell(wide), nbformat.v4.new_code_cell("%matplotlib inline\n" + "x = 1 + " * 20 + "1")]
    kept = cells[1].source
    lessons._narrow(cells)
    assert max(map(len, cells[0].source.split("\n"))) <= lessons.COLUMNS
    assert ast.dump(ast.parse(cells[0].source)) == ast.dump(ast.parse(wide))
    assert cells[1].source == kept


def test_no_answer_stands_open_and_no_marker_is_left(book: Path) -> None:
    for lesson in LESSONS:
        page = (book / f"{lesson}.html").read_text(encoding="utf-8")
        assert "SOLUTION" not in page
        assert page.count("Show the answer") >= 1
        assert page.count("Show the cell that finds the course") == 1
        assert page.count('<details class="book-answer">') >= 1


def test_every_page_fits_a_phone_and_a_laptop_with_all_its_formulas_and_fetches_nothing(
    phone: Visit, site: str, book: Path
) -> None:
    """Each is opened on a phone. A lesson is then as wide as a laptop's: no code and no formula scrolls sideways on either,
    and what the formulas say to a screen reader stays the same, in however many lines they stand.
    """
    page, bad = phone.another_page(), {}
    for path in sorted(book.glob("*.html")):
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{site}/{path.name}")
        if "math" in path.read_text(encoding="utf-8"):
            page.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")
        plain, wrong = page.evaluate(FORMULAS), page.locator("[data-mjx-error], mjx-merror").count()
        found = [f"{plain} formulas not drawn"] * bool(plain) + [f"{wrong} formulas wrong"] * bool(wrong)
        found += page.evaluate(TOO_WIDE) + phone.errors + phone.outside
        if path.stem in LESSONS:
            said = []
            for width in (390, 1280):
                page.set_viewport_size({"width": width, "height": 844})
                page.locator("body").evaluate(TWO_FRAMES)  # by the second the page has heard of its width
                page.wait_for_function(FITTED)
                found += page.evaluate(SIDEWAYS)
                said.append(page.evaluate(SAID))
            found += [] if said[0] == said[1] != [] else ["formulas that say another thing on a laptop"]
        bad[path.name] = found
        phone.errors.clear()
        phone.outside.clear()
    page.close()
    assert {name: found for name, found in bad.items() if found} == {}


def test_the_search_finds_a_word(phone: Visit, site: str) -> None:
    phone.page.goto(f"{site}/search.html?q=reparameterisation")
    results = phone.page.locator("#search-results li a")
    results.first.wait_for()
    assert any("reparameterisation" in text for text in results.all_inner_texts())
    phone.page.get_by_text(re.compile(r"Search finished, found \d+ pages")).wait_for()
    assert phone.outside == []


def test_an_excerpt_of_the_search_shows_no_tex(phone: Visit, site: str) -> None:
    phone.page.goto(f"{site}/search.html?q=jensen")
    excerpts = phone.page.locator("#search-results li p.context")
    excerpts.first.wait_for()
    assert [text for text in excerpts.all_inner_texts() if "\\" in text] == []


def test_figures_are_softened_on_a_dark_page_and_only_there(phone: Visit, site: str) -> None:
    phone.page.goto(f"{site}/{LESSONS[4]}.html")
    for scheme, theme, soft in [
        ("light", "auto", False),
        ("dark", "auto", True),
        ("dark", "light", False),
        ("light", "dark", True),
    ]:
        phone.page.emulate_media(color_scheme=scheme)
        phone.page.evaluate(f"() => document.body.dataset.theme = '{theme}'")
        for picture in (".book-figure", ".book-frames img"):
            filters = phone.page.locator(picture).first.evaluate("e => getComputedStyle(e).filter")
            assert filters == ("brightness(0.87)" if soft else "none"), (scheme, theme, picture)
    phone.page.emulate_media(color_scheme="light")


def test_the_kept_frames_are_of_the_models_that_the_lesson_speaks_of() -> None:
    kept = frames.Frames.read(frames.KEPT_AT / "BetaPlayground")
    (slider,) = kept.sliders
    source = (REPOSITORY / "solutions" / "10_rate_distortion_collapse.py").read_text(encoding="utf-8")
    assert f"betas = {slider.values}" in source and slider.values[slider.at] == 1.0
    assert list(kept.told) == [str(i) for i in range(len(slider.values))]
    for place, told in kept.told.items():
        assert (frames.KEPT_AT / "BetaPlayground" / f"{place}.webp").is_file()
        beta = f"{slider.values[int(place)]:g}"
        assert f"beta {beta}:" in told["words"] and told["alt"].endswith(f"those of beta {beta}.")
    for beta in ("0-25", "1", "8"):
        words = kept.told[str(slider.values.index(float(beta.replace("-", "."))))]["words"]
        for name, pattern in (("rate", r"rate ([\d.]+)"), ("elbo", r"ELBO (-[\d.]+) nats")):
            stated, shown = claims.lookup(f"10-{name}-{beta}", "mnist"), re.search(pattern, words)
            assert shown and abs(float(shown[1]) - stated["value"]) <= (stated["tolerance"] or 0.0), (beta, name)


def test_frames_are_made_of_what_the_lesson_s_own_cells_leave_behind() -> None:
    left = make_frames.until("curve = Derivation(")
    assert left["GaussianSource"].__module__ == "vae_course.studies.rate_distortion" and "curve" not in left


def test_a_page_does_not_speak_of_playgrounds_that_stand_still() -> None:
    prose = "If nothing moves here, this picture shows $x = 2$.\n\nIf nothing moves here: walks along $z$."
    assert lessons._prose(prose, {}) == "This picture shows $x = 2$.\n\nWalks along $z$."


@pytest.mark.parametrize("lesson", [name for name in LESSONS if name[:2] in ("02", "03", "04", "10", "11")])
def test_a_playground_of_frames_is_moved_by_keyboard(phone: Visit, site: str, book: Path, lesson: str) -> None:
    phone.page.goto(f"{site}/{lesson}.html")
    playground = phone.page.locator(".book-frames").first
    image, words = playground.locator("img"), playground.locator("figcaption")
    before = image.get_attribute("src"), image.get_attribute("alt"), words.inner_text()
    playground.locator("input").first.focus()
    phone.page.keyboard.press("ArrowRight")
    after = image.get_attribute("src"), image.get_attribute("alt"), words.inner_text()
    assert all(a != b for a, b in zip(after, before, strict=True))
    assert (book / str(after[0])).is_file()
    assert playground.locator("input").first.get_attribute("aria-valuetext")


def test_dark_mode_is_switched_by_keyboard(phone: Visit, site: str) -> None:
    phone.page.goto(f"{site}/index.html")
    colour = "() => getComputedStyle(document.body).backgroundColor"
    seen = [phone.page.evaluate(colour)]
    button = phone.page.locator("button.theme-toggle:visible").first
    for _ in range(2):  # automatic, light, dark
        button.focus()
        phone.page.keyboard.press("Enter")
        seen.append(phone.page.evaluate(colour))
    assert seen[0] == WHITE
    assert len(set(seen)) == 2


def test_the_pad_of_a_lesson_is_moved_by_keyboard(phone: Visit, site: str, book: Path) -> None:
    padded = [name for name in LESSONS if 'class="book-pad"' in (book / f"{name}.html").read_text(encoding="utf-8")]
    sources = {name: (REPOSITORY / "solutions" / f"{name}.py").read_text(encoding="utf-8") for name in LESSONS}
    assert padded == [name for name in LESSONS if re.search(r"^(\w+ = )?LatentPad\(", sources[name], re.MULTILINE)]
    phone.page.goto(f"{site}/{padded[0]}.html")
    pad = phone.page.frame_locator("iframe.book-pad").first
    plane = pad.get_by_role("application")
    plane.focus()
    plane.evaluate(TWO_FRAMES)
    before = picture(pad)
    for _ in range(3):
        phone.page.keyboard.press("Shift+ArrowRight")
    plane.evaluate(TWO_FRAMES)
    assert picture(pad) != before
    phone.page.wait_for_function(NOTHING_CUT_OFF)


def picture(pad: FrameLocator) -> str:
    return pad.locator(".pad-picture").first.evaluate("canvas => canvas.toDataURL()")


def test_a_choice_of_the_quiz_opens_its_reply_by_keyboard(phone: Visit, site: str) -> None:
    phone.page.goto(f"{site}/{LESSONS[0]}.html")
    choice = quizzes.questions(LESSONS[0][:2])[0].choices[0]
    summary = phone.page.locator(".book-quiz summary").first
    reply = phone.page.locator(".book-quiz details p").first
    assert not reply.is_visible()
    summary.focus()
    phone.page.keyboard.press("Enter")
    assert choice.reply.removeprefix("Yes. ") in reply.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", LESSONS[0]])
def test_a_page_has_no_grave_finding_by_axe(phone: Visit, site: str, name: str, theme: str) -> None:
    phone.page.goto(f"{site}/{name}.html")
    phone.page.evaluate(f"() => document.body.dataset.theme = '{theme}'")
    phone.page.evaluate("() => window.MathJax?.startup?.promise?.then(() => null)")
    phone.page.wait_for_function(ALL_THAT_SCROLLS_IS_REACHED)
    phone.page.wait_for_function("() => document.getAnimations().every((a) => a.playState !== 'running')")
    assert grave(phone.page) == []


def test_the_numbers_of_a_cell_are_folded_in_the_book_and_a_derivation_is_not(tmp_path: Path) -> None:
    source = tmp_path / "00_toy.ipynb"
    shown = ['<table class="vae-claims"></table>', '<table class="vae-steps"></table>']
    outputs = [nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": ""}) for html in shown]
    cell = nbformat.v4.new_code_cell("line.step(a, b)\nclaim('00-a', 1)", outputs=outputs)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), source)
    (tmp_path / "page").mkdir()
    lessons.prepare(source, tmp_path / "page", settings.read(REPOSITORY))
    claims, steps = nbformat.read(tmp_path / "page" / source.name, as_version=4).cells[0].outputs
    assert claims.data["text/html"].startswith("<details><summary>") and shown[0] in claims.data["text/html"]
    assert steps.data["text/html"] == shown[1]


def test_the_link_checker_sees_each_kind_of_mistake(tmp_path: Path) -> None:
    (tmp_path / "b.html").write_text('<p id="there">b</p>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#there">good</a><a href="https://example.org">good</a><a href="#">good</a>'
        '<a href="c.html">1</a><a href="b.html#here">2</a><a href="../x.html">3</a><img src="gone.png">'
        '<script src="https://example.org/x.js"></script><link rel="stylesheet" href="//example.org/y.css">'
    )
    found = " ".join(Site(tmp_path).problems())
    for mistake in (
        "c.html names no file",
        "b.html#here names no anchor",
        "../x.html leads out",
        "gone.png names no file",
    ):
        assert mistake in found
    assert found.count("from outside") == 2
    assert len(Site(tmp_path).problems()) == 6


def test_a_lesson_with_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    for name in ("README.md", "pyproject.toml", "docs/images/manifold.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    for name in DOCUMENTS:
        (tmp_path / "docs" / f"{name}.md").write_text("# A page without links to lessons\n", encoding="utf-8")
    (tmp_path / "solutions").mkdir()
    cells = [nbformat.v4.new_markdown_cell("# 00 Start\n\nOn to [the next](01_gone.ipynb).")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "solutions" / "00_start_here.ipynb")
    built = build(tmp_path, tmp_path / "site" / "book")
    assert built.returncode != 0
    assert "01_gone.ipynb" in built.stderr
