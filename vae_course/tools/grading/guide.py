"""The parts of docs/instructors.md that the course's own data decide; run it to write them."""

from collections.abc import Iterator

from vae_course.exercises import Exercise, all_exercises
from vae_course.exercises.model import Criterion, Written

from ..authoring import readme, settings
from .pages import count

# As many misconceptions of an exercise are told with what the learner reads; of the others, the names.
_TOLD = 2


def lessons() -> str:
    """What each lesson holds for a class, as a Markdown table."""
    rows = ["| lesson | exercises in code | points | answers in words | points |", "|---|---|---|---|---|"]
    for number in _numbers():
        tasks = [e for e in all_exercises() if e.id[:2] == number]
        code = [e for e in tasks if isinstance(e, Exercise)]
        words = [e for e in tasks if isinstance(e, Written)]
        points = sum(e.points for e in code), sum(e.points for e in words)
        rows.append(f"| {number} | {len(code)} | {points[0]} | {len(words)} | {points[1]} |")
    return "\n".join(rows)


def misconceptions() -> str:
    """The mistakes that the checks know, lesson by lesson, as Markdown."""
    return "\n".join(line for number in _numbers() for line in _of_lesson(number))


def _of_lesson(number: str) -> Iterator[str]:
    exercises = [e for e in all_exercises() if isinstance(e, Exercise) and e.id[:2] == number]
    if not exercises:
        return
    yield f"\n#### Lesson {number}\n"
    for exercise in exercises:
        yield f"- **{exercise.id}, {exercise.title}.**"
        for known in exercise.misconceptions[:_TOLD]:
            yield f"  - *{known.name}:* {known.message}"
        others = [known.name for known in exercise.misconceptions[_TOLD:]]
        if others:
            yield f"  - Also told apart: {', '.join(others)}."


def rubrics() -> str:
    """By what each written answer is marked, as Markdown."""
    parts = []
    for task in all_exercises():
        if isinstance(task, Written):
            criteria = "\n".join(f"- {_points(c)}: {c.text}" for c in task.rubric)
            head = f"#### {task.id}: {task.title} ({count(task.points, 'point')})"
            parts.append(f"\n{head}\n\n{task.task}\n\n{criteria}")
    return "\n".join(parts)


def _points(criterion: Criterion) -> str:
    return count(criterion.points, "point")


def _numbers() -> list[str]:
    return sorted({exercise.id[:2] for exercise in all_exercises()})


TABLES = {"lessons": lessons, "misconceptions": misconceptions, "rubrics": rubrics}


def main() -> None:
    """Write the tables into the checkout's guide."""
    path = settings.read().root / "docs" / "instructors.md"
    written = [name for name, table in TABLES.items() if readme.stamp(path, name, table())]
    print(f"{', '.join(written)} written" if written else "up to date")


if __name__ == "__main__":
    main()
