"""14-quantise: a build. The whole bottleneck of a VQ-VAE: nearest codes, straight through, two terms that hold one side each."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_course.exercises.inputs import generator, integer, normal
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.exercises.probes import BuildStage

Triple = tuple[Any, Any, Any]
NEAREST, PLACED = BuildStage(1, 4, "the nearest codes"), BuildStage(2, 4, "codes in place")
STRAIGHT, TERMS = BuildStage(3, 4, "straight through"), BuildStage(4, 4, "two terms")
TOKENS = NEAREST.result(
    "the grid of tokens",
    "A token is the row of `codebook` whose squared differences from the D numbers of a place sum to least.",
)
Z = PLACED.result("z", "At each place `z` holds the D numbers of the code that its token names.")
# Less what it should be, for a stage that gives zeros alone is taken for a draft.
THROUGH = STRAIGHT.result(
    "the gradient of a loss at z_e, less the one at z,",
    "All of this is to be 0: the gradient at `z_e` is the one at `z`, as if nothing lay between them.",
)
HELD = STRAIGHT.result(
    "the gradient of a loss of z at the codebook", "All of this is to be 0: a loss of `z` moves no code."
)
LOSS = TERMS.result(
    "the loss", "For each image it is (1 + beta) times the squared distances of its places from their codes, added up."
)
PULLS = TERMS.result(
    "the gradient at z_e of the sum of loss[n] * (1 + n / 3)",
    "It comes from the commitment term alone: for loss[0] it is 2 beta (z_e - e) at each place, e being the code chosen there.",
)
MOVES = TERMS.result(
    "the gradient at the codebook of the sum of loss[n] * (1 + n / 3)",
    "It comes from the codebook term alone: for loss[0] it is 2 (e - z_e), added up over the places that chose the code e.",
)
CLEAR = 1e-3  # of the squares: by how much the second code is farther than the nearest


def quantise(z_e: Tensor, codebook: Tensor, beta: float) -> Triple:
    """z [B, D, H, W], tokens [B, H, W] and the loss of each image [B], from z_e [B, D, H, W] and a codebook [K, D]."""
    vectors = z_e.permute(0, 2, 3, 1)
    distance = (vectors.unsqueeze(-2) - codebook).square().sum(dim=-1)
    tokens = distance.argmin(dim=-1)
    chosen = codebook[tokens].permute(0, 3, 1, 2)
    z = z_e + (chosen - z_e).detach()
    codebook_term = (chosen - z_e.detach()).square().flatten(1).sum(dim=1)
    commitment = (z_e - chosen.detach()).square().flatten(1).sum(dim=1)
    return z, tokens, codebook_term + beta * commitment


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Values and gradients; the decoder is a fixed direction in which z is good, another for each number."""
    z_e, codebook, beta, slope = case.values()
    assert isinstance(z_e, Tensor) and isinstance(codebook, Tensor) and isinstance(slope, Tensor)
    leaves = z_e.clone().requires_grad_(), codebook.clone().requires_grad_()
    result = answer(*leaves, beta)
    if not isinstance(result, tuple | list) or len(result) != 3 or not all(isinstance(r, Tensor) for r in result):
        raise AnswerError(f"{NEAREST} is not reached: return three tensors, `z, tokens, loss`, in this order.")
    z, tokens, loss = result
    if z.is_floating_point() == tokens.is_floating_point():
        raise AnswerError(
            f"{NEAREST} is not reached: return `z, tokens, loss` in this order; the tokens are whole numbers, the "
            "others are not."
        )
    if not tokens.is_floating_point() and tokens.dtype != torch.bool:
        tokens = tokens.long()
    if z.shape != slope.shape:
        raise AnswerError(
            f"{PLACED} is not reached: z has shape {list(z.shape)}, but must have that of z_e, {list(slope.shape)}."
        )
    by_z, by_codes = _slopes((z * slope).sum(), leaves)
    weights = 1 + torch.arange(len(z_e), dtype=loss.dtype) / 3
    pulls, moves = _slopes((loss * weights).sum() if loss.shape == weights.shape else loss.sum(), leaves)
    return {
        TOKENS: tokens,
        Z: z.detach(),
        THROUGH: by_z - slope,
        HELD: by_codes,
        LOSS: loss.detach(),
        PULLS: pulls,
        MOVES: moves,
    }


def _slopes(value: Tensor, leaves: tuple[Tensor, Tensor]) -> list[Tensor]:
    """The gradient of a number with respect to both; zeros where it does not arrive."""
    if not value.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves, strict=True)]


def _cases(seed: int) -> list[Inputs]:
    """One vector by hand, then images of vectors: more codes or fewer, far and near, several betas, one code, one dimension."""
    source = generator(seed)
    b, k = integer(source, 3, 4), integer(source, 6, 8)
    by_hand: Inputs = {
        "z_e": torch.tensor([[[[0.75]], [[-0.5]]]]),
        "codebook": torch.tensor([[0.0, 0.0], [1.0, -1.0], [-2.0, 2.0]]),
        "beta": 0.25,
        "slope": torch.tensor([[[[1.0]], [[-3.0]]]]),
    }
    return [
        by_hand,
        *(
            _case(source, *shape, codes=codes, scale=scale, beta=beta)
            for shape, codes, scale, beta in (
                ((1, 3, 2, 2), 4, 1.0, 0.25),
                ((b, 3, 2, 4), k, 1.0, 0.25),
                ((b, 2, 3, 4), k, 1.0, 0.5),
                ((2, 5, 3, 3), 4, 1.0, 2.0),
                ((2, 4, 4, 4), 5, 1.0, 1.0),
                ((2, 1, 3, 2), 5, 1.0, 0.0),
                ((3, 2, 2, 3), 1, 1.0, 0.25),
                ((2, 3, 2, 3), 6, 100.0, 0.1),
                ((2, 3, 2, 3), 6, 0.01, 0.25),
                ((16, 8, 7, 7), 32, 1.0, 0.25),
            )
        ),
    ]


def _case(source: torch.Generator, b: int, d: int, h: int, w: int, *, codes: int, scale: float, beta: float) -> Inputs:
    """No vector stands so near to the middle between two codes that rounding would choose."""
    codebook = scale * normal(source, codes, d)
    z_e = 1.5 * scale * normal(source, 8 * b * h * w, d)
    distance = (z_e.unsqueeze(1) - codebook).square().sum(-1)
    nearer = torch.cat([distance, torch.full((len(z_e), 1), torch.inf)], 1).sort(1).values
    z_e = z_e[nearer[:, 1] - nearer[:, 0] > CLEAR * nearer[:, 1].clamp(max=1e9)][: b * h * w]
    return {
        "z_e": z_e.reshape(b, h, w, d).permute(0, 3, 1, 2).contiguous(),
        "codebook": codebook,
        "beta": beta,
        "slope": normal(source, b, d, h, w),
    }


def _loop(z_e: Tensor, codebook: Tensor, beta: float) -> Triple:
    """Image by image and place by place."""
    b, _, h, w = z_e.shape
    z, tokens, losses = z_e.clone(), torch.zeros(b, h, w, dtype=torch.long), []
    for n in range(b):
        total = torch.zeros((), dtype=z_e.dtype)
        for i in range(h):
            for j in range(w):
                vector = z_e[n, :, i, j]
                k = int(torch.stack([torch.dist(vector, code) for code in codebook]).argmin())
                tokens[n, i, j] = k
                z[n, :, i, j] = vector + (codebook[k] - vector).detach()
                total = total + (codebook[k] - vector.detach()).square().sum()
                total = total + beta * (vector - codebook[k].detach()).square().sum()
        losses.append(total)
    return z, tokens, torch.stack(losses)


def _flat(z_e: Tensor, codebook: Tensor, beta: float) -> Triple:
    """Vectors one below the other, the square written out, one-hot rows times the codebook, as published code has it."""
    b, d, h, w = z_e.shape
    flat = z_e.permute(0, 2, 3, 1).reshape(-1, d)
    distance = flat.square().sum(1, keepdim=True) + codebook.square().sum(1) - 2 * flat @ codebook.T
    rows = F.one_hot(distance.argmin(1), len(codebook)).to(z_e.dtype)
    chosen = (rows @ codebook).view(b, h, w, d).permute(0, 3, 1, 2)
    loss = F.mse_loss(chosen, z_e.detach(), reduction="none") + beta * F.mse_loss(
        z_e, chosen.detach(), reduction="none"
    )
    return z_e + chosen.detach() - z_e.detach(), rows.argmax(1).view(b, h, w), loss.sum((1, 2, 3))


class _Through(torch.autograd.Function):
    """Forward the code, backward the gradient as it comes."""

    @staticmethod
    def forward(ctx: Any, z_e: Tensor, chosen: Tensor) -> Tensor:
        return chosen.clone()

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return slopes[0], None


def _function(z_e: Tensor, codebook: Tensor, beta: float) -> list[Tensor]:
    """With a function of autograd's own and an embedding, in a list."""
    tokens = torch.cdist(z_e.permute(0, 2, 3, 1).flatten(0, 2), codebook).argmin(1)
    chosen = F.embedding(tokens.view(len(z_e), *z_e.shape[2:]), codebook).movedim(-1, 1)
    through: Tensor = _Through.apply(z_e, chosen)
    loss = torch.einsum("bdhw->b", (z_e.detach() - chosen) ** 2) + beta * torch.einsum(
        "bdhw->b", (z_e - chosen.detach()) ** 2
    )
    return [through, tokens.view(len(z_e), *z_e.shape[2:]), loss]


def _nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    return (vectors.unsqueeze(-2) - codebook).square().sum(-1).argmin(-1)


def _through(z_e: Tensor, chosen: Tensor) -> Tensor:
    return z_e + (chosen - z_e).detach()


def _sums(squares: Tensor) -> Tensor:
    return squares.flatten(1).sum(1)


def _codes_move(z_e: Tensor, chosen: Tensor) -> Tensor:
    return (chosen - z_e.detach()).square()


def _encoder_moves(z_e: Tensor, chosen: Tensor) -> Tensor:
    return (z_e - chosen.detach()).square()


Term = Callable[[Tensor, Tensor], Tensor]


def _mistaken(
    *,
    index: Callable[[Tensor, Tensor], Tensor] = _nearest,
    rows: Callable[[Tensor], Tensor] = lambda z_e: z_e.permute(0, 2, 3, 1),
    back: Callable[[Tensor, Tensor], Tensor] = lambda chosen, z_e: chosen.permute(0, 3, 1, 2),
    through: Term = _through,
    first: Term = _codes_move,
    second: Term = _encoder_moves,
    total: Callable[[Tensor, Tensor, float], Tensor] = lambda first, second, beta: first + beta * second,
    reduce: Callable[[Tensor], Tensor] = _sums,
    from_z: bool = False,
) -> Answer:
    """The bottleneck with one thing changed; the terms may be made from the z that goes straight through."""

    def answer(z_e: Tensor, codebook: Tensor, beta: float) -> Triple:
        tokens = index(rows(z_e), codebook)
        chosen = back(codebook[tokens], z_e)
        z = through(z_e, chosen)
        target = z if from_z else chosen
        return z, tokens, reduce(total(first(z_e, target), second(z_e, target), beta))

    return answer


def _both(z_e: Tensor, chosen: Tensor) -> Tensor:
    return (chosen - z_e).square()


def _neither(z_e: Tensor, chosen: Tensor) -> Tensor:
    return (chosen - z_e).square().detach()


def _viewed(z_e: Tensor) -> Tensor:
    """A view with the axes as they are, in which neighbours in the picture make up a vector."""
    return z_e.reshape(len(z_e), *z_e.shape[2:], z_e.shape[1])


EXERCISE = Exercise(
    id="14-quantise",
    title="Build: the bottleneck of a VQ-VAE",
    points=4,
    difficulty=4,
    minutes=20,
    task=(
        "A build, optional: `z_e` `[B, D, H, W]` comes from a convolutional encoder, so each place of an image holds a vector of "
        "D numbers; `codebook` is `[K, D]`. Return `z, tokens, loss`: the nearest code of each place, in the shape of `z_e`; "
        "its index, `[B, H, W]`; and for each image, `[B]`, the sum over all places and coordinates of the codebook term plus "
        "`beta` times the commitment term. The gradient of any loss of z is to reach `z_e` unchanged and the codebook not at "
        "all; the codebook term moves codes alone, the commitment term the encoder alone. The check names the first of its four "
        "stages that you have not reached."
    ),
    hints=(
        "The distances need the D numbers of a place on the last axis, where the encoder doesn't have them: move the axis there, "
        "and back once the codes are chosen. For the rest ask of every square: who may move, and who is held?",
        "z = z_e + sg[e - z_e], with sg for `.detach()`: its value is e, its slope in z_e is 1. The loss of a place is "
        "|e - sg[z_e]|^2 + beta |z_e - sg[e]|^2.",
        "`.permute(0, 2, 3, 1)` puts D last, `.permute(0, 3, 1, 2)` brings it back. Both terms have the same value; they differ "
        "in what stands inside of `.detach()`. `.flatten(1)` puts all numbers of an image on one axis, to be added up.",
    ),
    explanation=(
        "argmin has no slope, so the decoder's gradient is handed to the encoder as if nothing had been rounded. Nothing else "
        "would move the codes, hence a term of their own, whose minimum is the mean of the vectors that choose them: one step of "
        "K-means. The commitment term keeps the encoder from running away from codes that follow more slowly; beta is its weight "
        "alone."
    ),
    returns="z [B, D, H, W], tokens [B, H, W] and loss [B]",
    reference=quantise,
    alternatives=(
        Alternative("loop over images and places", _loop),
        Alternative("one-hot rows, square written out", _flat),
        Alternative("a function of autograd's own", _function),
        Alternative("float64", lambda z_e, codebook, beta: quantise(z_e.double(), codebook.double(), beta)),
    ),
    misconceptions=(
        Misconception(
            "the farthest or another code",
            _mistaken(index=lambda v, c: (v.unsqueeze(-2) - c).square().sum(-1).argmax(-1)),
            "The code that you choose is not the nearest. It is the one with the smallest sum of squared differences, not with "
            "the largest distance or product.",
            variants=(
                _mistaken(index=lambda v, c: (v @ c.T).argmax(-1)),
                _mistaken(index=lambda v, c: (v @ c.T).argmin(-1)),
            ),
        ),
        Misconception(
            "viewed in place of permuted",
            _mistaken(rows=_viewed, back=lambda chosen, z_e: chosen.reshape(z_e.shape)),
            "You cut rows of D numbers from `z_e` as it lies in memory, where D numbers in a row are neighbouring places of one "
            "channel. Move the axis of the channels to the end first: `.permute(0, 2, 3, 1)`.",
            variants=(_mistaken(rows=_viewed),),
        ),
        Misconception(
            "not permuted back",
            _mistaken(back=lambda chosen, z_e: chosen.reshape(z_e.shape)),
            "The tokens are right, but z is put into its shape by a view, which mixes channels with places. Bring the axis of "
            "the channels back by `.permute(0, 3, 1, 2)`.",
        ),
        Misconception(
            "nothing goes straight through",
            _mistaken(through=lambda z_e, chosen: chosen),
            "z has the right values, but no gradient of a loss of z reaches the encoder: argmin has none. Return z_e plus a "
            "difference that is held fixed.",
            variants=(
                _mistaken(through=lambda z_e, chosen: chosen.detach()),
                _mistaken(through=lambda z_e, chosen: z_e.detach() + (chosen - z_e.detach())),
                _mistaken(through=lambda z_e, chosen: (z_e + chosen - z_e).detach()),
            ),
        ),
        Misconception(
            "the decoder moves the codes as well",
            _mistaken(through=lambda z_e, chosen: z_e + chosen - z_e.detach()),
            "A loss of z moves the codebook too. The codes are to be moved by their own term alone: hold the chosen code fixed "
            "in z as well.",
        ),
        Misconception(
            "the wrong part held",
            _mistaken(through=lambda z_e, chosen: z_e.detach() + (chosen - z_e)),
            "z has the right values, but its gradient reaches `z_e` with the sign turned, and the codebook too: you hold `z_e` "
            "fixed where it stands alone. Hold the difference fixed.",
            variants=(_mistaken(through=lambda z_e, chosen: z_e.detach() + (chosen.detach() - z_e)),),
        ),
        Misconception(
            "turned round",
            _mistaken(through=lambda z_e, chosen: chosen + (z_e - chosen).detach()),
            "Your z has the values of `z_e`: nothing is quantised. Its value must be the code, its slope that of `z_e`; you "
            "have the two the other way about, or the code is left out.",
            variants=(
                _mistaken(through=lambda z_e, chosen: z_e),
                _mistaken(through=lambda z_e, chosen: z_e + (z_e - z_e).detach()),
                _mistaken(through=lambda z_e, chosen: z_e.detach()),
            ),
        ),
        Misconception(
            "beta on the wrong term",
            _mistaken(total=lambda first, second, beta: beta * first + second),
            "The value is right, the gradients are not: your codes move with weight beta and your encoder with weight 1. Either "
            "beta multiplies the codebook term, or the two stop-gradients have changed places.",
            variants=(_mistaken(first=_encoder_moves, second=_codes_move),),
        ),
        Misconception(
            "a stop-gradient missing",
            _mistaken(first=_both, second=_both),
            "The value is right, but at least one of your two terms moves both sides. In the codebook term hold `z_e` fixed, in "
            "the commitment term the code.",
            variants=(
                _mistaken(first=_both),
                _mistaken(second=_both),
            ),
        ),
        Misconception(
            "both terms for one side",
            _mistaken(second=_codes_move),
            "The value is right, but both terms move the same side, and the other gets no gradient from either. One term holds "
            "`z_e` fixed, the other the code.",
            variants=(_mistaken(first=_encoder_moves),),
        ),
        Misconception(
            "no gradient left",
            _mistaken(first=_neither, second=_neither),
            "The value of the loss is right, but one of its terms, or both, moves nothing: all in it is held fixed. Hold one "
            "side of each difference only.",
            variants=(_mistaken(first=_neither), _mistaken(second=_neither)),
        ),
        Misconception(
            "terms made from the z that goes straight through",
            _mistaken(from_z=True),
            "Your terms are made from z after it was sent straight through, so what should move the codes goes to the encoder "
            "and the codebook gets nothing. Make them from the chosen codes themselves.",
            variants=(_mistaken(first=lambda z_e, chosen: (_through(z_e, chosen) - z_e.detach()).square()),),
        ),
        Misconception(
            "codebook term forgotten",
            _mistaken(total=lambda first, second, beta: beta * second),
            "Your loss has the commitment term alone, so nothing moves the codes. Add the codebook term, with weight 1.",
            variants=(_mistaken(total=lambda first, second, beta: second),),
        ),
        Misconception(
            "commitment forgotten",
            _mistaken(total=lambda first, second, beta: first),
            "Your loss has the codebook term alone, so nothing ties the encoder to its codes. Add beta times the commitment.",
            variants=(_mistaken(total=lambda first, second, beta: beta * first),),
        ),
        Misconception(
            "beta for both or for none",
            _mistaken(total=lambda first, second, beta: first + second),
            "Both of your terms have the same weight. beta belongs to the commitment term alone; the codebook term has weight 1.",
            variants=(
                _mistaken(total=lambda first, second, beta: beta * (first + second)),
                _mistaken(first=_both, total=lambda first, second, beta: first),
                _mistaken(first=_both, total=lambda first, second, beta: beta * first),
            ),
        ),
        Misconception(
            "a mean of the squares",
            _mistaken(reduce=lambda squares: squares.flatten(1).mean(1)),
            "You average the squares of an image, over places or coordinates or both, so the terms weigh less the larger an "
            "image of codes is. Asked for is a sum over all of them.",
            variants=(
                _mistaken(reduce=lambda squares: squares.mean(1).sum((1, 2))),
                _mistaken(reduce=lambda squares: squares.sum(1).mean((1, 2))),
            ),
        ),
        Misconception(
            "one number for the batch",
            _mistaken(reduce=lambda squares: squares.mean()),
            "Your loss is a single number. Return one for each image, `[B]`: the sum over its places and coordinates.",
            variants=(
                _mistaken(reduce=lambda squares: squares.sum()),
                _mistaken(reduce=lambda squares: _sums(squares).mean()),
                _mistaken(reduce=lambda squares: squares.sum(1).mean()),
            ),
        ),
        Misconception(
            "one number for each place",
            _mistaken(reduce=lambda squares: squares.sum(1)),
            "Your loss has one number for each place. Add up the places too: one number for each image, `[B]`.",
            variants=(_mistaken(reduce=lambda squares: squares.mean(1)), _mistaken(reduce=lambda squares: squares)),
        ),
        Misconception(
            "beta inside of the square",
            _mistaken(total=lambda first, second, beta: first + beta**2 * second),
            "beta is squared in your loss, or its root is taken. It multiplies the squared distance: beta |z_e - sg[e]|^2.",
            variants=(_mistaken(total=lambda first, second, beta: first + beta**0.5 * second),),
        ),
        Misconception(
            "commitment subtracted",
            _mistaken(total=lambda first, second, beta: first - beta * second),
            "You subtract the commitment term, which drives the encoder away from its codes. Both terms are costs: add them.",
        ),
        Misconception(
            "roots",
            _mistaken(reduce=lambda squares: squares.sqrt().flatten(1).sum(1)),
            "You add up distances or absolute differences. Both terms are squared distances: leave the root out.",
            variants=(
                _mistaken(
                    first=lambda z_e, chosen: (chosen - z_e.detach()).square().sum(1, keepdim=True).sqrt(),
                    second=lambda z_e, chosen: (z_e - chosen.detach()).square().sum(1, keepdim=True).sqrt(),
                ),
                _mistaken(
                    first=lambda z_e, chosen: (chosen - z_e.detach()).abs(),
                    second=lambda z_e, chosen: (z_e - chosen.detach()).abs(),
                ),
            ),
        ),
        Misconception(
            "half of the squares",
            _mistaken(reduce=lambda squares: 0.5 * _sums(squares)),
            "Your loss has a factor 1/2, as a Gaussian's log density would. Here the terms are the squared distances themselves.",
        ),
    ),
    cases=_cases,
    probe=_probe,
)
