"""07-loop: a build. One function that trains for an epoch or measures, before the course's trainer takes over."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Loss = Callable[[nn.Module, Tensor], dict[str, Tensor]]


HINTS = {
    "the mean loss": "It is the mean over all images of the losses that were made before each step.",
    "the weights afterwards": "Each batch moves them once, by the gradient of its own mean loss as it is.",
}


class _Halved(nn.Module):
    """Like dropout, another function in each mode, but without chance."""

    def forward(self, x: Tensor) -> Tensor:
        return x if self.training else x / 2


class _Halving(nn.Module):
    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight, self.inner = nn.Parameter(weight.clone()), _Halved()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) @ self.weight


def run_epoch(model: nn.Module, batches: Any, loss: Loss, optimizer: torch.optim.Optimizer | None) -> float:
    """The mean loss of all images in batches: with an optimizer, while it trains the model; with None, measured only."""
    training, was_training = optimizer is not None, model.training
    model.train(training)
    total, n = 0.0, 0
    with torch.set_grad_enabled(training):
        for x in batches:
            value = loss(model, x)["loss"]
            if optimizer is not None:
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
            total += len(x) * value.item()
            n += len(x)
    model.train(was_training)
    return total / n


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Run one epoch on a small model of the probe's own and look at everything that it leaves."""
    x, weight, size, rate, came_training = case.values()
    assert isinstance(x, Tensor) and isinstance(weight, Tensor) and isinstance(size, int) and isinstance(rate, float)
    model = _Halving(weight).train(bool(came_training))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.5) if rate else None
    modes: list[bool] = []
    with_gradient, steps = [], []
    if optimizer is not None:
        optimizer.register_step_post_hook(lambda *_: steps.append(1))

    def loss(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        modes.extend(module.training for module in model.modules())
        value = (model(x) - 1).square().mean()
        with_gradient.append(value.requires_grad)
        return {"loss": value}

    result = answer(model, list(x.split(size)), loss, optimizer)
    kept = isinstance(result, Tensor) and result.requires_grad
    stage, mode = (BuildStage(2, 2, "training"), "training") if rate else (BuildStage(1, 2, "measuring"), "evaluation")
    if not with_gradient:
        raise AnswerError(f"{stage} is not reached: `loss(model, x)` is never called there; call it for each batch x.")
    if not isinstance(result, Tensor | float | int | np.number):
        found = "nothing (None)" if result is None else f"an object of type {type(result).__name__}"
        raise AnswerError(f"{stage} is not reached: return the mean loss, a plain number, not {found}.")
    named = {
        f"is the whole model in {mode} mode when a loss is made?": torch.tensor(set(modes) == {bool(rate)}),
        "is a loss made with a gradient?": torch.tensor(any(with_gradient)),
        "the mean loss": torch.as_tensor(result).detach(),
        "the number of steps": torch.tensor(len(steps)),
        "the weights afterwards": model.weight.detach(),
        "is the whole model afterwards in the mode that it was in?": torch.tensor(
            all(module.training == bool(came_training) for module in model.modules())
        ),
        "does the result keep a gradient?": torch.tensor(kept),
    }
    return {stage.result(name, HINTS.get(name, "")): value for name, value in named.items()}


def _cases(seed: int) -> list[Inputs]:
    """Measured and trained, in either mode, with a smaller last batch, without one, with one batch in all."""
    source = generator(seed)
    size = integer(source, 3, 5)
    return [
        {
            "x": normal(source, n, d) + 0.5,
            "weight": normal(source, d),
            "size": b,
            "rate": rate,
            "training": mode,
        }
        for n, d, b, rate, mode in (
            (2 * size + 1, 2, size, 0.0, 1),
            (2 * size + 2, 4, size, 0.0, 0),
            (2 * size + 1, 2, size, 0.1, 0),
            (3 * size + 2, 4, size, 0.02, 1),
            (12, 3, 4, 0.05, 1),
            (5, 2, 8, 0.05, 0),
            (1, 3, 2, 0.05, 1),
            (300, 20, 128, 0.01, 1),
        )
    ]


def _of_all(values: list[Any], sizes: list[int]) -> Any:
    return sum(v * s for v, s in zip(values, sizes, strict=True)) / sum(sizes)


def _mistaken(
    *,
    mode: Callable[[nn.Module, bool], Any] = lambda model, training: model.train(training),
    back: Callable[[nn.Module, bool], Any] = lambda model, was: model.train(was),
    gradients: bool | None = None,
    order: str = "zero backward step",
    zero_once: bool = False,
    mean: Callable[[list[Any], list[int]], Any] = _of_all,
    again: bool = False,
    first_only: bool = False,
    graph: bool = False,
    slope_of: Callable[[Any, int], Any] = lambda value, size: value,
    step_at_the_end: bool = False,
    together: Callable[[list[Any], list[int]], Any] | None = None,
    joined: bool = False,
) -> Answer:
    """The loop with one thing changed."""

    def answer(model: nn.Module, batches: Any, loss: Loss, optimizer: torch.optim.Optimizer | None) -> Any:
        training, was = optimizer is not None, model.training
        batches = [torch.cat(batches)] if joined and training else batches
        mode(model, training)
        values: list[Any] = []
        with torch.set_grad_enabled(training if gradients is None else gradients):
            if zero_once and optimizer is not None:
                optimizer.zero_grad()
            for x in batches[:1] if first_only else batches:
                value = loss(model, x)["loss"]
                if optimizer is not None and together is None:
                    steps: dict[str, Callable[[], Any]] = {
                        "zero": optimizer.zero_grad,
                        "backward": slope_of(value, len(x)).backward,
                        "step": optimizer.step,
                    }
                    for name in order.split():
                        steps[name]()
                if again:
                    value = loss(model, x)["loss"]
                values.append(value if graph or together else value.item())
            if optimizer is not None and together is not None:
                together(values, [len(x) for x in batches]).backward()
            if optimizer is not None and step_at_the_end:
                optimizer.step()
            values = [v.item() if together else v for v in values]
        back(model, was)
        return mean(values, [len(x) for x in batches])

    return answer


def _flag(model: nn.Module, training: bool) -> None:
    model.training = training


def _nothing(model: nn.Module, training: bool) -> None:
    pass


_right = _mistaken()


EXERCISE = Exercise(
    id="07-loop",
    title="Build: the training loop",
    points=4,
    difficulty=4,
    minutes=15,
    task=(
        "A build, optional: go once through `batches`, a list of tensors of images, and return the mean loss of all images as a "
        'plain number; `loss(model, x)["loss"]` is a mean over the batch. With `None` for an `optimizer`, measure: evaluation '
        "mode, no gradient. With one, train: training mode, and one step for each batch, by the gradient of this batch alone. "
        "Afterwards the model must be in the mode that it was in. The check names the first of its two stages, measuring and "
        "training, that you have not reached."
    ),
    hints=(
        "Each loss is the mean over its own batch, and the last batch may be smaller. What must you keep of each batch "
        "to have the mean over all images in the end?",
        "A step has three parts: PyTorch adds each gradient to the one that is there, so clear it, then compute it, then let "
        "the optimiser move the weights. Measuring has none of the three.",
        "Keep `model.training` for the end. `model.train(mode)` sets the mode, `torch.set_grad_enabled(mode)` in a `with` "
        "says whether gradients are made, and `.item()` makes a plain number of a loss.",
    ),
    explanation=(
        "The loss of a batch is a mean, so it counts as often as the batch has images. `backward()` adds to the gradients "
        "that it finds, which is why they are cleared for each batch. `fit` does the same steps, and adds a schedule, a "
        "record, a guard and speed."
    ),
    returns="the mean loss, a plain number",
    reference=run_epoch,
    alternatives=(
        Alternative("loop with lists", lambda model, batches, loss, optimizer: _right(model, batches, loss, optimizer)),
        Alternative("cleared after the step", _mistaken(order="backward step zero")),
        Alternative("cleared before the loss, once more after", _mistaken(order="zero backward step zero")),
        Alternative(
            "float64",
            _mistaken(
                mean=lambda values, sizes: torch.tensor(values).double() @ torch.tensor(sizes).double() / sum(sizes)
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "mean of the means",
            _mistaken(mean=lambda values, sizes: sum(values) / len(values)),
            "You average the losses of the batches as if all had the same size. The last batch may be smaller: count each "
            "loss as often as its batch has images.",
        ),
        Misconception(
            "summed",
            _mistaken(mean=lambda values, sizes: sum(values)),
            "You return a sum, which grows with the number of images or batches. Divide by the number of images.",
            variants=(_mistaken(mean=lambda values, sizes: sum(v * s for v, s in zip(values, sizes, strict=True))),),
        ),
        Misconception(
            "divided by images, never multiplied",
            _mistaken(mean=lambda values, sizes: sum(values) / sum(sizes)),
            "You divide by the number of images, but add the loss of each batch only once, though it is a mean already. "
            "Multiply it by the size of its batch first.",
        ),
        Misconception(
            "the last batch",
            _mistaken(mean=lambda values, sizes: values[-1]),
            "You return the loss of the last batch alone. The mean is over the images of all batches.",
        ),
        Misconception(
            "the first batch",
            _mistaken(first_only=True, mean=lambda values, sizes: values[0]),
            "Only the first batch is used: your function ends inside the loop. Return after it.",
        ),
        Misconception(
            "gradients never cleared",
            _mistaken(order="backward step"),
            "Your gradients pile up: `backward()` adds to what is there, so the second step is by the gradients of two "
            "batches. Clear them for each batch with `optimizer.zero_grad()`.",
            variants=(_mistaken(order="backward step", zero_once=True),),
        ),
        Misconception(
            "cleared before the step",
            _mistaken(order="backward zero step"),
            "You clear the gradients right before `step()`, so there is nothing to step by and no weight moves. The order is: "
            "clear, `backward()`, `step()`.",
            variants=(_mistaken(order="zero step backward"),),
        ),
        Misconception(
            "no step",
            _mistaken(order="zero backward"),
            "The gradients are computed, but no weight moves: `optimizer.step()` is missing.",
            variants=(_mistaken(order="backward"),),
        ),
        Misconception(
            "step before the gradient",
            _mistaken(order="step zero backward"),
            "You step before `backward()`, so each step is by the gradient of the batch before. First `backward()`, then "
            "`step()`.",
        ),
        Misconception(
            "measured in training mode",
            _mistaken(mode=lambda model, training: model.train()),
            "You measure in training mode, with dropout at work if the model has any. With `None` call `model.eval()`, and "
            "put the mode back in the end.",
        ),
        Misconception(
            "trained in evaluation mode",
            _mistaken(mode=lambda model, training: model.eval()),
            "You train in evaluation mode, where dropout does nothing. With an optimiser call `model.train()`.",
        ),
        Misconception(
            "layers keep the mode that they came in",
            _mistaken(mode=_nothing),
            "The layers stay in whatever mode they came in. `model.train(mode)` sets all of them, which the flag of the outer "
            "model alone does not: training mode with an optimiser, evaluation mode without.",
            variants=(_mistaken(mode=_flag, back=_flag),),
        ),
        Misconception(
            "mode not put back",
            _mistaken(back=_nothing),
            "The losses are right, but the model stays in the mode that you have set. Keep `model.training` at the start, "
            "and put it back in the end.",
            variants=(
                _mistaken(back=lambda model, was: model.train()),
                _mistaken(back=lambda model, was: model.eval()),
            ),
        ),
        Misconception(
            "no evaluation mode",
            _mistaken(mode=lambda model, training: training and model.train()),
            "You never switch to evaluation mode, so a model that comes in training mode is measured with dropout at work. With "
            "`None` call `model.eval()`.",
            variants=(_mistaken(mode=lambda model, training: training and model.train(), back=_nothing),),
        ),
        Misconception(
            "no training mode",
            _mistaken(mode=lambda model, training: training or model.eval()),
            "You never switch to training mode, so a model that comes in evaluation mode is trained without its dropout. With an "
            "optimiser call `model.train()`.",
            variants=(_mistaken(mode=lambda model, training: training or model.eval(), back=_nothing),),
        ),
        Misconception(
            "measured with a gradient",
            _mistaken(gradients=True),
            "The numbers are right, but gradients are prepared while you measure, which takes time and memory for nothing. "
            "Measure under `torch.no_grad()`.",
        ),
        Misconception(
            "result keeps a gradient",
            _mistaken(graph=True),
            "While you train you add up tensors that keep their whole computation, so the memory grows with each batch. Add "
            "up plain numbers: `.item()`.",
        ),
        Misconception(
            "measured after the step",
            _mistaken(again=True),
            "You compute the loss anew after the step and average that. The training loss is the one that the step was "
            "made by; it costs no second pass.",
        ),
        Misconception(
            "one step for all batches",
            _mistaken(order="backward", zero_once=True, step_at_the_end=True),
            "You train with a single step for all batches. Take one for each batch, inside the loop, by the gradient of this "
            "batch alone.",
            variants=(
                _mistaken(order="backward", step_at_the_end=True),
                _mistaken(order="zero backward", step_at_the_end=True),
                _mistaken(together=_of_all, step_at_the_end=True),
                _mistaken(together=lambda values, sizes: sum(values), step_at_the_end=True),
                _mistaken(together=lambda values, sizes: sum(values) / len(values), step_at_the_end=True),
                _mistaken(
                    together=lambda values, sizes: sum(v * s for v, s in zip(values, sizes, strict=True)),
                    step_at_the_end=True,
                ),
                _mistaken(joined=True),
            ),
        ),
        Misconception(
            "stepped by the gradient of a sum",
            _mistaken(slope_of=lambda value, size: value * size),
            "You multiply the loss by the size of its batch before `backward()`, so a step is as many times too long. Multiply "
            "only in the mean that you return.",
        ),
        Misconception(
            "sizes of the first batch",
            _mistaken(
                mean=lambda values, sizes: (
                    sum(v * s for v, s in zip(values, sizes, strict=True)) / (len(sizes) * sizes[0])
                )
            ),
            "You divide by the size of the first batch times the number of batches. The last batch may be smaller: add up the "
            "sizes that came.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
