"""Codes for known factors: images of a disc, the KL in three parts, the loss that weighs one of them, and the MIG."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vae_course.data import Images
from vae_course.models import VAE

SIZE = 16  # pixels to a side
SOFTNESS = 0.5  # of the disc's edge, in pixels


def discs(
    *, steps: tuple[float, float] = (1.0, 1.0), places: int = 8, radii: Sequence[float] = (2, 2.5, 3, 3.5, 4)
) -> Images:
    """A soft disc on 16 x 16 pixels at every place and in every size, once each: `places`^2 * `len(radii)` images.

    x_i = sigmoid((radius - distance of pixel i from the centre) / SOFTNESS). The factors are whole numbers: "across" and
    "down" count the places, "size" the radii.

    Args:
        steps: pixels from one place to the next, across and down.
        places: places along each of the two directions, around the middle.
        radii: the sizes, in pixels.

    Raises:
        ValueError: there are fewer than two places or no radius, or a disc's centre would lie outside.
    """
    reach = max(abs(step) for step in steps) * (places - 1) / 2
    if places < 2 or not radii or reach > SIZE / 2:
        raise ValueError(
            f"{places} places {max(steps):g} pixels apart and {len(radii)} radii: give two or more that fit."
        )
    across, down, size = (
        index.flatten() for index in torch.meshgrid(*map(torch.arange, (places, places, len(radii))), indexing="ij")
    )
    middle, pixels = (SIZE - 1) / 2, torch.arange(SIZE)
    centre_x, centre_y = (
        middle + step * (index - (places - 1) / 2) for step, index in zip(steps, (across, down), strict=True)
    )
    distance = torch.hypot(pixels - centre_x[:, None, None], pixels[:, None] - centre_y[:, None, None])
    x = torch.sigmoid((torch.tensor(radii, dtype=torch.float32)[size, None, None] - distance) / SOFTNESS)
    factors = {"across": across, "down": down, "size": size}
    return Images(x[:, None], torch.zeros(len(x), dtype=torch.long), factors, "discs")


def table(z: Tensor, mu: Tensor, var: Tensor) -> Tensor:
    """log N(z_id; mu_jd, var_jd) for each code i, posterior j and dimension d, `[M, N, D]`; z `[M, D]`, the rest `[N, D]`."""
    return Normal(mu, var.sqrt()).log_prob(z[:, None])


class KLParts(NamedTuple):
    """A rate in three parts, nats per image, from the same draws; the rate is their sum.

    information: I(n; z), how well a code tells its image from the others.
    total_correlation: KL( q(z) || prod_d q(z_d) ), how far the dimensions of the codes of all images are from independent.
    dimension_wise: sum_d KL( q(z_d) || p(z_d) ).
    """

    information: Tensor
    total_correlation: Tensor
    dimension_wise: Tensor


def split(log_q: Tensor, log_p: Tensor) -> KLParts:
    """The three parts of the rate from one draw for each image of a data set.

    With q(z) = 1/N sum_j q(z | x_j):  log q(z|x)/p(z) = log q(z|x)/q(z) + log q(z)/prod_d q(z_d) + sum_d log q(z_d)/p(z_d).

    Args:
        log_q: log q(z_id | x_j), `[N, N, D]`, where code i was drawn for image i.
        log_p: log p(z_id), `[N, D]`.

    Raises:
        ValueError: the shapes do not fit.

    Source: Chen and others, Isolating Sources of Disentanglement in VAEs (2018), equation 2.
    """
    if log_q.dim() != 3 or log_q.shape[0] != log_q.shape[1] or log_p.shape != log_q.shape[1:]:
        raise ValueError(f"log_q has shape {list(log_q.shape)}, log_p {list(log_p.shape)}: give [N, N, D] and [N, D].")
    return _parts(log_q.sum(2), log_q, log_p)


def _parts(joint: Tensor, marginals: Tensor, log_p: Tensor) -> KLParts:
    """The parts from log q(z_i | x_j) `[N, N]` and that of the single dimensions, `[N, N, D]`."""
    log_n = math.log(len(joint))
    log_qz = torch.logsumexp(joint, 1) - log_n
    log_qz_d = torch.logsumexp(marginals, 1) - log_n
    parts = (joint.diagonal() - log_qz, log_qz - log_qz_d.sum(1), (log_qz_d - log_p).sum(1))
    return KLParts(*(part.mean() for part in parts))


def log_shares(batch: int, n_data: int) -> Tensor:
    """How much image j of a batch counts in q(z) of the whole data set for the code of image i, `[B, B]`, logarithms.

    The code's own image has its share 1 / N, on the diagonal; the others of the batch stand for the N - 1 others:
    (N - 1) / (N (B - 1)) each. A row's weighted sum of densities is an unbiased estimate of q(z_i), and with the whole
    data set as the batch it is q(z_i).

    Raises:
        ValueError: the batch has fewer than two images, or more than the data set.
    """
    if not 2 <= batch <= n_data:
        raise ValueError(f"A batch of {batch} from {n_data} images: it needs two or more, and no more than there are.")
    shares = torch.full((batch, batch), math.log((n_data - 1) / (n_data * (batch - 1))))
    return shares.fill_diagonal_(-math.log(n_data))


def negative_tc_elbo(model: VAE, x: Tensor, beta: float = 1.0, *, n_data: int) -> dict[str, Tensor]:
    """The loss of a beta-TCVAE for `training.fit`: the total correlation weighs beta, the other two parts of the KL one.

    loss = -E_q[ log p(x | z) ] + KL + (beta - 1) TC,  with TC from the codes of the batch by `log_shares`.

    Args:
        model: a VAE.
        x: examples, `[B, ...]`.
        beta: weight of the total correlation.
        n_data: images in the whole data set.

    Source: Chen and others (2018), equation 4, with the unbiased weights of their appendix C.2 spread evenly.
    """
    q = model.posterior(x)
    assert isinstance(q, Independent)
    z = q.rsample()
    kl = torch.distributions.kl_divergence(q, model.prior()).mean()
    log_q, shares = table(z, q.mean, q.variance), log_shares(len(x), n_data).to(z)
    log_qz = torch.logsumexp(log_q.sum(2) + shares, 1)
    log_qz_d = torch.logsumexp(log_q + shares[..., None], 1)
    tc = (log_qz - log_qz_d.sum(1)).mean()
    reconstruction = -model.likelihood(z).log_prob(x).mean()
    return {"loss": reconstruction + kl + (beta - 1) * tc, "reconstruction": reconstruction, "kl": kl, "tc": tc}


def factor_information(log_q: Tensor, v: Tensor) -> Tensor:
    """I(z_d; v_k) for each dimension and factor, `[D, V]` in nats, without bins.

    I(z_d; v_k) = E[ log q(z_d | v_k) - log q(z_d) ],  q(z_d | v_k) the mean of q(z_d | x_j) over the images with that v_k.

    Args:
        log_q: log q(z_id | x_j), `[N, N, D]`, where code i was drawn for image i.
        v: the factors of each image, whole numbers, `[N, V]`.

    Source: Chen and others (2018), section 4.1.
    """
    log_qz_d = torch.logsumexp(log_q, 1) - math.log(len(log_q))
    columns = []
    for factor in v.T:
        same = factor[:, None] == factor
        masked = log_q.masked_fill(~same[..., None], -math.inf)
        columns.append((torch.logsumexp(masked, 1) - same.sum(1, keepdim=True).log() - log_qz_d).mean(0))
    return torch.stack(columns, 1)


def factor_entropies(v: Tensor) -> Tensor:
    """H(v_k) of each factor in nats, `[V]`, from how often each value occurs in v `[N, V]`."""
    shares = [torch.bincount(factor).double() / len(factor) for factor in v.T]
    return torch.stack([-torch.xlogy(share, share).sum() for share in shares])


def gap(information: Tensor, entropies: Tensor) -> Tensor:
    """The mutual information gap: the mean over factors of (largest - second largest I(z_d; v_k)) / H(v_k).

    Args:
        information: I(z_d; v_k), `[D, V]`.
        entropies: H(v_k), `[V]`.

    Source: Chen and others (2018), equation 6.
    """
    first, second = information.topk(2, 0).values
    return ((first - second) / entropies).mean()


def factors_of(images: Images) -> Tensor:
    """The known factors of images side by side, `[N, V]`.

    Raises:
        ValueError: they have none.
    """
    if images.factors is None:
        raise ValueError("These images have no known factors: take discs().")
    return torch.stack(list(images.factors.values()), 1)


class Measured(NamedTuple):
    """What is measured of a model on a data set with known factors, in nats per image; `mig` is a share."""

    elbo: float
    distortion: float
    parts: KLParts
    information: Tensor
    mig: float


@torch.no_grad()
def measure(model: VAE, images: Images, *, n_samples: int = 4, seed: int = 0, turn: Tensor | None = None) -> Measured:
    """ELBO, distortion, the three parts of the rate, each dimension's information about each factor, and the MIG.

    Args:
        model: a VAE.
        images: images with factors.
        n_samples: draws of z for each image.
        seed: fixes the draws.
        turn: an orthogonal matrix R `[D, D]`: measure the codes R z in place of z, whose decoder turns back first. The
            posterior is then N(R mu, R diag(sigma^2) R^T), the full Gaussian, not its diagonal.
    """
    mu, logvar = (t.double() for t in model.encode(images.x))
    var, v = logvar.exp(), factors_of(images)
    turn = torch.eye(mu.shape[1], dtype=mu.dtype) if turn is None else turn.to(mu)
    generator, draws = torch.Generator().manual_seed(seed), []
    kl = 0.5 * (mu.square() + var - 1 - logvar).sum(1).mean()
    for _ in range(n_samples):
        z = mu + var.sqrt() * torch.randn(mu.shape, generator=generator, dtype=mu.dtype)
        turned, log_px_z = z @ turn.T, model.likelihood(z.to(images.x)).log_prob(images.x).mean()
        # The joint density of a code stays when all codes are turned; the densities of its single numbers do not.
        marginals = table(turned, mu @ turn.T, var @ turn.T.square())
        parts = _parts(table(z, mu, var).sum(2), marginals, Normal(0.0, 1.0).log_prob(turned))
        draws.append((log_px_z, *parts, factor_information(marginals, v)))
    log_px_z, information, tc, dimension_wise, table_of_factors = (
        torch.stack(part).mean(0) for part in zip(*draws, strict=True)
    )
    mig = gap(table_of_factors, factor_entropies(v))
    split_of_rate = KLParts(information, tc, dimension_wise)
    return Measured(float(log_px_z - kl), -float(log_px_z), split_of_rate, table_of_factors, float(mig))


class Turned:
    """A VAE whose codes are turned: z' = R z, with the decoder turning back first. It is the same model of x.

    p(z') = N(0, I);  p(x | z') = p(x | z = R^T z');  q(z' | x) = N(R mu(x), R diag(sigma(x)^2) R^T).

    Args:
        model: a VAE.
        turn: an orthogonal matrix R, `[D, D]`.

    Raises:
        ValueError: R is not orthogonal.
    """

    def __init__(self, model: VAE, turn: Tensor) -> None:
        if turn.dim() != 2 or not torch.allclose(turn @ turn.T, torch.eye(len(turn)).to(turn), atol=1e-5):
            raise ValueError("turn is not orthogonal: its rows must have length 1 and right angles between them.")
        self.model, self.turn = model, turn

    def prior(self) -> MultivariateNormal:
        """p(z') = N(0, I), event `[D]`."""
        return MultivariateNormal(self.turn.new_zeros(len(self.turn)), torch.eye(len(self.turn)).to(self.turn))

    def posterior(self, x: Tensor) -> MultivariateNormal:
        """q(z' | x), batch `[B]`, event `[D]`, with its correlations."""
        mu, logvar = self.model.encode(x)
        spread = self.turn * (0.5 * logvar).exp().unsqueeze(1)
        return MultivariateNormal(mu @ self.turn.T, covariance_matrix=spread @ spread.mT)

    def likelihood(self, z: Tensor) -> Distribution:
        """p(x | z'), batch `[...]`, event `[C, H, W]`."""
        return self.model.likelihood(z @ self.turn)


def random_turn(dims: int, *, seed: int) -> Tensor:
    """A rotation drawn evenly from all of them, `[D, D]`.

    Source: Mezzadri, How to generate random matrices from the classical compact groups (2007).
    """
    q, r = torch.linalg.qr(torch.randn(dims, dims, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    turn = q * r.diagonal().sign()
    turn[:, 0] *= torch.linalg.det(turn)  # a reflection becomes a rotation
    return turn
