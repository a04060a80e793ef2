"""Sandboxes that go from one submission to the next: most of what a submission costs is the start of its sandbox."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from vae_course import exercises
from vae_course.exercises import Exercise
from vae_course.tools.grading import mark
from vae_course.tools.grading.sandbox import Sandbox
from vae_course.tools.grading.sandbox.limits import Limits


@contextmanager
def handed_on() -> Iterator[None]:
    """While this lasts, a submission is marked in the sandbox that an earlier one has left, made for all lessons.

    Every answer still runs in there, in a process of its own. It is for honest submissions: between those of two students
    only a sandbox of its own is a wall, which attackers are to meet. A sandbox ends with the thread that has started it, so
    that each class needs a `handed_on` of its own.
    """
    code = [exercise for exercise in exercises.all_exercises() if isinstance(exercise, Exercise)]
    idle: dict[tuple[Limits, bool], list[Sandbox]] = defaultdict(list)
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        @contextmanager
        def sandbox(_: Sequence[Exercise], limits: Limits, *, boxed: bool) -> Iterator[Sandbox]:
            left = idle[limits, boxed]
            try:
                box = left.pop()
            except IndexError:
                box = stack.enter_context(Sandbox(code, limits, boxed=boxed))
            yield box
            left.append(box)

        patch.setattr(mark, "Sandbox", sandbox)
        yield
