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
        'log-probability of -103.2 nats": say why the loss is not a log-probability, and what the published and the measured '
        "losses tell about where the number came from."
    ),
    hints=(
        "On which pixels was the loss computed, on which images, and when? Then lay the published and the measured "
        "losses side by side.",
        "For a grey pixel the cross-entropy is never below -x log x - (1 - x) log(1 - x), which is above 0, and "
        "exp(-cross-entropy) does not integrate to 1 over x in [0, 1]. Above, the dots show the "
        "published and the measured losses.",
        "Begin: On grey pixels the Bernoulli formula is ..., so 103.2 is ... The published losses start ... and end ..., "
        "while the printed code gives ..., so ...",
    ),
    solution="""\
The loss was computed on grey pixels, where the Bernoulli formula is not a density: it does not integrate to one over
[0, 1], and even a perfect reconstruction costs many nats. So 103.2 is a loss, but neither a log-probability of these
images nor a bound on one. (It is also a mean over training images, taken while the weights were still changing.) Where
the number came from cannot be known: the published losses start higher and end lower than what the printed code gives
here, so the code, or something that the text does not state, differed in the run that was reported.
""",
    explanation=(
        "A number without the code, the data and the reduction that made it can't be checked. That is why this lesson "
        "measures, says how, and repeats the training on pixels that are 0 or 1, where the loss is a bound."
    ),
    rubric=(
        Criterion(
            "Says why 103.2 is no log-probability of grey images, nor a bound on one: binary cross-entropy is a negative "
            "log-likelihood for pixels that are 0 or 1 only; on grey pixels it does not normalise, or has a floor above zero. "
            "That it is an average over training images, or a bound rather than the value itself, or on average a bound for "
            "images drawn from the grey ones, counts beside that but not instead of it.",
            1,
        ),
        Criterion(
            "Compares the losses (published: higher at the start, lower at the end) and concludes that the printed "
            "code alone does not make the printed numbers, so their origin is unknown. A possible cause (settings, data, "
            "reduction) named as a guess counts; one cause claimed as certain does not.",
            1,
        ),
    ),
)
