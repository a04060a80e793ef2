"""Tables in README.md that a program writes, each between its two markers; run it to write the notation ledger."""

from pathlib import Path

from vae_course import notation

from .errors import AuthoringError
from .settings import read


def replace(text: str, name: str, table: str) -> str:
    """The text with this table between the lines `<!-- name:start -->` and `<!-- name:end -->`.

    Raises:
        AuthoringError: the text lacks the markers.
    """
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise AuthoringError(f"The text lacks the lines {start} and {end}: add them where the table belongs.")
    return f"{before}{start}\n{table}\n{end}{after}"


def stamp(path: Path, name: str, table: str) -> bool:
    """Put a table between its markers in a file; False where it stood there already.

    Raises:
        AuthoringError: there is no such file, or it lacks the markers.
    """
    if not path.is_file():
        raise AuthoringError(f"There is no file {path}: make it, with the two lines that mark the place of the table.")
    old = path.read_text(encoding="utf-8")
    new = replace(old, name, table)
    if new != old:
        path.write_text(new, encoding="utf-8")
    return new != old


def main() -> None:
    """Write the notation ledger into the checkout's README."""
    print("notation written" if stamp(read().root / "README.md", "notation", notation.markdown()) else "up to date")


if __name__ == "__main__":
    main()
