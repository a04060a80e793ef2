"""The quiz of lesson 02: arrows, likelihood or posterior, shapes of posteriors, more draws, unbiased, logarithms."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "You draw p(x | z) for one fixed x as a curve over z. What is the area under it?",
        (
            Choice(
                "It can be anything: as a function of z it is not a density.",
                "Yes. Times the prior its area is p(x), and divided by that it is the posterior, whose area is one.",
                right=True,
            ),
            Choice(
                "One, since p(x | z) is a density.",
                "It is a density over x, for each z. Along z nothing has been normalised: in the world of two"
                " hills the area was below one, and the urns' column summed to more than one.",
            ),
            Choice(
                "p(x), because it is an integral over all the codes z.",
                "Almost: p(x) is the area under p(z) p(x | z). Without the prior, codes that nobody draws "
                "would count as much as common ones.",
            ),
        ),
    ),
    Question(
        "The prior is Gaussian, and p(x | z) is Gaussian for each z. Is the posterior Gaussian?",
        (
            Choice(
                "If the mean of x is linear in z and its noise does not depend on z, yes; otherwise in general not.",
                "Yes. A linear mean leaves a quadratic in the exponent, and completing the square gives a "
                "Gaussian. A mean with z^2 puts z^4 into the exponent.",
                right=True,
            ),
            Choice(
                "Yes, since a product of two Gaussians is Gaussian.",
                "p(x | z) is Gaussian as a function of x. As a function of z it is what the decoder makes of "
                "it: in the world of two hills it had two peaks.",
            ),
            Choice(
                "Only in the limit of many draws.",
                "The posterior is fixed by the model and x. No draws take part in it; they only serve to estimate it.",
            ),
        ),
    ),
    Question(
        "In the world of urns, which urn does a red ball come from most probably?",
        (
            Choice(
                "Urn 0, since it is picked more often than either of the others.",
                "That is the prior. Only one in ten of urn 0's balls is red, so a red one speaks against it.",
            ),
            Choice(
                "Urn 2: prior times likelihood is largest there.",
                "Yes. 0.2 times 0.8 is 0.16, a little more than urn 1 with 0.15. Divide by p(red), and you "
                "have the posterior.",
                right=True,
            ),
            Choice(
                "It cannot be said without drawing at least a second ball from the same urn.",
                "One ball already moves the probabilities; the posterior says by how much. A second ball "
                "would move them again.",
            ),
        ),
    ),
    Question(
        "Why is there no grid in 20 latent dimensions?",
        (
            Choice(
                "Because a sum is too inexact there.",
                "Along one axis 25 points were plenty, and the same would hold along each of 20. What is "
                "missing is the time for all combinations.",
            ),
            Choice(
                "Because densities in 20 dimensions are not smooth.",
                "They are as smooth as before. A product of 20 Gaussians is a very smooth function.",
            ),
            Choice(
                "Because the number of grid points is that of one axis to the power of 20.",
                "Yes: 25 points an axis are 25 to the power of 20 evaluations of the joint.",
                right=True,
            ),
        ),
    ),
    Question(
        "The naive estimate of p(x) is unbiased. What does one estimate from 1,000 draws look like in 20 "
        "dimensions, in the world of section 8?",
        (
            Choice(
                "Close to p(x): a little above it in one run, a little below in another, since it is unbiased.",
                "Unbiased concerns the mean of very many estimates. A single one is typically some millionths of p(x).",
            ),
            Choice(
                "Nearly always far too small; a rare, huge one makes up for it in the mean.",
                "Yes. That is also why the error measured from some hundred estimates looks smaller than it is.",
                right=True,
            ),
            Choice(
                "Nearly always too large, since one lucky draw dominates the whole sum.",
                "A draw does dominate, but mostly it is the best of a bad lot. The truly lucky ones come so "
                "rarely that you will hardly see one.",
            ),
        ),
    ),
    Question(
        "You take the logarithm of an unbiased estimate of p(x). On average the result is",
        (
            Choice(
                "log p(x), since unbiased stays unbiased.",
                "Only a straight line would keep it so. The logarithm is bent, and means do not pass through "
                "bent functions.",
            ),
            Choice(
                "above log p(x), since logsumexp rounds up.",
                "logsumexp is exact to the last digits. The difference comes from the mean and the logarithm,"
                " which can't change places.",
            ),
            Choice(
                "below log p(x).",
                "Yes. The logarithm takes more away for an estimate that is too low than it gives for one "
                "that is too high. More draws make the gap smaller.",
                right=True,
            ),
        ),
    ),
)
