"""10-cure: why a rate of zero is no accident, and what a cure may cost, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="10-cure",
    title="A cure and its price",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "A colleague's VAE with a powerful decoder has a rate of 0.1 nats and a good ELBO. She lowers beta until the rate "
        "is 15 nats, and the ELBO gets worse. She asks which of the two models is broken. Answer in four to six sentences."
    ),
    hints=(
        "What does the ELBO measure, and does it ask where the information is: in the code, or in the decoder?",
        "On a line R + D = constant all models have the same ELBO. Lower beta moves to larger R; what of R + D?",
        "Begin: Neither, for ... The ELBO is -(R + D), and it does not see ... A decoder that ... The second model pays "
        "... nats for ... Which one she wants depends on ...; to keep both she could ...",
    ),
    solution="""\
Neither is broken; they answer different wishes. The ELBO is minus the sum of rate and distortion, so it does not see whether
the information sits in the code or in the decoder: a decoder that models the pixels well by itself reaches a good sum with a
rate of zero. The loss has no term that asks for a useful code, and an unused one is the cheapest. A beta below one makes the
code cheaper than the bound says, so the model buys nats of rate that do not save as many nats of distortion, and the sum gets
worse. If she wants a good bound, as for compression, the first model is the better one (by log p(x) it need not be, for a part
of what the second loses is its gap); if she wants a representation, the second one, and its loss in ELBO is the price. Before
she accepts that price she can weaken the decoder, anneal the weight of the KL, or set free bits, and compare the rate, the
active units and the ELBO, always measured with beta = 1.
""",
    explanation=(
        "Collapse is a fault only where the code is wanted. Say what the model is for, then read the ELBO together with the "
        "rate: one number can't answer for both."
    ),
    rubric=(
        Criterion(
            "Says that the ELBO is minus (rate + distortion) and does not see where the information is, so a decoder that "
            "needs no code can have a good ELBO at rate zero.",
            1,
        ),
        Criterion(
            "Explains why a beta below one costs ELBO: more rate is bought than it saves in distortion, or the loss is no "
            "longer the bound.",
            1,
        ),
        Criterion(
            "Makes the answer depend on the purpose (likelihood or representation), and names at least one other cure, or "
            "says that ELBOs must be compared at beta = 1.",
            1,
        ),
    ),
)
