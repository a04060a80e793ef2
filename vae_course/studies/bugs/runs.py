"""What a learner calls: run a case, and have it revealed."""

import functools
import inspect
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from vae_course.data import Images, dynamic_binarize
from vae_course.models import VAE
from vae_course.studies.bugs import broken
from vae_course.studies.bugs.cases import CASES, case, check_suspect
from vae_course.training import History, Recipe, fit_or_load
from vae_course.training.fit import Callback, Loss

Made = tuple[Callable[[], VAE], Loss]
Code = Callable[..., Any]


def _of_loss(code: Code) -> Made:
    return broken.small_vae, code


def _of_draw(code: Code) -> Made:
    return broken.small_vae, functools.partial(broken.loss_with, code)


def _of_pixel_loss(code: Code) -> Made:
    return broken.small_vae, functools.partial(broken.loss_of_pixels, code)


def _of_class(code: type[VAE]) -> Made:
    return functools.partial(broken.small_vae, kind=code), broken.healthy


def _of_network(code: Code) -> Made:
    return code, broken.healthy


# How each run makes its model and its loss from the code of its case; where no code of a case takes part, None.
RUNS: dict[str, Callable[[Any], Made]] = {
    "healthy": lambda _: (broken.small_vae, broken.healthy),
    "A": _of_loss,
    "B": _of_loss,
    "C": _of_loss,
    "D": _of_draw,
    "E": _of_draw,
    "F": _of_class,
    "H": _of_class,
    "I": _of_pixel_loss,
    "J": _of_network,
    "K": lambda _: (broken.dropout_vae, broken.healthy),
}


def train(
    run: str,
    images: Images,
    val: Images,
    *,
    loss: Loss | None = None,
    mended: bool = False,
    epochs: int = 10,
    callbacks: Sequence[Callback] = (),
) -> tuple[Any, History]:
    """The model and the history of one run: 784-200-10, Adam up to 0.01, batches of 100, pixels drawn anew as 0 or 1.

    The second call with the same arguments loads the result of the first.

    Args:
        run: a case's letter, or "healthy".
        images: what to train on.
        val: what to validate on, used as they are.
        loss: another loss in place of the run's own.
        mended: train the case with its broken line mended.
        epochs: passes over the images.
        callbacks: as in `fit`.

    Raises:
        ValueError: there is no such run, or a run without a case is to be mended.
        TrainingError: the training met a number that is not finite.
    """
    if run not in RUNS:
        raise ValueError(f"There is no run {run!r}: choose one of {', '.join(RUNS)}.")
    code = mend(run) if mended else CASES[run].code if run in CASES else None
    build, own = RUNS[run](code)
    recipe = Recipe(
        name=f"bugs-{'own' if loss else run}{'-mended' if mended else ''}-{images.name}",
        build=build,
        images=images,
        val=val,
        loss=loss or own,
        transform=dynamic_binarize,
        epochs=epochs,
        batch_size=100,
        lr=1e-2,
    )
    model: nn.Module
    model, history = fit_or_load(recipe, callbacks=callbacks)
    return model, history


def source(letter: str) -> str:
    """The code of a case.

    Raises:
        ValueError: there is no such case.
    """
    return textwrap.dedent(inspect.getsource(case(letter).code))


def mend(letter: str) -> Any:
    """The function or class of a case with its broken line mended, made from its code.

    Raises:
        ValueError: there is no such case.
    """
    this, names = case(letter), dict(vars(broken))
    lines = [line.replace(this.line, this.fix) for line in source(letter).splitlines()]
    exec("\n".join(lines), names)
    return names[this.code.__name__]


def reveal(letter: str, suspect: str | None = None) -> None:
    """Print what is wrong with a case: what it is, its code with the broken line marked, and that line mended.

    A wrong guess is told and nothing more, so that the learner can measure again.

    Args:
        letter: the case.
        suspect: the learner's guess, a name from the line-up; empty where none was made.

    Raises:
        ValueError: there is no such case, or nobody in the line-up has this name.
    """
    this = case(letter)
    if suspect:
        check_suspect(suspect)
        if suspect != this.suspect:
            print(f'You named {suspect}. It is another one: measure again, or see it with bugs.reveal("{letter}").')
            return
    if suspect is not None:
        print(f"You named {suspect}. Right." if suspect else "You named nobody.")
    print(f"Case {letter} is {this.suspect}: {this.name}. In short: {this.accusation}.\n")
    for line in source(letter).splitlines():
        print(f"{'->' if line.strip() == this.line else '  '} {line}")
    print(f"\nmended: {this.fix or 'leave that line out'}\nseen in: {this.seen}")
