"""07-network: the encoder and the decoder of the 784-400-20 VAE."""

import functools
import math
import re
from collections import Counter
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from vae_course.exercises.inputs import generator, integer, normal, uniform
from vae_course.exercises.model import Alternative, Answer, AnswerError, Exercise, Inputs, Misconception
from vae_course.networks import mlp_decoder, mlp_encoder

POOL_ROWS = 1024
# What the name of a head of log variances holds.
_SPREAD = re.compile(r"var|sigma|std|scale", re.IGNORECASE)
MAKE_BOTH = "return two modules, `encoder, decoder`, in this order."


def make_networks() -> tuple[nn.Module, nn.Module]:
    """The encoder, [B, 1, 28, 28] to [B, 40], and the decoder, [B, 20] to logits [B, 1, 28, 28]."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28)))
    return encoder, decoder


def _cases(seed: int) -> list[Inputs]:
    """One example, then a few; a batch is as large as the seed says."""
    source = generator(seed)
    sizes = (1, integer(source, 2, 7))
    return [{"x": uniform(source, b, 1, 28, 28), "z": normal(source, b, 20)} for b in sizes]


def _probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """Give the networks fixed parameters and run them; the sizes are part of the result."""
    encoder, decoder = _pair(answer())
    _fill(encoder, [(784, 400), (400, 40), (400, 20)])
    _fill(decoder, [(20, 400), (400, 784)])
    return {
        "the number of parameters of the encoder": _count(encoder),
        "the number of parameters of the decoder": _count(decoder),
        "encoder(x)": _run("encoder", encoder, case["x"]),
        "decoder(z)": _run("decoder", decoder, case["z"]),
    }


def _pair(networks: Any) -> tuple[nn.Module, nn.Module]:
    if networks is None:
        raise AnswerError(f"your function returned nothing (None): {MAKE_BOTH}")
    if not isinstance(networks, tuple | list) or len(networks) != 2:
        raise AnswerError(f"your function returned an object of type {type(networks).__name__}: {MAKE_BOTH}")
    encoder, decoder = networks
    for network in networks:
        if not isinstance(network, nn.Module):
            raise AnswerError(
                f"one of the two is no module but of type {type(network).__name__}: {MAKE_BOTH}"
                " `nn.Sequential(...)` makes one."
            )
    return encoder, decoder


def _run(name: str, network: nn.Module, given: Any) -> Tensor:
    try:
        result = network(given)
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        raise AnswerError(f"the {name} can't take a tensor {list(given.shape)}: {reason}.") from None
    if isinstance(result, Tensor):
        return result
    raise AnswerError(
        f"the {name} returns an object of type {type(result).__name__}; let it return one tensor (mu and logvar "
        "side by side: torch.cat joins them)."
    )


def _count(network: nn.Module) -> Tensor:
    return torch.tensor(sum(p.numel() for p in network.parameters()))


@torch.no_grad()
def _fill(network: nn.Module, layers: Collection[tuple[int, ...]]) -> None:
    """Take the rows of each layer, in order, from one pool for each input width.

    One layer with 40 outputs and two layers with 20 outputs get the same numbers, so both ways to write the
    encoder's head give the same result. A head that is named after a variance is the second one, whichever was made
    first, a matrix of a layer in `layers` may be stored as `[inputs, outputs]`, and a bias may come before its matrix.
    """
    used: Counter[int] = Counter()
    waiting: list[Tensor] = []  # biases without their numbers
    numbers = torch.empty(0)  # those of the last matrix's bias
    for _, parameter in sorted(network.named_parameters(), key=lambda named: bool(_SPREAD.search(named[0]))):
        if parameter.dim() == 2:
            matrix = parameter.T if tuple(parameter.shape) in layers else parameter
            width = matrix.shape[1]
            rows = _pool(width)[(used[width] + torch.arange(len(matrix))) % POOL_ROWS]
            used[width] += len(matrix)
            matrix.copy_(rows[:, 1:])
            numbers = rows[:, 0]
        else:
            waiting.append(parameter)
        bias = next((bias for bias in waiting if bias.numel() == len(numbers)), None)
        if bias is not None:
            bias.copy_(numbers.reshape(bias.shape))
            waiting = [other for other in waiting if other is not bias]
            numbers = torch.empty(0)


@functools.lru_cache(maxsize=16)
def _pool(width: int) -> Tensor:
    """Rows of a bias and `width` weights, about as large as PyTorch's own initialisation makes them."""
    return normal(generator(width), POOL_ROWS, 1 + width) / math.sqrt(width)


def _encoder(*, hidden: int = 400, out: int = 40, between: nn.Module | None = None) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(784, hidden), between or nn.ReLU(), nn.Linear(hidden, out)]


def _decoder(*, hidden: int = 400, between: nn.Module | None = None, latent: int = 20) -> list[nn.Module]:
    return [nn.Linear(latent, hidden), between or nn.ReLU(), nn.Linear(hidden, 784)]


_PICTURE = (1, 28, 28)


def _networks(encoder: list[nn.Module], decoder: list[nn.Module]) -> tuple[nn.Module, nn.Module]:
    return nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Unflatten(1, _PICTURE))


class _TwoHeads(nn.Module):
    def __init__(self, first: str = "mu", second: str = "logvar") -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.heads = nn.ModuleDict({name: nn.Linear(400, 20) for name in (first, second)})

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.hidden(x.flatten(1)))
        return torch.cat([self.heads["mu"](h), self.heads["logvar"](h)], dim=1)


class _ByEinsum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w1, self.b1 = nn.Parameter(torch.zeros(400, 20)), nn.Parameter(torch.zeros(400))
        self.w2, self.b2 = nn.Parameter(torch.zeros(784, 400)), nn.Parameter(torch.zeros(784))

    def forward(self, z: Tensor) -> Tensor:
        h = (torch.einsum("bi,oi->bo", z, self.w1) + self.b1).clamp(min=0)
        return (torch.einsum("bi,oi->bo", h, self.w2) + self.b2).view(-1, *_PICTURE)


class _OwnParameters(nn.Module):
    """Matrices as they stand in `x @ W`, with the head of the log variances made first."""

    def __init__(self) -> None:
        super().__init__()
        self.W_h, self.b_h = nn.Parameter(torch.zeros(784, 400)), nn.Parameter(torch.zeros(400))
        self.W_logvar, self.W_mu = nn.Parameter(torch.zeros(400, 20)), nn.Parameter(torch.zeros(400, 20))
        self.b_logvar, self.b_mu = nn.Parameter(torch.zeros(20)), nn.Parameter(torch.zeros(20))

    def forward(self, x: Tensor) -> Tensor:
        h = (x.flatten(1) @ self.W_h + self.b_h).relu()
        return torch.cat([h @ self.W_mu + self.b_mu, h @ self.W_logvar + self.b_logvar], dim=1)


class _BiasFirst(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bias, self.weight = nn.Parameter(torch.zeros(outputs)), nn.Parameter(torch.zeros(outputs, inputs))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x, self.weight.T)


def _own_layers() -> tuple[nn.Module, nn.Module]:
    encoder = [nn.Flatten(), _BiasFirst(784, 400), nn.ReLU(), _BiasFirst(400, 40)]
    return _networks(encoder, [_BiasFirst(20, 400), nn.ReLU(), _BiasFirst(400, 784)])


class _HeadsExchanged(_TwoHeads):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).roll(20, dims=1)


class _Double(nn.Module):
    """The same network in float64 for float32 inputs."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.double()

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x.double())


EXERCISE = Exercise(
    id="07-network",
    title="The two networks",
    points=3,
    difficulty=2,
    minutes=8,
    task=(
        "Return `encoder, decoder`: 784-400-40 with ReLU (pictures `[B, 1, 28, 28]` to mu and logvar side by side, "
        "`[B, 40]`) and 20-400-784 with ReLU (codes `[B, 20]` to logits `[B, 1, 28, 28]`)."
    ),
    hints=(
        "Each network is a linear layer, a ReLU and another linear layer; one flattens pictures at its start, the "
        "other makes pictures at its end.",
        "encoder: x -> W_2 relu(W_1 x + b_1) + b_2 with 784, 400 and 2 * 20 numbers; decoder: the same with 20, 400 "
        "and 784. Nothing comes after the last linear layer.",
        "`nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), ...)`; for the decoder's end: "
        "`nn.Unflatten(1, (1, 28, 28))`.",
    ),
    explanation=(
        "The encoder gives 40 numbers: 20 means and 20 log variances, which `.chunk(2, dim=1)` takes apart. Neither "
        "network ends in an activation, because means, log variances and logits may be any real number; the sigmoid "
        "is for display only."
    ),
    returns="an encoder to [B, 40] and a decoder to [B, 1, 28, 28]",
    reference=make_networks,
    alternatives=(
        Alternative("the package's", lambda: (mlp_encoder(20), mlp_decoder(20))),
        Alternative("bare layers", lambda: _networks(_encoder(), _decoder())),
        Alternative("two heads", lambda: (_TwoHeads(), make_networks()[1])),
        Alternative("layers of one's own, the bias first", _own_layers),
        Alternative("the second head made first", lambda: (_TwoHeads("logvar", "mu"), make_networks()[1])),
        Alternative("own parameters", lambda: (_OwnParameters(), make_networks()[1])),
        Alternative("einsum", lambda: (make_networks()[0], _ByEinsum())),
        Alternative("float64", lambda: (_Double(make_networks()[0]), _Double(make_networks()[1]))),
        Alternative("list", lambda: list(make_networks())),
    ),
    misconceptions=(
        Misconception(
            "sigmoid at the decoder's end",
            lambda: _networks(_encoder(), [*_decoder(), nn.Sigmoid()]),
            "Your decoder ends in a sigmoid. The loss works with logits, where nothing saturates, so leave the "
            "sigmoid to the moment when a picture is shown.",
        ),
        Misconception(
            "ReLU at the decoder's end",
            lambda: _networks(_encoder(), [*_decoder(), nn.ReLU()]),
            "Your decoder ends in a ReLU, so no logit is negative and no pixel's probability lies below one half. End "
            "with the linear layer.",
        ),
        Misconception(
            "ReLU at the encoder's end",
            lambda: _networks([*_encoder(), nn.ReLU()], _decoder()),
            "Your encoder ends in a ReLU, so no mean and no log variance can be negative. End with the linear layer.",
        ),
        Misconception(
            "squeezed at the encoder's end",
            lambda: _networks([*_encoder(), nn.Sigmoid()], _decoder()),
            "Your encoder squeezes mu and logvar between fixed bounds, so no posterior can be narrow or lie far from 0. "
            "End with the linear layer.",
            variants=(lambda: _networks([*_encoder(), nn.Tanh()], _decoder()),),
        ),
        Misconception(
            "heads exchanged",
            lambda: (_HeadsExchanged(), make_networks()[1]),
            "Your encoder gives the log variances first. Let mu come first and logvar second, as all of the lesson takes "
            "them apart.",
        ),
        Misconception(
            "one head only",
            lambda: _networks(_encoder(out=20), _decoder()),
            "Your encoder gives 20 numbers, enough for the means alone. It needs 40: 20 means and 20 log variances.",
        ),
        Misconception(
            "no ReLU between",
            lambda: _networks(_encoder(between=nn.Identity()), _decoder(between=nn.Identity())),
            "Two linear layers without a ReLU between them are one linear map: your networks would do little more than "
            "PCA. Put `nn.ReLU()` between the layers of both.",
            variants=(
                lambda: _networks(_encoder(between=nn.Identity()), _decoder()),
                lambda: _networks(_encoder(), _decoder(between=nn.Identity())),
            ),
        ),
        Misconception(
            "hidden width",
            lambda: _networks(_encoder(hidden=128), _decoder(hidden=128)),
            "The hidden layers of both networks have to be 400 wide, as in the published network: with another width "
            "its losses can't be compared.",
            variants=tuple(
                functools.partial(lambda h: _networks(_encoder(hidden=h), _decoder(hidden=h)), h)
                for h in (200, 256, 512)
            ),
        ),
        Misconception(
            "code of 40",
            lambda: _networks(_encoder(), _decoder(latent=40)),
            "Your decoder takes 40 numbers, mu and logvar together. It gets a code z, drawn from them, which has 20.",
        ),
        Misconception(
            "other order",
            lambda: make_networks()[::-1],
            "The decoder comes first and the encoder second: hand them back the other way round.",
        ),
        Misconception(
            "another activation",
            lambda: _networks(_encoder(between=nn.Tanh()), _decoder(between=nn.Tanh())),
            "Your hidden layers have another activation than the ReLU. It would train, but the losses that you "
            "compare with are of the network with `nn.ReLU()`.",
            variants=tuple(
                functools.partial(lambda make: _networks(_encoder(between=make()), _decoder(between=make())), make)
                for make in (nn.Sigmoid, nn.GELU, nn.LeakyReLU)
            ),
        ),
        Misconception(
            "flat pictures",
            lambda: (make_networks()[0], nn.Sequential(*_decoder())),
            "Your decoder gives rows of 784 logits. Make pictures of them: end with `nn.Unflatten(1, (1, 28, 28))`.",
        ),
        Misconception(
            "not flattened",
            lambda: _networks(_encoder()[1:], _decoder()),
            "Your encoder sends pictures `[B, 1, 28, 28]` into a linear layer of 784 inputs. Begin with "
            "`nn.Flatten()`, which makes rows of 784 of them.",
        ),
        Misconception(
            "batch normalisation",
            lambda: _networks([*_encoder(), nn.BatchNorm1d(40)], _decoder()),
            "Batch normalisation of mu and logvar makes an example's posterior depend on its neighbours in the batch. "
            "End with the linear layer.",
        ),
        Misconception(
            "no bias",
            lambda: (
                nn.Sequential(nn.Flatten(), nn.Linear(784, 400, bias=False), nn.ReLU(), nn.Linear(400, 40, bias=False)),
                nn.Sequential(
                    nn.Linear(20, 400, bias=False),
                    nn.ReLU(),
                    nn.Linear(400, 784, bias=False),
                    nn.Unflatten(1, _PICTURE),
                ),
            ),
            "Your linear layers have no bias, so a dark picture could only be made by weights. Leave out `bias=False`.",
        ),
    ),
    cases=_cases,
    batch="x",
    probe=_probe,
    gradients=("x", "z"),
)
