"""The broken code, with exactly one line wrong in each function; `cases` knows which. Nothing here is to be copied.

The names are letters, so that a learner who calls them is not told what to look for.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_course.distributions import bernoulli_log_prob, gaussian_kl
from vae_course.models import VAE
from vae_course.objectives import elbo

LATENT, HIDDEN = 10, 200
Terms = dict[str, Tensor]
Draw = Callable[[Tensor, Tensor], Tensor]
PixelLoss = Callable[[Tensor, Tensor], Tensor]


def small_vae(latent_dim: int = LATENT, *, kind: type[VAE] = VAE) -> VAE:
    """The network of every case: 784-200-10, or with another number of latent dimensions."""
    return kind.mlp(latent_dim, hidden=(HIDDEN,))


def draw(mu: Tensor, logvar: Tensor) -> Tensor:
    """A draw z from q(z | x), `[B, D]`, as it should be."""
    eps = torch.randn_like(mu)
    std = torch.exp(0.5 * logvar)
    return mu + std * eps


def terms(reconstruction: Tensor, kl: Tensor) -> Terms:
    """What a loss hands to the trainer, each one number: loss = reconstruction + kl."""
    return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}


def loss_with(drawing: Draw, model: VAE, x: Tensor) -> Terms:
    """The loss of a VAE, right if the draw is: the mean over the batch of -log p(x | z) + KL."""
    mu, logvar = model.encode(x)
    z = drawing(mu, logvar)
    log_px_z = bernoulli_log_prob(x, model.decode(z))
    return terms(-log_px_z.mean(), gaussian_kl(mu, logvar).mean())


def healthy(model: VAE, x: Tensor) -> Terms:
    """The loss of a VAE without any mistake."""
    return loss_with(draw, model, x)


def loss_a(model: VAE, x: Tensor) -> Terms:
    """The loss of case A."""
    mu, logvar = model.encode(x)
    logits = model.decode(draw(mu, logvar))
    errors = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)
    reconstruction = errors.mean(dim=1)
    return terms(reconstruction.mean(), gaussian_kl(mu, logvar).mean())


def loss_b(model: VAE, x: Tensor) -> Terms:
    """The loss of case B."""
    mu, logvar = model.encode(x)
    log_px_z = bernoulli_log_prob(x, model.decode(draw(mu, logvar)))
    kl_of_dims = 0.5 * (torch.exp(logvar) + mu**2 - 1 - logvar)
    kl = kl_of_dims.mean(dim=1)
    return terms(-log_px_z.mean(), kl.mean())


def loss_c(model: VAE, x: Tensor) -> Terms:
    """The loss of case C."""
    parts = healthy(model, x)
    weight = 0.25 if model.training else 1.0
    return parts | {"loss": parts["reconstruction"] + weight * parts["kl"]}


def draw_d(mu: Tensor, logvar: Tensor) -> Tensor:
    """The draw of case D."""
    eps = 0.01 * torch.randn_like(mu)
    std = torch.exp(0.5 * logvar)
    return mu + std * eps


def draw_e(mu: Tensor, logvar: Tensor) -> Tensor:
    """The draw of case E."""
    eps = torch.randn_like(mu)
    std = torch.exp(logvar)
    return mu + std * eps


class VAEOfF(VAE):
    """The model of case F."""

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and logvar of q(z | x), each `[B, D]`."""
        a, b = self.encoder(x).chunk(2, dim=1)
        mu, logvar = torch.sigmoid(a), 2 * torch.log(torch.sigmoid(b))
        return mu, logvar


def sample_g(model: VAE, n: int) -> Tensor:
    """The new images of case G, `[n, 1, 28, 28]`."""
    z = 1.5 * torch.randn(n, model.latent_dim)
    return model.decode_mean(z)


class VAEOfH(VAE):
    """The model of case H."""

    def decode(self, z: Tensor) -> Tensor:
        """Pixel logits, `[..., D]` to `[..., C, H, W]`."""
        return torch.sigmoid(super().decode(z))


def pixel_loss_i(x: Tensor, logits: Tensor) -> Tensor:
    """The loss of each pixel in case I, of the shape of x."""
    p = torch.sigmoid(logits)
    log_p, log_not_p = torch.log(p), torch.log(1 - p)
    return -(x * log_p + (1 - x) * log_not_p)


def loss_of_pixels(pixel_loss: PixelLoss, model: VAE, x: Tensor) -> Terms:
    """The loss of a VAE, right if the loss of its pixels is."""
    mu, logvar = model.encode(x)
    logits = model.decode(draw(mu, logvar))
    log_px_z = -pixel_loss(x, logits)
    return terms(-log_px_z.flatten(1).sum(dim=1).mean(), gaussian_kl(mu, logvar).mean())


def vae_of_j() -> VAE:
    """The model of case J."""
    model = small_vae()
    model.encoder = nn.Sequential(model.encoder, nn.BatchNorm1d(2 * LATENT))
    return model


def dropout_vae() -> VAE:
    """The model of case K, in which nothing is wrong: a quarter of the hidden units of the encoder drop out."""
    model = small_vae()
    *first, last = model.encoder.children()
    model.encoder = nn.Sequential(*first, nn.Dropout(0.25), last)
    return model


def evaluate_k(model: VAE, x: Tensor) -> float:
    """The evaluation of case K, in nats."""
    model.train()
    with torch.no_grad():
        return float(elbo(model, x).elbo.mean())


def evaluate_l(model: VAE, x: Tensor, k: int) -> float:
    """The evaluation of case L with k draws for each image, in nats."""
    model.eval()
    log_w = []
    with torch.no_grad():
        mu, logvar = model.encode(x)
        for _ in range(k):
            z = draw(mu, logvar)
            log_ratio = 0.5 * (z**2 - (z - mu) ** 2 / torch.exp(logvar) - logvar)
            price = log_ratio.sum(dim=1, keepdim=True)
            log_w.append(bernoulli_log_prob(x, model.decode(z)) - price)
    return float((torch.logsumexp(torch.stack(log_w), dim=0) - math.log(k)).mean())
