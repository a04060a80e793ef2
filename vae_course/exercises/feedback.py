"""What a learner is told of an answer, as HTML: the verdict first, what is the matter, and help one click away."""

import html
from collections.abc import Sequence

from vae_course.exercises.model import AnyExercise, Report, Verdict, Written
from vae_course.support.outputs import Flag, fold, panel, paragraph, prose
from vae_course.support.words import count

_VERDICTS = {
    Verdict.PASSED: (Flag.RIGHT, "Passed"),
    Verdict.NOT_TRIED: (Flag.OPEN, "Not tried yet"),
    Verdict.FAILED: (Flag.WRONG, "Not yet"),
    Verdict.WRITTEN: (Flag.OPEN, "In words"),
    Verdict.UNKNOWN: (Flag.WRONG, "No such exercise"),
}


def verdict(id: str, report: Report, more: Sequence[str], folds: str, place: str = "") -> str:
    """The verdict on an answer, what went wrong, the place in its code, further sentences, and the folds that help."""
    mark, word = _VERDICTS[report.status]
    after = "" if report.status == Verdict.UNKNOWN else _code(id)
    sentences = [paragraph(prose(sentence)) for sentence in more]
    if report.status == Verdict.PASSED:
        after += f", {count(report.points, 'point')}"
    else:
        sentences[:0] = [paragraph(prose(report.message)), *([_block(place)] if place else [])]
    return panel(mark, word, *sentences, folds, after=after)


def own_answer(id: str, words: str) -> str:
    """What is said where an answer is none of the learner's own."""
    return panel(Flag.OPEN, "Not yours", paragraph(prose(words[0].upper() + words[1:])), after=_code(id))


def still_running(id: str, words: str) -> str:
    """What is said while a check takes long."""
    return panel(Flag.OPEN, "Still running", paragraph(prose(words[0].upper() + words[1:])), after=_code(id))


def hint(exercise: AnyExercise, number: int) -> str:
    """One hint, with the next behind it."""
    words = paragraph(prose(exercise.hints[number - 1]))
    verdict = f"Hint {number} of {len(exercise.hints)}"
    return panel(Flag.OPEN, verdict, words, further(exercise, number), after=_code(exercise.id))


def further(exercise: AnyExercise, after: int = 0) -> str:
    """The hints after one of them, each behind the one before it, and the worked answer behind the last."""
    folded = worked(exercise)
    for number in range(len(exercise.hints), after, -1):
        words = paragraph(prose(exercise.hints[number - 1]))
        folded = fold(f"Hint {number} of {len(exercise.hints)}", words, folded)
    return folded


def worked(exercise: AnyExercise) -> str:
    """The worked answer behind a line; for an answer in words, what earns its points as well."""
    if isinstance(exercise, Written):
        return fold("A good answer, and what earns the points", *_paragraphs(exercise.solution), _rubric(exercise))
    code = _block(exercise.solution.strip())
    return fold("The worked answer, and why it is right", code, *_paragraphs(exercise.explanation))


def _paragraphs(text: str) -> list[str]:
    return [paragraph(prose(part)) for part in text.strip().split("\n\n")]


def _rubric(exercise: Written) -> str:
    lines = (f"<li>{prose(c.text)} ({count(c.points, 'point')})</li>" for c in exercise.rubric)
    return f"<ul>{''.join(lines)}</ul>"


def _code(id: str) -> str:
    return f"<code>{html.escape(id)}</code>"


def _block(text: str) -> str:
    return f'<pre style="overflow-x: auto"><code>{html.escape(text)}</code></pre>'
