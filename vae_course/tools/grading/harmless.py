"""Text from submissions in the one place where it is interpreted: Markdown cells in nbgrader's pages."""

import re

# What begins a tag, a comment or an entity; "a < b" and "p & q" are left alone.
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")
# A link stays one if it leads to a page; entities in an address are read more than once, so all other forms are refused.
_LINK = re.compile(r"\]([(:])(?!\s*https?://)")
_PICTURE = re.compile(r"!+\[")
# MathJax can make links, load code and rename its commands.
_TEX = re.compile(
    r"\\(href|require|unicode|cssId|class|style|def|let|newcommand|renewcommand|newenvironment|html)(?![a-z])"
)


def markdown(text: str) -> str:
    """The same Markdown without HTML, pictures, links that run code, and formulas that do more than show symbols.

    nbgrader puts written answers and comments as raw HTML into the pages of the person who marks them, where a script could
    act in that person's name.
    """
    text = _ENTITY.sub("&amp;", text)
    text = _TAG.sub("&lt;", text)
    text = _PICTURE.sub("[", text)
    text = _LINK.sub(r"] \1", text)
    return _TEX.sub(r"\\backslash \1", text)
