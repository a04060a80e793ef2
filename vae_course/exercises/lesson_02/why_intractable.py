"""02-why-intractable: why more draws from the prior do not save us, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="02-why-intractable",
    title="Why more draws are no way out",
    points=2,
    difficulty=3,
    minutes=6,
    task=(
        'A fellow student says: "The estimate is unbiased, so for 20 latent dimensions I take a few more draws from the '
        'prior and have p(x)." Answer in three to five sentences.'
    ),
    hints=(
        "Where in the space of codes does the integrand p(z) p(x | z) live, and how often does the prior draw there?",
        "The relative variance of the mean of L draws is (E[p(x | z)^2] / p(x)^2 - 1) / L; in section 8 the first term is c^D.",
        "Begin: unbiased only says that ... on average over ... But the codes that explain x fill a share of the prior "
        "that ..., so most estimates ... and the number of draws has to grow like ...",
    ),
    solution="""\
Unbiased says that the estimates are right on average over very many repetitions, not that one of them is near p(x). In the
world of section 8 the codes that explain x fill a share of the prior that shrinks by a constant factor with each dimension,
so nearly all draws contribute nothing and a rare lucky draw carries the whole sum. The relative variance grows like c^D,
with c above 1, so the number of draws for the same accuracy grows like c^D as well: hundreds in two dimensions, billions in
twenty. A few more draws change nothing, and most estimates are far too small. One has to draw where the posterior is.
""",
    explanation=(
        "Drawing where the posterior is needs some idea of the posterior, which needs p(x). Lesson 03 shows the way out "
        "of this circle: put a simple distribution in its place and make it as close as possible."
    ),
    rubric=(
        Criterion(
            "Separates unbiased from accurate: the mean over many repetitions is right, while a single estimate may be "
            "far off, and typically too small.",
            1,
        ),
        Criterion(
            "Gives the reason for the growth with the dimension: draws from the prior rarely land where p(x | z) is high, "
            "a share that shrinks exponentially, so the number of draws must grow exponentially.",
            1,
        ),
    ),
)
