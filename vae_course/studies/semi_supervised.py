"""A model of codes and classes that learns from examples without a label too: M2 of Kingma and others, on the codes of M1."""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F


class LabelledCodes(nn.Module):
    """p(y) p(z) p(c | y, z) of the codes c of images, with q(y | c) and q(z | c, y).

    p(y) = 1 / K;  p(z) = N(0, I);  p(c | y, z) = N(decoder(y, z), diag(sigma^2)), with sigma learned, one for each number.

    Shapes: c `[B, C]`, y `[B]`, z `[B, D]`.

    Source: Kingma and others, Semi-supervised Learning with Deep Generative Models (2014), section 2.2.
    """

    def __init__(self, codes: int, *, latent_dim: int = 10, hidden: int = 128, n_classes: int = 10) -> None:
        super().__init__()
        self.n_classes = n_classes

        def network(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

        self.classifier = network(codes, n_classes)
        self.encoder = network(codes + n_classes, 2 * latent_dim)
        self.decoder = network(latent_dim + n_classes, codes)
        self.logvar = nn.Parameter(torch.zeros(codes))

    def elbo(self, c: Tensor, y: Tensor) -> Tensor:
        """L(c, y) + log p(y) <= log p(c, y), one draw of z: `[B]` in nats.

        L(c, y) = E_q(z|c,y)[ log p(c | y, z) ] - KL( q(z | c, y) || p(z) ).
        """
        told = F.one_hot(y, self.n_classes).to(c)
        mu, logvar = self.encoder(torch.cat([c, told], -1)).chunk(2, -1)
        q = Normal(mu, (0.5 * logvar).exp(), validate_args=False)
        kl = kl_divergence(q, Normal(0.0, 1.0)).sum(-1)
        mean = self.decoder(torch.cat([q.rsample(), told], -1))
        likelihood = Independent(Normal(mean, (0.5 * self.logvar).exp(), validate_args=False), 1)
        return likelihood.log_prob(c) - kl - math.log(self.n_classes)

    def elbo_without_label(self, c: Tensor) -> Tensor:
        """The bound on log p(c) with the class summed out, `[B]` in nats.

        sum_y q(y | c) [ L(c, y) + log p(y) ] + H( q(y | c) ) <= log p(c).
        """
        classes = torch.arange(self.n_classes).repeat(len(c), 1)
        joint = self.elbo(c.unsqueeze(1).expand(-1, self.n_classes, -1), classes)
        log_q = self.classifier(c).log_softmax(-1)
        return (log_q.exp() * (joint - log_q)).sum(-1)

    @torch.no_grad()
    def classify(self, c: Tensor) -> Tensor:
        """The likeliest class by q(y | c), `[B]`."""
        return self.classifier(c).argmax(-1)


def loss(
    model: LabelledCodes, c: Tensor, *, labelled: tuple[Tensor, Tensor], n_data: int, weight: float = 10.0
) -> dict[str, Tensor]:
    """The loss for `training.fit` on codes c without labels, with the few labelled ones in every step.

    loss = -(bound without label) + n / n_data * -(bound with label) + weight * cross-entropy of q(y | c), each a mean.

    Args:
        model: `LabelledCodes`.
        c: codes without labels, `[B, C]`.
        labelled: the n codes with a label, and their classes.
        n_data: codes without a label in all.
        weight: of the classifier's own loss; without it the labelled codes would never train q(y | c).

    Source: Kingma and others (2014), equations 8 and 9, divided by n_data; their alpha = 0.1 n_data is weight = 0.1 n.
    """
    known, y = labelled
    free = -model.elbo_without_label(c).mean()
    told = -model.elbo(known, y).mean()
    cross_entropy = F.cross_entropy(model.classifier(known), y)
    total = free + len(y) / n_data * told + weight * cross_entropy
    return {"loss": total, "without label": free, "with label": told, "cross-entropy": cross_entropy}
