"""Discrete codes: quantisers, an autoencoder whose code is a grid of tokens, and a prior over such grids.

A token k is one of K whole numbers and stands for a code e_k, a vector of D numbers. The encoder picks one token for each
place of a grid, so q(k | x) puts all of its probability on one grid, and -elbo = -log p(x | k) - log p(k).
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent
from torch.nn import functional as F

from vae_course.networks import Shape
from vae_course.support.numbers import whole_number
from vae_course.support.shapes import check_images
from vae_course.support.state import evaluating

Start = Literal["data", "random"]


class Quantised(NamedTuple):
    """What a quantiser makes of features z_e, `[..., D]`.

    z_q is the code of each place, `[..., D]`, through which the gradient passes straight to z_e; tokens says which code,
    `[...]`; codebook is |sg[z_e] - e|^2 and commitment |z_e - sg[e]|^2, `[...]` each, where sg[.] lets no gradient pass.
    """

    z_q: Tensor
    tokens: Tensor
    codebook: Tensor
    commitment: Tensor


def nearest(z_e: Tensor, codebook: Tensor) -> Tensor:
    """The number of the nearest code, argmin_k |z_e - e_k|^2; the first one where two are as near.

    Args:
        z_e: features, `[..., D]`.
        codebook: codes e, `[K, D]`.

    Returns:
        tokens, `[...]`.

    Raises:
        ValueError: the last axis of z_e is not as long as the codes.
    """
    if z_e.dim() == 0 or z_e.shape[-1] != codebook.shape[-1]:
        raise ValueError(
            f"z_e has shape {list(z_e.shape)} but a code has {codebook.shape[-1]} numbers: the last axis must too."
        )
    # |z_e|^2 is the same for all codes.
    return (0.5 * codebook.square().sum(-1) - z_e @ codebook.T).argmin(-1)


def straight_through(z_e: Tensor, e: Tensor) -> Tensor:
    """e forwards, z_e backwards: z_e + sg[e - z_e].

    Source: Bengio, Leonard and Courville, Estimating or Propagating Gradients Through Stochastic Neurons (2013).
    """
    return z_e + (e - z_e).detach()


class VectorQuantiser(nn.Module):
    """A codebook of K codes; each feature is replaced by the nearest one.

    In training mode every call also looks after the codebook. With `decay` it moves each code to a running mean of the
    features that chose it, over counts N and the features' sum s of the batch:

    N_k <- decay N_k + (1 - decay) n_k;  e_k <- e_k + (1 - decay) (s_k - n_k e_k) / N_k.

    Without, the codes are parameters, which the term `codebook` of the loss trains. Codes that are used less than
    `revive` times as often as all would be on average are put where a random feature of the batch is.

    Args:
        n_codes: codes K.
        dim: numbers D of a code.
        decay: of the running means, or None.
        start: "data" puts the codes on features of the first batch; "random" leaves them where N(0, I) has drawn them.
        revive: share of the average use below which a code is moved; 0 for never.

    Raises:
        ValueError: a setting makes no sense.

    Source: van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (2017), section 3 and
    appendix A.1.
    """

    counts: Tensor
    started: Tensor

    def __init__(
        self,
        n_codes: int = 64,
        dim: int = 8,
        *,
        decay: float | None = 0.95,
        start: Start = "data",
        revive: float = 0.1,
    ) -> None:
        super().__init__()
        self.n_codes, self.dim = whole_number(n_codes, "n_codes", least=2), whole_number(dim, "dim", least=1)
        if decay is not None and not 0 <= decay < 1:
            raise ValueError(
                f"decay is {decay}: give a number from 0 to below 1, or None for a codebook with a gradient."
            )
        if start not in ("data", "random"):
            raise ValueError(f'start is {start!r}: give "data" or "random".')
        if not 0 <= revive < 1:
            raise ValueError(f"revive is {revive}: give a share of the average use, from 0 to below 1.")
        self.decay, self.revive = decay, revive
        codebook = torch.randn(self.n_codes, self.dim)
        if decay is None:
            self.codebook = nn.Parameter(codebook)
        else:
            self.register_buffer("codebook", codebook)
        self.register_buffer("counts", torch.zeros(self.n_codes))
        self.register_buffer("started", torch.tensor(start == "random"))

    def forward(self, z_e: Tensor) -> Quantised:
        """Replace features `[..., D]` by codes.

        Raises:
            ValueError: the last axis of z_e is not as long as the codes.
        """
        if self.training and not self.started:
            self._start(z_e.detach().reshape(-1, z_e.shape[-1]))
        tokens = nearest(z_e, self.codebook)
        e = self.lookup(tokens)
        quantised = Quantised(
            straight_through(z_e, e), tokens, (z_e.detach() - e).square().sum(-1), (z_e - e.detach()).square().sum(-1)
        )
        if self.training:
            self._look_after(z_e.detach().reshape(-1, self.dim), tokens.reshape(-1))
        return quantised

    def lookup(self, tokens: Tensor) -> Tensor:
        """The codes of tokens, `[...]` to `[..., D]`."""
        return F.embedding(tokens, self.codebook)

    @torch.no_grad()
    def _start(self, z_e: Tensor) -> None:
        self.codebook.copy_(self._some(z_e, self.n_codes))
        self.started.fill_(True)

    @torch.no_grad()
    def _look_after(self, z_e: Tensor, tokens: Tensor) -> None:
        n = torch.bincount(tokens, minlength=self.n_codes).to(z_e.dtype)
        decay = 0.95 if self.decay is None else self.decay
        first = not self.counts.any()
        self.counts.copy_(n if first else decay * self.counts + (1 - decay) * n)
        if self.decay is not None:
            s = torch.zeros_like(self.codebook).index_add_(0, tokens, z_e)
            moved = (1 - decay) * (s - n.unsqueeze(1) * self.codebook) / self.counts.clamp_min(1e-12).unsqueeze(1)
            self.codebook.data = self.codebook + moved
        least = self.revive * self.counts.mean()
        dead = self.counts < least
        if dead.any():
            codebook = self.codebook.detach().clone()
            codebook[dead] = self._some(z_e, int(dead.sum()))
            self.codebook.data = codebook
            self.counts[dead] = least

    def _some(self, z_e: Tensor, n: int) -> Tensor:
        """n features of the batch, drawn without replacement where there are enough."""
        if n <= len(z_e):
            return z_e[torch.randperm(len(z_e), device=z_e.device)[:n]]
        return z_e[torch.randint(len(z_e), (n,), device=z_e.device)]


class FiniteScalarQuantiser(nn.Module):
    """A fixed grid for a codebook: number d of a code takes `levels[d]` evenly spaced values from -1 to 1.

    z_e is squashed into (-1/2, levels - 1/2) by a sigmoid and rounded, straight through. K is the product of the levels; there is
    nothing to learn, to look after or to revive.

    Args:
        levels: how many values each number of a code may take, two or more.

    Raises:
        ValueError: levels is empty, or one of them is below two.

    Source: Mentzer and others, Finite Scalar Quantization: VQ-VAE Made Simple (2024), section 3.
    """

    levels: Tensor
    codebook: Tensor

    def __init__(self, levels: Sequence[int] = (8, 8)) -> None:
        super().__init__()
        sizes = [whole_number(n, "a level", least=2) for n in levels]
        if not sizes:
            raise ValueError("levels is empty: give one number of values for each number of a code, such as (8, 8).")
        self.n_codes, self.dim = math.prod(sizes), len(sizes)
        self.register_buffer("levels", torch.tensor(sizes), persistent=False)
        digits = torch.cartesian_prod(*(torch.arange(n) for n in sizes)).reshape(-1, self.dim)
        self.register_buffer("codebook", self._code(digits), persistent=False)

    def forward(self, z_e: Tensor) -> Quantised:
        """Replace features `[..., D]` by codes; nothing has to be added to a loss.

        Raises:
            ValueError: the last axis of z_e is not as long as the levels.
        """
        if z_e.dim() == 0 or z_e.shape[-1] != self.dim:
            raise ValueError(
                f"z_e has shape {list(z_e.shape)} but there are {self.dim} levels: the last axis must match them."
            )
        # Each level has an equal share of the range; 2 z_e makes this a tanh.
        scaled = self.levels * torch.sigmoid(2 * z_e) - 0.5
        digits = scaled.detach().round().clamp_min(0).minimum(self.levels - 1)
        z_q = straight_through(self._code(scaled), self._code(digits))
        tokens = torch.zeros_like(digits[..., 0], dtype=torch.long)
        for d in range(self.dim):
            tokens = tokens * self.levels[d] + digits[..., d].long()
        nothing = z_q.new_zeros(z_q.shape[:-1])
        return Quantised(z_q, tokens, nothing, nothing)

    def lookup(self, tokens: Tensor) -> Tensor:
        """The codes of tokens, `[...]` to `[..., D]`."""
        return F.embedding(tokens, self.codebook)

    def _code(self, digits: Tensor) -> Tensor:
        """0 to levels - 1 as -1 to 1."""
        return 2 * digits / (self.levels - 1) - 1


class TokenVAE(nn.Module):
    """An autoencoder whose code is a grid of tokens, a quarter as high and wide as the image.

    p(x | k) = prod_i Bernoulli(x_i; sigmoid(decoder(e_k)_i));  q(k | x) = 1 at the token of the quantised encoder(x), place by
    place. The prior over tokens is uniform until `TokenPrior` learns one.

    Shapes: x `[B, C, H, W]`, features z_e and codes z `[B, H/4, W/4, D]`, tokens `[B, H/4, W/4]`.

    Args:
        quantiser: what makes tokens of features.
        channels: of the two convolutions of each network.
        shape: of the images.
        ink: the mean pixel, with which the decoder starts.

    Raises:
        ValueError: height or width is not a multiple of four, or ink is not between 0 and 1.

    Source: van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (2017).
    """

    def __init__(
        self,
        quantiser: VectorQuantiser | FiniteScalarQuantiser,
        *,
        channels: tuple[int, int] = (16, 32),
        shape: Shape = (1, 28, 28),
        ink: float = 0.5,
    ) -> None:
        super().__init__()
        if shape[1] % 4 or shape[2] % 4:
            raise ValueError(f"The images are {shape[1]}x{shape[2]}: the grid of tokens needs multiples of 4.")
        if not 0 < ink < 1:
            raise ValueError(f"ink is {ink}: give the mean pixel, between 0 and 1.")
        few, many = channels
        self.quantiser, self.shape, self.grid = quantiser, tuple(shape), (shape[1] // 4, shape[2] // 4)
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], few, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(few, many, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(many, quantiser.dim, 1),
        )
        last = nn.ConvTranspose2d(few, shape[0], 4, stride=2, padding=1)
        nn.init.constant_(last.bias, math.log(ink / (1 - ink)))  # type: ignore[arg-type]
        self.decoder = nn.Sequential(
            nn.Conv2d(quantiser.dim, many, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(many, few, 4, stride=2, padding=1),
            nn.ReLU(),
            last,
        )
        self.to(memory_format=torch.channels_last)  # a third faster on the CPU

    @classmethod
    def vq(
        cls,
        n_codes: int = 64,
        dim: int = 8,
        *,
        ink: float = 0.5,
        decay: float | None = 0.95,
        start: Start = "data",
        revive: float = 0.1,
    ) -> Self:
        """A VQ-VAE: a codebook that is learned."""
        return cls(VectorQuantiser(n_codes, dim, decay=decay, start=start, revive=revive), ink=ink)

    @classmethod
    def fsq(cls, levels: Sequence[int] = (8, 8), *, ink: float = 0.5) -> Self:
        """The same networks on a fixed grid of codes."""
        return cls(FiniteScalarQuantiser(levels), ink=ink)

    @property
    def n_codes(self) -> int:
        """K."""
        return self.quantiser.n_codes

    def encode(self, x: Tensor) -> Tensor:
        """Features before they are quantised, `[B, H/4, W/4, D]`.

        Raises:
            ValueError: x is not a batch of images of this model's shape.
            TypeError: x holds integers.
        """
        check_images(x, self.shape)
        return self.encoder(x).movedim(1, -1)

    def tokens(self, x: Tensor) -> Tensor:
        """The grid of tokens of each image, `[B, H/4, W/4]`: all that q(k | x) ever draws."""
        with evaluating(self):  # in training mode a codebook moves whenever it is used
            tokens: Tensor = self.quantiser(self.encode(x)).tokens
        return tokens

    def codes(self, tokens: Tensor) -> Tensor:
        """The codes of tokens, `[..., H/4, W/4]` to `[..., H/4, W/4, D]`."""
        return self.quantiser.lookup(tokens)

    def decode(self, z: Tensor) -> Tensor:
        """Pixel logits of p(x | z): codes `[..., H/4, W/4, D]` to `[..., C, H, W]`.

        Raises:
            ValueError: z is not a grid of codes of this model.
        """
        if tuple(z.shape[-3:]) != (*self.grid, self.quantiser.dim):
            raise ValueError(
                f"z has shape {list(z.shape)} but this model decodes grids of codes"
                f" [..., {self.grid[0]}, {self.grid[1]}, {self.quantiser.dim}]."
            )
        logits = self.decoder(z.reshape(-1, *z.shape[-3:]).movedim(-1, 1))
        return logits.reshape(*z.shape[:-3], *self.shape)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z), independent Bernoulli pixels, batch `[...]`, with the whole image `[C, H, W]` as its event."""
        return Independent(Bernoulli(logits=self.decode(z), validate_args=False), len(self.shape), validate_args=False)

    def decode_mean(self, z: Tensor) -> Tensor:
        """The mean image E[x | z], `[..., H/4, W/4, D]` to `[..., C, H, W]` in [0, 1]: the picture to show."""
        return torch.sigmoid(self.decode(z))

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Mean images of the tokens of x, `[B, C, H, W]` in [0, 1]."""
        return self.decode_mean(self.codes(self.tokens(x)))


def token_loss(model: TokenVAE, x: Tensor, *, commitment: float = 0.25) -> dict[str, Tensor]:
    """The loss of a VQ-VAE, or of an FSQ-VAE, for `training.fit`: means over the batch, sums over places and pixels.

    loss = -log p(x | z_q) + |sg[z_e] - e|^2 + commitment |z_e - sg[e]|^2. The second term reaches only a codebook that has
    gradients; the third keeps the encoder near its code.

    Raises:
        ValueError: commitment is below zero.

    Source: van den Oord, Vinyals and Kavukcuoglu (2017), equation 3.
    """
    if commitment < 0:
        raise ValueError(f"commitment is {commitment}: give a weight, zero or more.")
    quantised = model.quantiser(model.encode(x))
    reconstruction = -model.likelihood(quantised.z_q).log_prob(x).mean()
    codebook, committed = (term.flatten(1).sum(1).mean() for term in (quantised.codebook, quantised.commitment))
    return {
        "loss": reconstruction + codebook + commitment * committed,
        "reconstruction": reconstruction,
        "commitment": committed,
    }


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees, of its own row and those above, only places before its own; with `own`, that place too."""

    mask: Tensor

    def __init__(self, n_in: int, n_out: int, size: int = 3, *, own: bool) -> None:
        super().__init__(n_in, n_out, size, padding=size // 2)
        order = torch.arange(size * size).view(size, size)
        middle = size * size // 2
        self.register_buffer("mask", ((order <= middle) if own else (order < middle)).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, n_in, H, W]` to `[B, n_out, H, W]`."""
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class TokenPrior(nn.Module):
    """A prior over grids of tokens, place after place in reading order, by masked convolutions.

    p(k) = prod_i p(k_i | k_1, ..., k_{i-1}). Each place has a learned number of its own besides, for digits begin in the
    middle. Three by three masks leave out some of the places before, which makes a worse prior, not a wrong one.

    Args:
        n_codes: tokens K.
        grid: height and width of the grid.
        channels: of every layer.
        layers: masked convolutions, the first included.

    Raises:
        ValueError: a number is below one, or n_codes below two.

    Source: van den Oord and others, Conditional Image Generation with PixelCNN Decoders (2016), section 2.
    """

    def __init__(
        self, n_codes: int = 64, grid: tuple[int, int] = (7, 7), *, channels: int = 32, layers: int = 3
    ) -> None:
        super().__init__()
        self.n_codes, self.grid = whole_number(n_codes, "n_codes", least=2), tuple(grid)
        whole_number(layers, "layers", least=1)
        self.embedding = nn.Embedding(self.n_codes, channels)
        self.place = nn.Parameter(torch.zeros(channels, *grid))
        self.first = MaskedConv2d(channels, channels, own=False)
        self.rest = nn.ModuleList(MaskedConv2d(channels, channels, own=True) for _ in range(layers - 1))
        self.head = nn.Conv2d(channels, self.n_codes, 1)

    def logits(self, tokens: Tensor) -> Tensor:
        """Logits of p(k_i | tokens before i) for each place, `[B, *grid]` to `[B, *grid, K]`.

        Raises:
            ValueError: tokens is not a batch of grids, or holds numbers that are no tokens.
        """
        if tokens.dim() != 3 or tuple(tokens.shape[1:]) != self.grid:
            raise ValueError(
                f"tokens has shape {list(tokens.shape)}: this prior takes [B, {self.grid[0]}, {self.grid[1]}]."
            )
        if tokens.numel() and not (0 <= tokens.min() and tokens.max() < self.n_codes):
            raise ValueError(f"tokens holds numbers outside of 0 to {self.n_codes - 1}.")
        h = F.relu(self.first(self.embedding(tokens.long()).movedim(-1, 1)) + self.place)
        for layer in self.rest:
            h = h + F.relu(layer(h))
        return self.head(h).movedim(1, -1)

    def log_prob(self, tokens: Tensor) -> Tensor:
        """log p(k) of grids `[B, *grid]`, exactly: `[B]` in nats."""
        logits, k = self.logits(tokens), tokens.long()
        return -F.cross_entropy(logits.flatten(0, -2), k.flatten(), reduction="none").view(k.shape).flatten(1).sum(1)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n grids of tokens, place by place, `[n, *grid]`.

        Raises:
            ValueError: n is below one.
        """
        tokens = torch.zeros(whole_number(n, "n", least=1), *self.grid, dtype=torch.long, device=self.place.device)
        for row in range(self.grid[0]):
            for column in range(self.grid[1]):
                p = torch.softmax(self.logits(tokens)[:, row, column], -1)
                tokens[:, row, column] = torch.multinomial(p, 1, generator=generator).squeeze(1)
        return tokens


def prior_loss(prior: TokenPrior, tokens: Tensor) -> dict[str, Tensor]:
    """The loss of a prior over tokens for `training.fit`: the mean over the batch of -log p(k), in nats.

    `fit` takes floating-point tensors, so tokens may be of that type here.
    """
    return {"loss": -prior.log_prob(tokens).mean()}


def tokens_of(model: TokenVAE, x: Tensor, *, batch_size: int = 1000) -> Tensor:
    """The tokens of a whole set of images, `[N, H/4, W/4]`, in eval mode and batch by batch."""
    with evaluating(model) as device:
        return torch.cat([model.tokens(part.to(device=device)).cpu() for part in x.split(batch_size)])


def usage(tokens: Tensor, n_codes: int) -> Tensor:
    """The share of each code among tokens of any shape, `[K]`.

    Raises:
        ValueError: there are no tokens.
    """
    if tokens.numel() == 0:
        raise ValueError("tokens is empty: give the tokens of at least one image.")
    return torch.bincount(tokens.long().flatten(), minlength=n_codes) / tokens.numel()


def perplexity(tokens: Tensor, n_codes: int) -> Tensor:
    """exp of the entropy of how often each code is used: so many codes, equally often used, would have the same entropy.

    perplexity = exp( -sum_k p_k log p_k ), with p_k the share of code k among all tokens.

    Args:
        tokens: of a whole set, any shape; the mean over batches is another number, and smaller.
        n_codes: codes K.

    Raises:
        ValueError: there are no tokens.
    """
    p = usage(tokens, n_codes)
    return torch.exp(-torch.xlogy(p, p).sum())


class TokenCosts(NamedTuple):
    """What an image costs, in nats, `[N]` each: -elbo = distortion + rate."""

    distortion: Tensor
    rate: Tensor

    @property
    def total(self) -> Tensor:
        """-elbo, `[N]`."""
        return self.distortion + self.rate


def token_costs(
    model: TokenVAE, x: Tensor, log_prior: Callable[[Tensor], Tensor] | None = None, *, batch_size: int = 1000
) -> TokenCosts:
    """Distortion -log p(x | k) and rate -log p(k) of images, with k the tokens of x.

    Args:
        model: a model with tokens.
        x: images, `[N, C, H, W]`.
        log_prior: log p(k) of grids, such as `TokenPrior.log_prob`; the uniform prior when left out.
        batch_size: images at once.
    """
    distortion, rate = [], []
    with evaluating(model) as device:
        for part in x.split(batch_size):
            part = part.to(device=device)
            tokens = model.tokens(part)
            distortion.append(-model.likelihood(model.codes(tokens)).log_prob(part).cpu())
            uniform = torch.full((len(part),), tokens[0].numel() * math.log(model.n_codes))
            rate.append(uniform if log_prior is None else -log_prior(tokens).cpu())
    return TokenCosts(torch.cat(distortion), torch.cat(rate))
