"""06-what-mse-assumes: what a mean squared error says about the pixels, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="06-what-mse-assumes",
    title="What a mean squared error assumes",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "A fellow student trains a VAE on images of 784 pixels in [0, 1] with the default `nn.MSELoss()`, a mean, plus "
        'the KL summed over the latents: "I assume nothing about the noise, I only want small errors." Answer in three '
        "to five sentences."
    ),
    hints=(
        "Which distribution of a pixel around x' has a negative logarithm that grows with the square of the error? And "
        "how wide is it here?",
        "-log N(x; x', sigma^2) = sum_i (x_i - x'_i)^2 / (2 sigma^2) + constant. Set this beside 1/784 times the same "
        "sum, with the KL at weight 1.",
        "Begin: a squared error is the negative log-likelihood of ..., with ... pixels of the same sigma. The mean over "
        "784 pixels means that sigma^2 is ..., or in other words that the KL has the weight ... It will show in training "
        "as ...",
    ),
    solution="""\
A squared error is, up to a constant, the negative log-likelihood of independent Gaussian pixels around x' that all have
the same sigma, so noise has been assumed, only its size was not said. Divided by 784, the loss is that of sigma^2 = 784/2
= 392: noise about twenty times as large as the whole range of the pixels. Read with sigma^2 = 1/2, the same loss has the
KL at weight beta = 784. Either way almost nothing in an image is worth the price of a code, so the posterior will
collapse to the prior and all reconstructions will look alike. Sum over the pixels and state sigma, or learn it.
""",
    explanation=(
        "A loss determines the product of beta and sigma^2 only, so both readings are right; what cannot be had is a "
        "squared error without a sigma."
    ),
    rubric=(
        Criterion(
            "Names the assumption: independent Gaussian noise with one and the same sigma for all pixels.",
            1,
        ),
        Criterion(
            "Gives its size: sigma^2 = 392 (784/2) at beta = 1, or beta = 784 at sigma^2 = 1/2; either is enough.",
            1,
        ),
        Criterion(
            "Says what follows or what to do: the KL dominates and the code collapses, or sum over pixels with a stated "
            "or learned sigma.",
            1,
        ),
    ),
)
