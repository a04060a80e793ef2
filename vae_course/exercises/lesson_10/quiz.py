"""The quiz of lesson 10: the sum and the slope, the split, active units, why a code dies, what a cure costs, free bits."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "Two models have (rate, distortion) = (5, 100) and (20, 85) nats. Which has the better ELBO?",
        (
            Choice(
                "The second: its pictures are closer to the originals.",
                "Its distortion is lower, but its code costs 15 nats more. The ELBO is minus the sum of both.",
            ),
            Choice(
                "Neither: both sums are 105 nats.",
                "Yes. They lie on the same line R + D = constant. The ELBO does not see where the information is.",
                right=True,
            ),
            Choice(
                "The first: its code is cheaper.",
                "Its code is cheaper, but it needs 15 nats more once the code is known. The ELBO is minus the"
                " sum of both.",
            ),
        ),
    ),
    Question(
        "At beta = 4 you may buy one more nat of rate. By how much must it lower the distortion to be worth it?",
        (
            Choice(
                "By one quarter of a nat or more.",
                "That is the exchange at beta = 1/4, where the code is cheap. At beta = 4 a nat of rate costs four.",
            ),
            Choice(
                "By one nat or more, as in the ELBO.",
                "That holds at beta = 1. The loss here is D + 4 R.",
            ),
            Choice(
                "By 4 nats or more.",
                "Yes. The loss is D + 4 R: a nat of rate costs four. At the optimum the slope of the curve is -4.",
                right=True,
            ),
        ),
    ),
    Question(
        "The rate is 3 nats, the information I among N = 2,000 images is 2.2 nats, and log N = 7.6. What are "
        "the other 0.8 nats?",
        (
            Choice(
                "The noise of the draws.",
                "Both numbers come from the same draws. What is left has a name: KL( q(z) || p(z) ).",
            ),
            Choice(
                "The gap between log p(x) and the ELBO, which no encoder closes.",
                "That gap is KL( q(z | x) || p(z | x) ), a distance to the true posterior. The rate measures "
                "the distance to the prior.",
            ),
            Choice(
                "The distance of the mixture of all posteriors from the prior.",
                "Yes: the rate is I + KL( q(z) || p(z) ), with q(z) the mixture of these posteriors. Whether 2,000 images "
                "say so of all images, the second estimate tells: at a rate of 12 nats most of the rest could be "
                "information that they can't show.",
                right=True,
            ),
        ),
    ),
    Question(
        "The posterior of dimension 3 has mean 0.8 and standard deviation 0.5 for every image. What is true of it?",
        (
            Choice(
                "It has a KL above zero and is not active.",
                "Yes. It pays for a code that is the same for all images: all marginal KL, no information.",
                right=True,
            ),
            Choice(
                "It is active, because its KL is above zero.",
                "The KL asks how far q is from the prior. Active is a dimension whose mean differs from image"
                " to image.",
            ),
            Choice(
                "It has collapsed, so its KL is zero.",
                "A collapsed posterior equals the prior. This one is the same for all images, but elsewhere.",
            ),
        ),
    ),
    Question(
        "A decoder sees the pixels before the one that it predicts. Why may it leave the code unused, even at"
        " beta = 1?",
        (
            Choice(
                "Because what the code would tell may be told by those pixels, free of charge, while each nat"
                " of code has to be paid for.",
                "Yes. Rate is bought only where a nat of it saves a nat of distortion or more.",
                right=True,
            ),
            Choice(
                "Because gradients do not reach the encoder through such a decoder.",
                "They do. But early in the training a code is noise that costs nats and saves none.",
            ),
            Choice(
                "Because its likelihood is no longer a bound.",
                "It is a proper likelihood: a product of conditional probabilities that sums to one. The ELBO"
                " stays a bound.",
            ),
        ),
    ),
    Question(
        "Free bits of 0.5 nats are set for each of 20 dimensions. What is the least that the code costs in the loss?",
        (
            Choice(
                "0 nats, if all posteriors equal the prior.",
                "Each dimension costs its floor even then. The loss can't be lowered by collapsing it.",
            ),
            Choice(
                "10 nats.",
                "Yes: 20 times 0.5. Below its floor a dimension costs the same whatever it carries, so there "
                "is no reason to leave it empty.",
                right=True,
            ),
            Choice(
                "0.5 nats.",
                "That would be one floor under the sum. Here each of the 20 dimensions has its own.",
            ),
        ),
    ),
)
