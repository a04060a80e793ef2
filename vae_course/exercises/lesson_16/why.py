"""16-why: why a top level may carry nothing, and how to find out whether it does, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="16-why",
    title="A top that says nothing",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "A colleague has trained two levels from the bottom up. All ten dimensions of her top level are active by "
        "`active_units`, their KL is half a nat in all, and the bound is where a model of one level had it. She says: the "
        "bound must be wrong, for a good one would use both levels. Answer in five to seven sentences: what does the chain "
        "of section 2 say about this, how much can a top level gain at all, why does training switch it off, and what should "
        "she count and try?"
    ),
    hints=(
        "In the chain p(z1) is N(0, 1) for every a. What does that make of log p(x), and of the sum of the rates? And what "
        "is the top, seen from z1, but a prior?",
        "With q(z1 | x) kept, E log p(z1) can rise above E log N(z1; 0, I) by KL( q(z1) || N(0, I) ) at most. At the first step "
        "z2 is noise to p(z1 | z2). Which term of the loss has a use for q(z2 | z1) then, and what does it want?",
        "Begin: The bound is not wrong, for in the chain ... for every a. Seen from z1 the top is a ..., so it gains at most ... "
        "Early in training ..., so the KL ... She should count ... and not ..., and try ..., which she must compare with ...",
    ),
    solution="""\
The bound is not wrong; with exact posteriors it does not ask who carries the nats. In the chain both rates add up to 0.805 nats
whatever a is: with a = 0 all of it lies at the bottom, with a = 0.95 the top has 0.640 and the bottom 0.165, and log p(x) is
the same. Seen from z1 the top is nothing but a richer prior, p(z1) = E p(z1 | z2): with q(z1 | x) and the decoder kept it can
gain at most the KL of the aggregated q(z1) to N(0, I), and nothing where q(z1) is N(0, I) already, as in the chain, where it is
superfluous. That the top stays idle where there is something to gain is a matter of training: at the start p(z1 | z2) has
learned nothing from z2, so of the whole loss only the KL of the top has a use for q(z2 | z1), and it is least when q is the
prior; after that, z2 is noise and there is nothing to learn from it. Warm-up takes this price away at first, so that p(z1 | z2)
can learn from z2 before z2 is charged for. Whether that helped is told by the ELBO with beta = 1 on images that were not
trained on, over several seeds, and not by the KL of the top alone, for a higher rate at the top is no gain in itself. And she
should count nats: `active_units` calls a dimension active whose mean moves by a tenth, which beside a width of 1 costs 0.005
nats.
""",
    explanation=(
        "An idle level is no bug of the formula and not always a loss. What a top could gain is bounded before anything is "
        "trained, and what it does carry is measured in nats."
    ),
    rubric=(
        Criterion(
            "Says that the bound, or log p(x), is the same for every split of the rates (in the chain 0.805 nats for every "
            "a), so that an idle top is no error of the bound.",
            1,
        ),
        Criterion(
            "Says that the top is a richer prior of z1 and, with q(z1 | x) and the decoder kept, gains at most the KL of the "
            "aggregated q(z1) to N(0, I), or nothing where q(z1) is N(0, I) already.",
            1,
        ),
        Criterion(
            "Explains that early in training z2 is noise to p(z1 | z2), so the KL alone moves q(z2 | z1), to the prior; "
            "names warm-up, to be judged by the ELBO over seeds; and counts nats, not active units.",
            1,
        ),
    ),
)
