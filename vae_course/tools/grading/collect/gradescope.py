"""Whose each of Gradescope's numbered folders is, from the list that lies beside them.

The list is YAML as Ruby writes it. Only what stands at fixed places is read: the rest is what students' programs printed, at
any length, and indented further than all that is read here.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

LIST = "submission_metadata.yml"
_FOLDER = re.compile(r"(submission_\d+): *")
_PART = re.compile(r"  :(\w+): *(.*)")
_FACT = re.compile(r"  (- |  ):(name|sid|email): *(.*)")


@dataclass(frozen=True)
class Entry:
    """Those who handed in together, what tells them from others of their names, and when it was; 0 where that is unknown."""

    student: str
    number: str
    when: float


def entries(content: bytes) -> dict[str, Entry]:
    """What the list says of each folder that it knows, by the folder's name."""
    people: dict[str, list[dict[str, str]]] = {}
    times: dict[str, float] = {}
    folder = part = ""
    for line in content.decode("utf-8", "replace").replace("\r", "").split("\n"):
        if match := _FOLDER.fullmatch(line):
            folder, part = match[1], ""
            people[folder] = []
        elif folder and (match := _PART.fullmatch(line)):
            part = match[1]
            if part == "created_at":
                with suppress(ValueError):
                    times[folder] = datetime.fromisoformat(_text(match[2])[:19]).replace(tzinfo=UTC).timestamp()
        elif part == "submitters" and (match := _FACT.fullmatch(line)):
            people[folder] += [{}] if match[1] == "- " or not people[folder] else []
            people[folder][-1][match[2]] = _text(match[3])
    return {folder: _entry(who, times.get(folder, 0.0)) for folder, who in people.items() if any(map(_names, who))}


def _names(person: dict[str, str]) -> list[str]:
    """A person's name, address and number, as far as they are known."""
    return [person[fact] for fact in ("name", "email", "sid") if person.get(fact)]


def _entry(people: list[dict[str, str]], when: float) -> Entry:
    known = [names for names in map(_names, people) if names]
    return Entry(" and ".join(names[0] for names in known), " ".join(names[-1] for names in known), when)


def _text(value: str) -> str:
    """A text on one line, bare or in quotes of either kind."""
    value = value.strip()
    if value[:1] == value[-1:] == "'":
        return value[1:-1].replace("''", "'")
    with suppress(ValueError):
        return str(json.loads(value)) if value.startswith('"') else value
    return value
