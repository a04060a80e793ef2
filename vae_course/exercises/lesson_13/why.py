"""13-why: why factors can't be found from p(x) alone, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="13-why",
    title="What p(x) does not say",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "A colleague trains without labels and says: with a better bound and a total correlation of 0, the codes must be "
        "the true factors. Answer in four to six sentences: why can no method find the factors from p(x) alone, what does "
        "the cell with the rotation show of this, and what could make her codes the factors all the same?"
    ),
    hints=(
        "If z is N(0, I), what is the distribution of R z for a rotation R? And which of the two does p(x) know of?",
        "A decoder that turns its code back first has the same p(x). So compare, for both codes: prior, p(x), bound, total "
        "correlation, MIG. Which of these differ?",
        "Begin: A turned N(0, I) is ..., so a decoder that ... gives the same p(x), and no image tells ... In the cell, "
        "from 0 to 45 degrees, the bound ... and the total correlation ..., but the MIG ... With a diagonal q the bound ... "
        "So what chooses is not p(x) but ...",
    ),
    solution="""\
A rotation of N(0, I) is N(0, I) again, so for every decoder there is another one that turns the code back first: it has
the same prior and the same p(x), and its codes are mixtures of the old ones. Whatever looks at images alone, with
however many of them, gives both the same score, so it has no reason to prefer the factors; without rotations the same
holds for other maps that keep the prior. The cell shows this exactly: from 0 to 45 degrees the bound with the true
posterior stays at -4.86 nats and the total correlation at 0, while the gap of both factors, and with it the MIG, falls
to 0. Independent codes are not yet the factors. With a diagonal q the bound does fall, by 0.34 nats: there the choice
of the family of q prefers some axes, which is a bias of the method and not knowledge of the factors, and the axes that
it prefers are those in which the posterior has no correlations. So the codes become the factors only through something
besides p(x): such a bias that happens to fit, some labels, pairs of images that share a factor, or a known structure of
the decoder; and whether they did can be checked only with known factors.
""",
    explanation=(
        "Locatello and others proved it for any prior with independent parts (https://arxiv.org/abs/1811.12359). It says "
        "nothing against codes that are factors, only against the hope that a better bound brings them about."
    ),
    rubric=(
        Criterion(
            "Says that a rotation of the codes leaves N(0, I) as it is, and that a decoder which turns them back gives the "
            "same p(x), so that images alone can't tell the two apart.",
            1,
        ),
        Criterion(
            "Reports the cell: with the true posterior bound and total correlation stay, while the MIG falls to 0; so "
            "neither is a measure of factors found.",
            1,
        ),
        Criterion(
            "Names what may choose all the same, such as a diagonal q (whose bound falls), labels, pairs or structure, and "
            "calls it a bias or knowledge beyond p(x).",
            1,
        ),
    ),
)
