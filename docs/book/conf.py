"""Sphinx's settings for the reading edition; `build.py` runs Sphinx, and prepares what it reads."""

from sphinx.application import Sphinx

from vae_course.tools.authoring import settings

project = "A course on variational autoencoders"
author = "The VAE course authors"
html_title = "VAE course"
# Not "en_GB": Sphinx's catalogue of it holds an empty sentence for the number of pages found, on which the search breaks.
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "sphinxext.opengraph"]
nb_execution_mode = "off"  # the stored outputs are the book's
nb_render_markdown_format = "myst"  # tables and formulas in what a cell shows
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
exclude_patterns = [".doctrees"]

# What a link to a page shows elsewhere, at the address that GitHub gives the pages of a repository.
_places = settings.read()
ogp_site_url = f"https://{_places.owner}.github.io/{_places.name}/"
ogp_site_name = project
ogp_image = "_static/social.png"
ogp_image_alt = "A plane of handwritten digits: neighbouring codes give similar digits"
ogp_enable_meta_description = True
ogp_social_cards = {"enable": False}

# No exception so far: every warning fails the build. One that must be let through goes here, with its reason.
suppress_warnings: list[str] = []

html_theme = "furo"
html_static_path: list[str] = []  # set by `setup`, because it lies among what was prepared
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_favicon = "favicon.svg"
html_copy_source = False
html_show_sphinx = False
copyright = "the VAE course authors. Code: MIT licence; text and figures: CC BY 4.0"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# The file in _static, never a server elsewhere. Formulas carry MathML for screen readers; the menu, which would make
# every formula a stop of the Tab key, is off.
mathjax_path = "mathjax.js"
mathjax3_config = {
    "options": {"enableMenu": False, "enableAssistiveMml": True},
    "svg": {"fontCache": "global"},
}


def setup(app: Sphinx) -> None:
    """Find what `build.py` prepared."""
    app.config.html_static_path = [f"{app.srcdir}/_static"]
    app.config.html_favicon = f"{app.srcdir}/_static/favicon.svg"
