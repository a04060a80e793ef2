"""04-why-q: what moving q changes and what it does not, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="04-why-q",
    title="What q can and can't change",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        'A fellow student says: "I maximised the ELBO over q until it stopped rising, so now my model gives the data a '
        'higher probability." Answer in three to five sentences.'
    ),
    hints=(
        "Which distributions does the model consist of? Is q one of them?",
        "log p(x) = ELBO + KL(q || p(z | x)), and p(x) is the integral of p(z) p(x | z), in which there is no q.",
        "Begin: log p(x) depends on ... only, so moving q ... When the ELBO rises while the model stays, the ... falls "
        "by the same amount, which means that q ... To raise log p(x) itself one has to ...",
    ),
    solution="""\
log p(x) is the logarithm of the integral of p(z) p(x | z). The model alone determines it, q does not occur in it, so
moving q cannot change the probability that the model gives to the data. The ELBO and the gap KL(q || p(z | x)) add up
to log p(x): when the ELBO rises and the model stays, the gap falls by the same number of nats. What has improved is q:
it is a better approximation of the posterior, and the bound tells more about log p(x). A higher log p(x) needs another
model, that is, a change of p(z) or p(x | z).
""",
    explanation=(
        "Training a VAE moves both at once. The encoder can only change the gap. The decoder changes log p(x) and the "
        "gap: the ELBO may rise because the gap has shrunk, even while log p(x) falls, and the ELBO alone does not tell "
        "how much of each there was."
    ),
    rubric=(
        Criterion(
            "Says that log p(x) does not depend on q, with a reason: it is the integral of p(z) p(x | z), or it is "
            "fixed by the model. Only repeating that the ELBO is a lower bound is not enough.",
            1,
        ),
        Criterion(
            "Says what did change: the gap KL(q || p(z | x)) fell by as much as the ELBO rose, so q is closer to the "
            "posterior, or the bound is tighter.",
            1,
        ),
    ),
)
