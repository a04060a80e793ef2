"""The quiz of lesson 04: what moves and what stays, the two KLs, Jensen's direction, k draws, an impossible bound."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "The model stays as it is, and you improve q until the ELBO has risen by 3 nats. What happened to log p(x)?",
        (
            Choice(
                "It rose by 3 nats as well.",
                "log p(x) is the integral of p(z) p(x | z), and q is not in it. In the playground the black "
                "line never moved.",
            ),
            Choice(
                "It rose, but by less than 3 nats, since the ELBO is only a bound.",
                "Not even by a little: a bound may move below a number that stays. It is the gap that took part.",
            ),
            Choice(
                "Nothing; the gap KL(q || p(z | x)) fell by 3 nats.",
                "Yes. log p(x) = ELBO + gap, and the left side depends on the model alone.",
                right=True,
            ),
        ),
    ),
    Question(
        "Which KL is the difference between log p(x) and the ELBO?",
        (
            Choice(
                "KL(q || p(z)), to the prior.",
                "That one is the price of the code, a term inside the ELBO. For a Gaussian q it has a closed form, and "
                "making it zero would mean a code that says nothing about x.",
            ),
            Choice(
                "KL(q || p(z | x)), to the posterior.",
                "Yes. It is zero where q is the posterior, and in general we can't compute it.",
                right=True,
            ),
            Choice(
                "KL(p(z | x) || q), from the posterior.",
                "The two are the right ones but the direction is not: the expectation in the ELBO is under q,"
                " the distribution that we can draw from.",
            ),
        ),
    ),
    Question(
        "Why is E_q[log w] never above log E_q[w]?",
        (
            Choice(
                "Because the logarithm lies below each of its tangents.",
                "Yes. The tangent at the mean weight averages to log E_q[w], and the curve is nowhere above it.",
                right=True,
            ),
            Choice(
                "Because the weights are probabilities, so all of their logarithms are negative.",
                "Weights are ratios and may exceed one; with densities they often do. The inequality holds "
                "for all positive weights.",
            ),
            Choice(
                "Because a mean over few draws is always too small.",
                "The inequality is about exact expectations; on the urns nothing was drawn. A mean of few "
                "draws is right on average; what is too small on average is its logarithm.",
            ),
        ),
    ),
    Question(
        "Training prints an ELBO of -80 nats for an image whose true log p(x) is -85. What does that mean?",
        (
            Choice(
                "The model is better than expected.",
                "The ELBO says how good the model is at least. It can't be better than the truth: -80 lies above -85.",
            ),
            Choice(
                "q has come closer to the posterior than is usual.",
                "Even the exact posterior gives -85. Beyond that, no q leads.",
            ),
            Choice(
                "An estimate may scatter above it by chance; if it stays there with many draws, the code is wrong.",
                "Yes. The bound holds for the expectation. One noisy estimate may pass log p(x), the mean of "
                "many may not: look for a missing KL or a wrong constant.",
                right=True,
            ),
        ),
    ),
    Question(
        "You go from k = 1 to k = 50 draws in the importance-weighted bound. What is sure?",
        (
            Choice(
                "The expected bound does not fall, and stays below log p(x) or at it.",
                "Yes: the curve of section 5 climbed towards log p(x) and not past it. Going deeper proves it by Jensen's "
                "inequality.",
                right=True,
            ),
            Choice(
                "It lies within 1/50 of log p(x), because the error falls as one over k.",
                "Nothing fixes the distance. On the two hills, a q on one hill stayed far below with 50 "
                "draws, while the prior almost got there.",
            ),
            Choice(
                "It has the same expectation as the ELBO, only with a fiftieth of the variance.",
                "That would be the mean of 50 logarithms. Here the weights are averaged first, inside the "
                "logarithm, which gives another and tighter bound.",
            ),
        ),
    ),
    Question(
        "In the form E_q[log p(x, z)] + H(q), what would the best q be without the entropy?",
        (
            Choice(
                "The prior, since nothing asks for a code any more.",
                "The joint holds the likelihood too, so x still matters: it asks for codes that explain x and"
                " that the prior finds likely.",
            ),
            Choice(
                "A spike on the single code with the highest p(x, z).",
                "Yes. A mean is at most the largest value, and a q narrowed around that code comes as close "
                "to it as you like. For a continuous z its entropy then falls without bound, which is why the"
                " ELBO does not choose it; for a discrete z the entropy becomes 0, the smallest that it can "
                "be.",
                right=True,
            ),
            Choice(
                "The posterior, as before.",
                "The entropy is what makes q spread out like the posterior. Without it, every bit of width is"
                " only a loss.",
            ),
        ),
    ),
)
