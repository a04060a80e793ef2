"""05-why-variance: why the score function's variance grows with the dimension, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="05-why-variance",
    title="Where the noise comes from",
    points=2,
    difficulty=3,
    minutes=8,
    task=(
        "Explain in three to five sentences why the variance of the score-function gradient of one coordinate grows with "
        "the dimension D for f(z) = -1/2 |z - a|^2, why that of the pathwise gradient doesn't, and what a baseline can "
        "and can't do about it."
    ),
    hints=(
        "Write down both estimates for the first coordinate. Which of the noise numbers eps_1, ..., eps_D occur in each?",
        "Score function: f(z) times (z_1 - mu_1) / sigma_1^2, where f is a sum over all D coordinates. Pathwise: the "
        "slope of f in z_1 alone, -(z_1 - a_1).",
        "Begin: the score-function estimate multiplies the score of one coordinate by ..., which contains ... Of these D "
        "terms, only ... has to do with z_1; the others ... on average but ... A baseline takes away their ... but not "
        "their ...",
    ),
    solution="""\
The score-function estimate for one coordinate multiplies that coordinate's score by the whole value f(z), which is a sum
over all D coordinates. Only one term of the sum has to do with z_1; the other D - 1 are independent of its score, so they
contribute zero on average, but each draw of them makes the product larger or smaller, which is noise. Without a baseline
the mean of f, which grows like D, multiplies the score, and the variance grows like D squared. A baseline removes that
mean, but not the fluctuation of the other terms around it, whose variance is proportional to D. The pathwise estimate
uses the slope of f in z_1, and the other coordinates do not occur in it, so its variance does not depend on D.
""",
    explanation=(
        "The score function gets one number, f, and has to find out by trial which coordinate earned it. The slope tells "
        "each coordinate its own share at once. That is why a decoder's gradient is worth so much."
    ),
    rubric=(
        Criterion(
            "Says where the growth comes from: the score of one coordinate is multiplied by the whole of f, whose other "
            "terms do not depend on that coordinate and add only noise, while the pathwise estimate holds just that "
            "coordinate's slope. Only stating that one variance is larger is not enough.",
            1,
        ),
        Criterion(
            "Says that a baseline removes the mean or the common level of f, but not its fluctuation from draw to draw, "
            "so that some growth with D remains (linear in place of quadratic).",
            1,
        ),
    ),
)
