"""12-anomaly-report: why a low likelihood is not the same as strange, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="12-anomaly-report",
    title="Strange, or only complicated?",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        'A colleague trains a VAE on photographs of intact parts and proposes: "We throw out each part whose -ELBO is above '
        'a limit; what the model has never seen must have a low likelihood." Answer in four to six sentences: where it goes '
        "wrong, why, and what you would measure before you trust it."
    ),
    hints=(
        "Which images in section 2 had a higher likelihood than the digits that the model was trained on?",
        "-log p(x) counts bits. An image of few strokes needs few bits, whether it was seen or not.",
        "Begin: This finds parts that ... , but an image that is simpler than ... gets ... , as the ones did in ... The "
        "reason is that ... I would compare with ... , look at both tails, and measure the AUROC on ...",
    ),
    solution="""\
It may find parts that show something extra, such as a scratch, if the decoder has no cheap way to draw it. But -ELBO
counts bits, and an image with little on it needs few bits, seen or not: a model trained without ones gives ones, dots and
empty images a higher likelihood than the digits it knows. So a missing part, or a photograph that is out of focus, may
pass with the best score of all. A high density is also not where the samples lie: typical images have a -ELBO near the
mean of the validation images, so scores that are far too low are a warning as well. I would look at both tails, take off
what the image costs a coder that knows nothing of the parts, and measure the AUROC, with its standard error, on real
faults of every kind, the simple ones in particular.
""",
    explanation=(
        "The likelihood is a sum over all pixels, and how complicated an image is can move it more than how strange it is."
    ),
    rubric=(
        Criterion(
            "Says that simpler images than the usual ones can get a higher likelihood although the model has never seen "
            "them, with an example (ones, blank images, a missing part).",
            1,
        ),
        Criterion(
            "Gives a reason: the likelihood counts bits and mixes complexity with strangeness; or typical images do not "
            "lie where the density is highest.",
            1,
        ),
        Criterion(
            "Proposes a check or a remedy: AUROC on real faults with a standard error, both tails (typicality), or the "
            "difference to a general coder.",
            1,
        ),
    ),
)
