"""The quiz of lesson 19: what an acceptance test shows, entropy, two errors, choices, weights, bounds side by side."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A pipeline reports -log p(x) = 5.1 nats, averaged over very many images of a world whose entropy is 5.3 nats. What "
        "follows?",
        (
            Choice(
                "The model is better than the world's own distribution.",
                "None is: the cross-entropy is the entropy plus a KL, which is not negative.",
            ),
            Choice(
                "The number is wrong, or no -log p(x) in nats for a whole image.",
                "Yes. Nothing beats the entropy on average. Look at the unit, for a mean over pixels, and whether p(x) adds "
                "up to 1.",
                right=True,
            ),
            Choice(
                "The model has learnt its training images by heart.",
                "That makes training images likely and others less so. Averaged over the world it makes -log p(x) larger.",
            ),
        ),
    ),
    Question(
        "The acceptance test passes. What is shown?",
        (
            Choice(
                "That the model is good.",
                "An untrained model passes too. The test is about the numbers that are reported, not about the model.",
            ),
            Choice(
                "That the pipeline's numbers mean what they say, for a model of this kind.",
                "Yes: ELBO, bound and unit are right where all is known. Weights that underflow, or images with 784 pixels, are "
                "beyond it.",
                right=True,
            ),
            Choice(
                "That the same code is right for any data.",
                "Not that either: 12 pixels don't underflow, are binary, and need no test set.",
            ),
        ),
    ),
    Question(
        "One training of each of two methods; paired over 10,000 test images, A leads by 0.20 ± 0.02 nats. Single trainings of "
        "either method have a standard deviation of 0.15 nats. What may you say?",
        (
            Choice(
                "These weights of A are better than these of B on such images.",
                "Yes, that is what ten standard errors over images say. The methods would differ by 0.2 ± 0.21 with one training "
                "each.",
                right=True,
            ),
            Choice(
                "Method A is better: ten standard errors are enough.",
                "They are errors over images. With new seeds for both, the lead itself has a standard deviation of 0.15 times "
                "the root of 2.",
            ),
            Choice(
                "Nothing, for an error over images is of no use.",
                "It says that the difference of these two models is not one of luck with the test images.",
            ),
        ),
    ),
    Question(
        "You train 20 models, take the one with the best bound on the validation images, and report its bound on them. The "
        "number is ...",
        (
            Choice(
                "too good, on average.",
                "Yes. The best of 20 has also been lucky with these images. Read the test images once, after the choice.",
                right=True,
            ),
            Choice(
                "right, since no test image was touched.",
                "The images were touched by the choice: whichever model suited them best was taken.",
            ),
            Choice(
                "right, since all 20 were treated alike.",
                "All alike, and then one was picked by the very number that is reported.",
            ),
        ),
    ),
    Question(
        "A model saves 2 bits an image against a table that both sides have, and has 10,000 parameters of 32 bits. "
        "You send 20,000 images. Who wins?",
        (
            Choice(
                "The model: 2 bits less for each of them.",
                "That is 40,000 bits saved. What has been spent on the weights?",
            ),
            Choice(
                "The table, by 280,000 bits.",
                "Yes: 320,000 bits of weights against 40,000 saved. At 160,000 images they are even.",
                right=True,
            ),
            Choice(
                "They are even.",
                "They are at 160,000 images: 10,000 parameters times 32 bits, over 2 bits an image.",
            ),
        ),
    ),
)
