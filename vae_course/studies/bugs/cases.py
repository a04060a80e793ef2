"""The twelve cases as data: what is wrong, how it shows, what tells it apart, and where it was seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vae_course.studies.bugs import broken


@dataclass(frozen=True)
class Case:
    """One mistake.

    Args:
        letter: what a learner calls it before the code is shown.
        suspect: the name of its culprit in the line-up, which tells nothing.
        name: what it turns out to be.
        accusation: the mistake in a few words, as the line-up lists it.
        symptom: what its curves or pictures show.
        measurement: what tells it from the other suspects.
        code: the function or class with the broken line.
        line: that line, without its indentation.
        fix: what it should be; empty where it has to go.
        seen: where the mistake was public, as far as known.
    """

    letter: str
    suspect: str
    name: str
    accusation: str
    symptom: str
    measurement: str
    code: Callable[..., Any]
    line: str
    fix: str
    seen: str


ALL = (
    Case(
        "A",
        "larch",
        "pixel-mean",
        "the reconstruction is a mean over the pixels, the KL a sum",
        "the KL falls to 0, all reconstructions and samples are the same grey digit; the loss is far below 1",
        "KL for each dimension, and the first reconstruction loss: log 2 instead of 784 log 2",
        broken.loss_a,
        "reconstruction = errors.mean(dim=1)",
        "reconstruction = errors.sum(dim=1)",
        "Keras examples at commit 05e727f, mended in pull request 3383",
    ),
    Case(
        "B",
        "cedar",
        "latent-mean",
        "the KL is a mean over the latent dimensions",
        "sharp reconstructions, poor samples; the KL that is printed is small, the true one large",
        "the printed KL against a KL from another source, such as `evaluate`: they differ by the factor D",
        broken.loss_b,
        "kl = kl_of_dims.mean(dim=1)",
        "kl = kl_of_dims.sum(dim=1)",
        "fastai course22p2, nbs/29_vae; flax nnx toy example 05; keras-io issue 270",
    ),
    Case(
        "C",
        "oak",
        "validation-weight",
        "the KL has one weight in training and another in validation",
        "the validation loss lies far above the training loss, although both its parts agree",
        "(loss - reconstruction) / KL in both lists: the weight that was really used",
        broken.loss_c,
        "weight = 0.25 if model.training else 1.0",
        "weight = 1.0",
        "AntixK/PyTorch-VAE, experiment.py and configs/vae.yaml (weight 0.00025 against 1)",
    ),
    Case(
        "D",
        "beech",
        "small-noise",
        "the noise is scaled down, here to 0.01",
        "the printed loss is better than it can be; samples are bold, some are blots",
        "the bound against a known log p(x); then (z - mu) / sigma: its spread is 0.01 in all dimensions",
        broken.draw_d,
        "eps = 0.01 * torch.randn_like(mu)",
        "eps = torch.randn_like(mu)",
        "Keras examples at commit 05e727f, mended in pull request 4211",
    ),
    Case(
        "E",
        "maple",
        "variance-as-sigma",
        "exp(logvar), the variance, is used as sigma",
        "nearly no symptom: the printed loss is a little too good",
        "the bound against a known log p(x); then (z - mu) / sigma: its spread is sigma itself",
        broken.draw_e,
        "std = torch.exp(logvar)",
        "std = torch.exp(0.5 * logvar)",
        "rachtsingh/ibp_vae issue 3; deepchem pull request 4888; a relative in MIT introtodeeplearning, lab 2, pull request 212",
    ),
    Case(
        "F",
        "ash",
        "sigmoid-codes",
        "mu and sigma pass through a sigmoid",
        "the codes say nothing, yet the KL stays at half a nat for each dimension",
        "mu and sigma themselves: both lie between 0 and 1, and mu never gets below 0",
        broken.VAEOfF,
        "mu, logvar = torch.sigmoid(a), 2 * torch.log(torch.sigmoid(b))",
        "mu, logvar = a, b",
        "the second of the two texts that this course started from",
    ),
    Case(
        "G",
        "pine",
        "wide-prior",
        "samples are drawn from a wider distribution than the prior",
        "the bound is fine; samples are bold and exaggerated",
        "the spread of the codes that reach the decoder: 1.5 instead of 1",
        broken.sample_g,
        "z = 1.5 * torch.randn(n, model.latent_dim)",
        "z = torch.randn(n, model.latent_dim)",
        "flax nnx toy example 05 (scale 1.5)",
    ),
    Case(
        "H",
        "hazel",
        "two-sigmoids",
        "the decoder ends in a sigmoid, and the loss applies another",
        "the loss stops near 784 log 2; all pictures are grey fog, their corners too",
        "the range of the numbers that the loss is given: 0 to 1 instead of any logit",
        broken.VAEOfH,
        "return torch.sigmoid(super().decode(z))",
        "return super().decode(z)",
        "a relative: pytorch/examples and pythae have one sigmoid, right with their loss; a second is one step away",
    ),
    Case(
        "I",
        "alder",
        "rounded-away",
        "the cross-entropy is written by hand, from probabilities that round to 0 or 1",
        "training goes well for some epochs, then a loss is NaN",
        "the loss of single pixels at logits from -100 to 100, against `F.binary_cross_entropy_with_logits`",
        broken.pixel_loss_i,
        "log_p, log_not_p = torch.log(p), torch.log(1 - p)",
        "log_p, log_not_p = F.logsigmoid(logits), F.logsigmoid(-logits)",
        "a relative in flax examples/vae, which breaks near a logit of 100",
    ),
    Case(
        "J",
        "fir",
        "batch-norm",
        "mu and logvar pass through batch normalisation",
        "a bound that is nats worse; in training mode, a loss that depends on the order of the images",
        "the code of one image among two sets of neighbours",
        broken.vae_of_j,
        "model.encoder = nn.Sequential(model.encoder, nn.BatchNorm1d(2 * LATENT))",
        "",
        "fastai course22p2, nbs/29_vae",
    ),
    Case(
        "K",
        "elm",
        "training-mode",
        "the model is evaluated in training mode",
        "the same model on the same images is worse than its own validation curve",
        "`model.training` while the number is made; the number again after `model.eval()`",
        broken.evaluate_k,
        "model.train()",
        "model.eval()",
        "a relative in altosaar/variational-autoencoder, whose evaluate leaves one of two networks in training mode",
    ),
    Case(
        "L",
        "rowan",
        "broadcast",
        "an axis of length one is kept, and a difference is taken of all pairs of images",
        "the mean ELBO is right, but with more draws the bound climbs far too high",
        "the shape of the log weights; the bound of a few images, together and one at a time",
        broken.evaluate_l,
        "price = log_ratio.sum(dim=1, keepdim=True)",
        "price = log_ratio.sum(dim=1)",
        "not traced to one place: PyTorch makes [B, B] of [B] and [B, 1] without a word",
    ),
)
CASES = {case.letter: case for case in ALL}


def case(letter: str) -> Case:
    """The case of this letter.

    Raises:
        ValueError: there is none.
    """
    if letter not in CASES:
        raise ValueError(f"There is no case {letter!r}: choose a letter from A to {ALL[-1].letter}.")
    return CASES[letter]


def check_suspect(name: str) -> None:
    """Make sure that somebody in the line-up has this name.

    Raises:
        ValueError: nobody has.
    """
    if name not in {c.suspect for c in ALL}:
        raise ValueError(f"No suspect is called {name!r}: `bugs.line_up()` lists their names.")


def line_up(*named: str) -> None:
    """Show the suspects in a notebook under names that tell nothing, in an order that tells nothing.

    Args:
        named: who is left out, such as those named already; empty names leave out nobody.

    Raises:
        ValueError: a name is nobody's.
    """
    for name in filter(None, named):
        check_suspect(name)
    rows = [(f"`{c.suspect}`", c.accusation) for c in sorted(ALL, key=lambda c: c.suspect) if c.suspect not in named]
    _display(("suspect", "what is said of it"), rows)


def diagnosis_table() -> None:
    """Show symptom, suspect and measurement of every case in a notebook."""
    rows = [(c.symptom, f"{c.letter} `{c.name}`", c.measurement) for c in ALL]
    _display(("symptom", "suspect", "what to measure"), rows)


def _display(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A Markdown table in a notebook."""
    from IPython.display import Markdown, display

    display(Markdown("\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))))
