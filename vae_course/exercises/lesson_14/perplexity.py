"""14-perplexity: how many codes a model uses, counted by the entropy of their use over a whole set."""

import collections
import math

import torch
from torch import Tensor
from torch.distributions import Categorical
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, uniform
from vae_course.exercises.model import Alternative, Answer, Exercise, Inputs, Misconception
from vae_course.exercises.probes import one_number


def perplexity(tokens: Tensor, K: int) -> Tensor:
    """exp of the entropy of the codes' use, one number, from the tokens of a whole set, each from 0 to K - 1."""
    p = torch.bincount(tokens.flatten(), minlength=K) / tokens.numel()
    return torch.exp(-torch.xlogy(p, p).sum())


def _cases(seed: int) -> list[Inputs]:
    """By hand with a dead code, one code only, all equally often, then sets with rare codes, dead codes and unlike images."""
    source = generator(seed)
    n, k = integer(source, 4, 6), integer(source, 9, 12)
    cases: list[Inputs] = [
        {"tokens": torch.tensor([[0, 0, 1, 3]]), "K": 4},
        {"tokens": torch.full((2, 3), 1), "K": 3},
        {"tokens": torch.arange(8).repeat(3).reshape(4, 6), "K": 8},
        {"tokens": torch.zeros(1, 3, dtype=torch.long), "K": 1},
    ]
    for shape, codes, skew in (
        ((n, 7), k, 1.0),
        ((n, 7), k, 2.0),
        ((3, 2, 4), k, 2.0),
        ((n, 16), 64, 1.5),
        ((200, 49), 64, 6.0),
    ):
        tokens = (codes * uniform(source, *shape) ** skew).long()
        # The last code is dead, and each image stays near a code of its own, so that one image has fewer codes than the set.
        near = tokens // 2 + torch.arange(shape[0]).view(-1, *[1] * (len(shape) - 1))
        cases.append({"tokens": near.clamp(max=codes - 2), "K": codes})
    rare = torch.zeros(40, 50, dtype=torch.long)
    rare[3, 7], rare[8, :3] = integer(source, 2, 4), 1
    return [*cases, {"tokens": rare, "K": 5}]


def _use(tokens: Tensor, K: int) -> Tensor:
    return torch.bincount(tokens.flatten(), minlength=K) / tokens.numel()


def _entropy(p: Tensor) -> Tensor:
    return -torch.xlogy(p, p).sum(-1)


def _loop(tokens: Tensor, K: int) -> float:
    counts = collections.Counter(tokens.flatten().tolist())
    n, entropy = sum(counts.values()), 0.0
    for count in counts.values():
        entropy -= count / n * math.log(count / n)
    return math.exp(entropy)


def _one_hot(tokens: Tensor, K: int) -> Tensor:
    """Means of one-hot rows and a small number inside of the logarithm, as published code has it."""
    p = F.one_hot(tokens.flatten(), K).float().mean(0)
    return torch.exp(-torch.einsum("k,k->", p, torch.log(p + 1e-10)))


def _unique(tokens: Tensor, K: int) -> Tensor:
    counts = tokens.unique(return_counts=True)[1].double()
    return 2 ** (counts.sum().log2() - (counts * counts.log2()).sum() / counts.sum())


def _of_rows(tokens: Tensor, K: int) -> Tensor:
    """The use within each row of the first axis, [N, K]."""
    return F.one_hot(tokens.flatten(1), K).double().mean(1)


def _of(change: Answer) -> Answer:
    """Something else made of the right shares."""
    return lambda tokens, K: change(_use(tokens, K))


EXERCISE = Exercise(
    id="14-perplexity",
    title="How many codes are in use",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        "Return the perplexity of the codes' use, one number: the exponential of the entropy, in nats, of how often each of the "
        "`K` codes comes up in `tokens`, whole numbers from 0 to K - 1, where the first axis counts images and the others "
        "places. All tokens of the set count together, and some codes may never come up."
    ),
    hints=(
        "First make a distribution over the K codes: how often does each come up, out of how many tokens? What does a code that "
        "never comes up add to an entropy?",
        "p_k = (tokens equal to k) / (all tokens); perplexity = exp( -sum_k p_k log p_k ), with 0 log 0 = 0.",
        "`torch.bincount` of the flattened tokens with `minlength=K` counts; divide by `tokens.numel()`. `torch.xlogy(p, p)` is "
        "p log p with 0 at p = 0.",
    ),
    explanation=(
        "K codes used equally often have entropy log K and perplexity K; one code alone has perplexity 1. A code that is used "
        "once in ten thousand times hardly counts, which a count of the used codes would miss. Perplexity of a small batch is "
        "too low as a rule: it can't exceed the number of tokens in the batch."
    ),
    returns="one number",
    reference=perplexity,
    alternatives=(
        Alternative("loop with a Counter", _loop),
        Alternative("one-hot rows and einsum", _one_hot),
        Alternative("unique, in bits", _unique),
        Alternative("Categorical", lambda tokens, K: Categorical(_use(tokens, K)).entropy().exp()),
        Alternative("product of powers", lambda tokens, K: 1 / (_use(tokens, K) ** _use(tokens, K)).prod()),
        Alternative("float64", lambda tokens, K: torch.special.entr(_use(tokens, K).double()).sum().exp().item()),
    ),
    misconceptions=(
        Misconception(
            "mean over the images",
            lambda tokens, K: _entropy(_of_rows(tokens, K)).exp().mean(),
            "You count within each image or batch, and average afterwards. A part of the set has fewer codes than the whole: "
            "count all tokens together, then take the entropy once.",
            variants=(
                lambda tokens, K: _entropy(F.one_hot(tokens, K).double().mean(1)).exp().mean(),
                *(
                    lambda tokens, K, size=size: torch.stack(
                        [perplexity(part, K) for part in tokens.split(size)]
                    ).mean()
                    for size in (2, 10, 16, 32, 64, 100, 128)
                ),
                lambda tokens, K: _entropy(_of_rows(tokens, K)).mean().exp(),
                lambda tokens, K: _entropy(_of_rows(tokens, K)).mean(),
            ),
        ),
        Misconception(
            "mean over the places",
            lambda tokens, K: _entropy(_of_rows(tokens.flatten(1).T, K)).exp().mean(),
            "You count at each place and average over places. All tokens of the set count together, wherever they stand.",
            variants=(lambda tokens, K: _entropy(_of_rows(tokens.flatten(1).T, K)).mean().exp(),),
        ),
        Misconception(
            "one image or one batch",
            lambda tokens, K: perplexity(tokens[0], K),
            "You count a part of the tokens only, such as one image or one batch, which uses fewer codes than the set. Count all "
            "of them.",
            variants=(
                lambda tokens, K: perplexity(tokens[-1], K),
                lambda tokens, K: perplexity(tokens[:64], K),
                lambda tokens, K: perplexity(tokens[:32], K),
                lambda tokens, K: perplexity(tokens[:100], K),
            ),
        ),
        Misconception(
            "two bases",
            _of(lambda p: torch.exp(_entropy(p) / math.log(2))),
            "Your logarithm and your exponential have different bases. Entropy in nats goes with exp, entropy in bits with 2 to "
            "its power.",
            variants=(_of(lambda p: 2 ** _entropy(p)),),
        ),
        Misconception(
            "codes in use",
            _of(lambda p: (p > 0).sum()),
            "You count the codes that come up at all, so that one use in a thousand counts as much as any. Perplexity weighs "
            "each by its share: the exponential of the entropy.",
            variants=(_of(lambda p: (p > 0).sum().float()), lambda tokens, K: len(tokens.unique())),
        ),
        Misconception(
            "the entropy itself",
            _of(_entropy),
            "This is the entropy. Perplexity is its exponential, a number of codes.",
            variants=(_of(lambda p: _entropy(p) / math.log(2)),),
        ),
        Misconception(
            "sign turned",
            _of(lambda p: torch.exp(-_entropy(p))),
            "Your number is one divided by the perplexity. p log p is negative, so the entropy has a minus in front of the sum.",
        ),
        Misconception(
            "a negative entropy",
            _of(lambda p: -_entropy(p)),
            "This is the sum of p log p: minus the entropy. Turn the sign and take the exponential.",
        ),
        Misconception(
            "0 log 0",
            _of(lambda p: torch.exp(-(p * p.log()).sum())),
            "For a code that never comes up, 0 times log 0 is NaN on a computer. It adds nothing to an entropy: use "
            "`torch.xlogy` or leave such codes out.",
            variants=(
                lambda tokens, K: torch.exp(
                    -(lambda p: (p * p.log()).sum())(torch.bincount(tokens.flatten()) / tokens.numel())
                ),
            ),
        ),
        Misconception(
            "a mean over the codes",
            _of(lambda p: torch.exp(-torch.xlogy(p, p).mean())),
            "You average p log p over the codes. p has weighed them already: the entropy is the sum.",
            variants=(_of(lambda p: -torch.xlogy(p, p).mean()), _of(lambda p: torch.exp(-p[p > 0].log().mean()))),
        ),
        Misconception(
            "weights forgotten",
            _of(lambda p: torch.exp(-p[p > 0].log().sum())),
            "You add up log p without its weight. In an entropy each logarithm counts as often as its code comes up: p log p.",
        ),
        Misconception(
            "not a distribution",
            lambda tokens, K: torch.exp(_entropy(torch.bincount(tokens.flatten(), minlength=K) / len(tokens))),
            "Your shares don't add up to one. Divide each count by the number of all tokens, not of images or of codes.",
            variants=(
                lambda tokens, K: torch.exp(_entropy(torch.bincount(tokens.flatten(), minlength=K) / K)),
                lambda tokens, K: torch.exp(_entropy(torch.bincount(tokens.flatten(), minlength=K).double())),
                lambda tokens, K: torch.exp(
                    _entropy(torch.bincount(tokens.flatten(), minlength=K) / tokens[0].numel())
                ),
            ),
        ),
        Misconception(
            "softmax of the counts",
            lambda tokens, K: torch.exp(_entropy(torch.bincount(tokens.flatten(), minlength=K).double().softmax(0))),
            "You take the softmax of the counts, which makes a distribution of logits. Counts need only be divided by their sum.",
            variants=(_of(lambda p: torch.exp(_entropy(p.softmax(0)))),),
        ),
        Misconception(
            "dead codes made alive",
            lambda tokens, K: torch.exp(
                _entropy((torch.bincount(tokens.flatten(), minlength=K) + 1) / (tokens.numel() + K))
            ),
            "You add something to the counts or shares, so codes that never come up count as used. Leave them at 0: they add "
            "nothing to the entropy.",
            variants=(
                *(_of(lambda p, eps=eps: torch.exp(_entropy(p + eps))) for eps in (1e-2, 1e-3)),
                *(_of(lambda p, eps=eps: torch.exp(_entropy((p + eps) / (p + eps).sum()))) for eps in (1e-2, 1e-3)),
                *(_of(lambda p, eps=eps: torch.exp(_entropy(p.clamp(min=eps)))) for eps in (1e-2, 1e-3)),
            ),
        ),
        Misconception(
            "a large number inside the logarithm",
            _of(lambda p: torch.exp(-(p * (p + 1e-2).log()).sum())),
            "The number that you add inside of the logarithm is not small beside the share of a rare code. Use `torch.xlogy`, "
            "which needs none.",
            variants=(
                _of(lambda p: torch.exp(-(p * (p + 1e-3).log()).sum())),
                _of(lambda p: torch.exp(-(p * (p + 1).log()).sum())),
                _of(lambda p: torch.exp(-(p * p.clamp(min=1e-2).log()).sum())),
                _of(lambda p: torch.exp(-(p * p.clamp(min=1e-3).log()).sum())),
            ),
        ),
        Misconception(
            "share of the codes",
            lambda tokens, K: perplexity(tokens, K) / K,
            "You divide by K, or the entropy by log K. Perplexity is a number of codes, from 1 to K, not a share.",
            variants=(
                lambda tokens, K: _entropy(_use(tokens, K)) / math.log(max(K, 2)),
                lambda tokens, K: (_entropy(_use(tokens, K)) / math.log(max(K, 2))).exp(),
                lambda tokens, K: (_entropy(_use(tokens, K)) / math.log(K)).exp(),
            ),
        ),
        Misconception(
            "distance from even use",
            lambda tokens, K: math.log(K) - _entropy(_use(tokens, K)),
            "You compare the use with an even one: log K less the entropy, or K by the perplexity. Asked for is the exponential "
            "of the entropy itself.",
            variants=(lambda tokens, K: K / perplexity(tokens, K), lambda tokens, K: K - perplexity(tokens, K)),
        ),
        Misconception(
            "collisions",
            _of(lambda p: 1 / p.square().sum()),
            "This is one divided by the sum of the squared shares, another way to count codes. Perplexity is the exponential of "
            "the entropy.",
            variants=(_of(lambda p: 1 / p.max()),),
        ),
    ),
    cases=_cases,
    probe=one_number,
)
