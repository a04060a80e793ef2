"""The quiz of lesson 13: what convolution assumes, the ceiling, the scaled label, no label, the three parts, the turn."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "All images are permuted by one fixed shuffle of their pixels, before training and at the test. Whose bound suffers?",
        (
            Choice(
                "That of both, since the strokes are gone.",
                "A fully connected layer never knew which pixels are neighbours: a shuffle of its weights undoes that of "
                "the pixels.",
            ),
            Choice(
                "That of the network with convolutions, which takes near pixels together.",
                "Yes. Convolution assumes that neighbours belong together and that a stroke means the same everywhere. The "
                "shuffle takes that away; a fully connected network starts from weights that favour no order.",
                right=True,
            ),
            Choice(
                "That of neither: the shuffle can be undone.",
                "It can be undone, but not by a small kernel that looks at a few neighbouring pixels at a time.",
            ),
        ),
    ),
    Question(
        "In one conditional model with ten digits, equally likely, log p(x | y) is 2.2 nats above log p(x) for an image x "
        "of digit y. What is p(y | x)?",
        (
            Choice(
                "About 0.9.",
                "Yes: log p(y | x) = log p(y) + 2.2 = -log 10 + 2.2 = -0.10, and exp(-0.10) = 0.90. The difference can't "
                "exceed log 10 = 2.30, where p(y | x) is 1.",
                right=True,
            ),
            Choice(
                "About 9, which shows that the model is not trained well.",
                "exp(2.2) = 9 is how much likelier the label makes the image. It multiplies p(y) = 0.1 to give p(y | x).",
            ),
            Choice(
                "It can't be said without the other nine.",
                "They are inside p(x) already, the sum over all ten. Bayes' rule needs p(x | y), p(y) and p(x).",
            ),
        ),
    ),
    Question(
        "An image has no label, so its class is a latent variable too. Its bound is the mean of L(x, y) + log p(y) under a "
        "classifier q(y | x), plus the entropy of q(y | x). What does this entropy do?",
        (
            Choice(
                "It makes the classifier sure of its answer, as a sharp label would.",
                "It is added to what is maximised, so by itself it asks for doubt. Sureness is bought by bounds that differ.",
            ),
            Choice(
                "Nothing that matters for training, because it doesn't depend on the image.",
                "It is the entropy of q(y | x), which the classifier computes from the image, and it has a gradient.",
            ),
            Choice(
                "It rewards doubt, unless the bounds of the classes differ by more.",
                "Yes. It is the -log q of every ELBO, here for a discrete latent variable. Without it the best q would put "
                "everything on one class, however small its lead.",
                right=True,
            ),
        ),
    ),
    Question(
        "A minibatch estimate of the total correlation comes out as -20 nats. What does that tell?",
        (
            Choice(
                "That the codes are less dependent than independent ones.",
                "Nothing is less dependent than that: a total correlation is a KL divergence, 0 or more.",
            ),
            Choice(
                "That the estimate is off, for example by a log B left out in each dimension.",
                "Yes. A KL is never negative, so this is an error or a bias. Without log B the joint is off once and "
                "the marginals D times, which lowers the estimate by (D - 1) log B.",
                right=True,
            ),
            Choice(
                "That beta is too large, since it pushes the total correlation below its minimum.",
                "No training can push a KL divergence below 0. Only the estimate can lie there.",
            ),
        ),
    ),
    Question(
        "Two models have the same bound and a total correlation of 0; one has a MIG of 0.6, the other of 0. How can that be?",
        (
            Choice(
                "The second one's codes may be the first one's, turned by 45 degrees.",
                "Yes. A rotation keeps N(0, I), p(x) and the bound of the true posterior, and spreads each factor over two "
                "codes. Nothing in the images tells which of the two was meant.",
                right=True,
            ),
            Choice(
                "The second one's codes say nothing of the images at all.",
                "Then its information would be 0, and its bound with a decoder of independent pixels worse than that of a "
                "model which uses its codes.",
            ),
            Choice(
                "It can't: independent codes are the factors.",
                "Independent codes can be mixtures of the factors: the parts of a rotated N(0, I) are independent too.",
            ),
        ),
    ),
)
