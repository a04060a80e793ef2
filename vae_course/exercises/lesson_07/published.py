"""07-published: what a published loss says and does not say, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="07-published",
    title="What a published loss says",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        'Answer in four to six sentences somebody who says: "My VAE ends at 103.2, so its images have a '
        'log-probability of -103.2 nats"; two things are wrong with that, and one thing cannot be known.'
    ),
    hints=(
        "On which pixels was the loss computed, on which images, and when? Then lay the published and the measured "
        "losses side by side.",
        "For a grey pixel the cross-entropy is never below -x log x - (1 - x) log(1 - x), which is above 0, and "
        "exp(-cross-entropy) does not integrate to 1 over x in [0, 1]. Published: 189.7, 142.7, ..., 103.2; measured: "
        "164.8, 122.2, ..., 106.2.",
        "Begin: First, on grey pixels the Bernoulli formula is ... Second, the mean is over ... images, taken while "
        "... What cannot be known is how ..., because the printed code gives ...",
    ),
    solution="""\
First, the loss was computed on grey pixels, where the Bernoulli formula is no density: it does not integrate to one
over [0, 1], and even a perfect reconstruction costs many nats. So 103.2 is a loss, but neither a log-probability nor a
bound on one. Second, it is a mean over the training images, taken while the weights were still changing; what
counts is a bound on test images. What cannot be known is how the number came about: the printed code gives other
losses, higher at the end and lower at the start, so the run that was reported must have differed from it.
""",
    explanation=(
        "A number without the code, the data and the reduction that made it can't be checked. That is why this lesson "
        "measures, says how, and repeats the training on pixels that are 0 or 1, where the loss is a bound."
    ),
    rubric=(
        Criterion(
            "Says why 103.2 is no (bound on a) log-probability: binary cross-entropy is a negative log-likelihood for "
            "pixels that are 0 or 1 only; on grey pixels it does not normalise, or has a floor above zero. That it "
            "is an average over training images, or a bound rather than the value itself, counts beside that but not "
            "instead of it.",
            1,
        ),
        Criterion(
            "Compares the two rows (published: higher at the start, lower at the end) and concludes that the printed "
            "code did not make the printed numbers, so their origin is unknown. A possible cause (settings, data, "
            "reduction) named as a guess counts; one cause claimed as certain does not.",
            1,
        ),
    ),
)
