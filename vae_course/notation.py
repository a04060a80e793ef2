"""The notation ledger: each symbol of the course with its name in code, its shape, and the lesson that introduces it."""

from dataclasses import dataclass

# What the letters in a shape count.
LETTERS = {
    "B": "examples in a batch",
    "D": "latent dimensions",
    "X": "numbers in an observation that is not an image",
    "L": "draws of z for each example",
}


@dataclass(frozen=True)
class Symbol:
    """One row of the ledger.

    Args:
        formula: the symbol as it stands in formulas, in LaTeX.
        meaning: what it is.
        code: its name in code, the same in every lesson and in the package; empty, as are shape and example, if it
            stands in formulas only.
        shape: its shape; for a distribution its batch and its event, what one draw looks like.
        lesson: the lesson that introduces it, such as "03".
        example: an expression that gives it, with `model` a VAE, `world` an `exact.LinearGaussian` and `points` of it.
    """

    formula: str
    meaning: str
    code: str
    shape: str
    lesson: str
    example: str


IMAGES, CODES = "[B, 1, 28, 28]", "[B, D]"

SYMBOLS = (
    Symbol("x", "what is observed: here a batch of images", "x", IMAGES, "00", "images.x"),
    Symbol("y", "class of an image, 0 to 9", "y", "[B]", "00", "images.y"),
    Symbol("z", "latent code", "z", CODES, "00", "model.posterior(x).rsample()"),
    Symbol(r"\mu", "mean of a Gaussian over codes", "mu", CODES, "00", "model.encode(x)[0]"),
    Symbol("p(z)", "prior", "prior", "batch [], event [D]", "02", "model.prior()"),
    Symbol(r"p(x \mid z)", "likelihood", "likelihood", "batch [B], event [1, 28, 28]", "02", "model.likelihood(z)"),
    Symbol(r"p(z \mid x)", "posterior", "posterior", "batch [B], event [D]", "02", "world.posterior(points)"),
    Symbol(r"\log p(x \mid z)", "log-likelihood, nats", "log_px_z", "[B]", "02", "objectives.elbo(model, x).log_px_z"),
    Symbol(r"\log p(x)", "log marginal, or evidence, nats", "log_px", "[B]", "02", "world.log_marginal(points)"),
    Symbol("W", "loadings of the linear-Gaussian world", "W", "[X, D]", "02", "world.W"),
    Symbol("b", "mean of x in the linear-Gaussian world", "b", "[X]", "02", "world.b"),
    Symbol(r"\sigma", "standard deviation of the noise on x", "sigma", "[]", "02", "world.sigma"),
    Symbol(r"\varepsilon", "standard normal noise", "eps", CODES, "02", "torch.randn_like(mu)"),
    Symbol(r"q(z \mid x)", "approximate posterior", "q", "batch [B], event [D]", "03", "model.posterior(x)"),
    Symbol(r"\log\sigma^2", "log variance of q, never log sigma", "logvar", CODES, "03", "model.encode(x)[1]"),
    Symbol(r"\sigma", "standard deviation of q", "std", CODES, "03", "model.posterior(x).stddev"),
    Symbol(r"\mathrm{KL}(q \,\Vert\, p)", "divergence of q from p, nats", "kl", "[B]", "03", "gaussian_kl(mu, logvar)"),
    Symbol(
        r"\mathcal L", "evidence lower bound, nats, maximised", "elbo", "[B]", "04", "objectives.elbo(model, x).elbo"
    ),
    Symbol(r"\theta", "parameters of the model", "", "", "04", ""),
    Symbol(r"\phi", "parameters of the encoder, the network that gives q", "", "", "04", ""),
    Symbol(
        r"\log w",
        "log weight of a draw, log p(x, z) minus log q, nats",
        "log_w",
        "[L, B]",
        "04",
        "objectives.log_weights(model, x, k=L)",
    ),
    Symbol(r"\ell", "log odds of each pixel", "logits", IMAGES, "06", "model.decode(z)"),
    Symbol(r"\beta", "weight of the KL", "beta", "[]", "06", "1.0"),
    Symbol(r"p(x \mid z, y)", "likelihood of a model that is told the class", "", "", "13", ""),
    Symbol(r"q(z \mid x, y)", "approximate posterior of such a model", "", "", "13", ""),
    Symbol("v_k", "known factor of an image", "", "", "13", ""),
    Symbol("I(z_d; v_k)", "information of a latent dimension about a factor, nats", "", "", "13", ""),
    Symbol("k", "token: the number of a code", "", "", "14", ""),
    Symbol("e", "codes of a codebook, one for each token", "", "", "14", ""),
    Symbol("z_e, z_q", "vector that an encoder gives, and the code in its stead", "", "", "14", ""),
    Symbol(r"\mathrm{sg}", "stop-gradient: the value passes, the gradient does not", "", "", "14", ""),
    Symbol("z_0, z_K", "draw from a simple density, and what K steps of a flow make of it", "", "", "15", ""),
    Symbol("q_0, q_K", "their densities", "", "", "15", ""),
    Symbol(
        r"\log\lvert\det \partial y / \partial z\rvert", "log of how much a step stretches volume", "", "", "15", ""
    ),
    Symbol(r"\Lambda", "precision matrix, the inverse of a covariance", "", "", "15", ""),
    Symbol("p'(z)", "another prior for the same codes", "", "", "15", ""),
    Symbol("z_1, z_2", "codes of the bottom level, next to the image, and of the top level", "", "", "16", ""),
    Symbol(r"p(z_1 \mid z_2)", "what the top level says of the bottom", "", "", "16", ""),
    Symbol(r"q(z_2 \mid z_1)", "approximate posterior of the top, from the bottom up", "", "", "16", ""),
    Symbol(r"q(z_1 \mid x, z_2)", "approximate posterior of the bottom, from the top down", "", "", "16", ""),
    Symbol("R_1, R_2", "rates of the bottom and of the top, nats", "", "", "16", ""),
    Symbol("x_0", "point of the data, below all levels", "", "", "17", ""),
    Symbol("x_t, x_s", "level t of a diffusion model, and the level before it, next to the data", "", "", "17", ""),
    Symbol(r"\tilde x_0", "level 0, the data but for a trace of noise", "", "", "17", ""),
    Symbol("T", "number of steps of a diffusion model", "", "", "17", ""),
    Symbol(r"\alpha_t, \sigma_t", "how much signal and how much noise a level holds", "", "", "17", ""),
    Symbol(r"\mathrm{SNR}_t", "signal-to-noise ratio of a level", "", "", "17", ""),
    Symbol(r"\hat x_0, \hat\varepsilon", "guesses of the point, and of the noise in a level", "", "", "17", ""),
    Symbol("L_T, L_t, L_0", "terms of a diffusion model's negative bound, nats", "", "", "17", ""),
    Symbol(r"\nabla \log q(x_t)", "score of a level, a gradient with respect to $x_t$", "", "", "17", ""),
    Symbol(r"\hat\varepsilon - \hat x_0", "velocity of flow matching", "", "", "17", ""),
    Symbol(
        r"\eta", "fresh noise of a step, as a share of the ancestral sampler's (standard deviation)", "", "", "17", ""
    ),
    Symbol("c", "scaling factor: what a code is multiplied by before a diffusion prior sees it", "", "", "18", ""),
    Symbol("w", "guidance weight", "", "", "18", ""),
    Symbol(r"\hat v", r"guess of $v = \alpha_t \varepsilon - \sigma_t x_0$", "", "", "18", ""),
    Symbol("p^*(x)", "distribution of a world that is known", "", "", "19", ""),
    Symbol("H", "entropy, the least mean of $-\\log p(x)$ that there is, nats", "", "", "19", ""),
)


def markdown() -> str:
    """The ledger as a Markdown table, and what the letters in its shapes count."""
    rows = [
        f"| ${s.formula}$ | {s.meaning} | {f'`{s.code}`' if s.code else ''} | {s.shape} | {s.lesson} |"
        for s in sorted(SYMBOLS, key=lambda s: s.lesson)
    ]
    letters = "; ".join(f"{letter}: {meaning}" for letter, meaning in LETTERS.items())
    head = "| symbol | meaning | in code | shape | first in lesson |\n|---|---|---|---|---|"
    return "\n".join([head, *rows, "", f"Letters in shapes. {letters}."])


def show() -> None:
    """Show the ledger in a notebook."""
    from IPython.display import Markdown, display

    display(Markdown(markdown()))
