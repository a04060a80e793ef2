"""The quiz of lesson 14: the account, gradients through a choice, the commitment, dead codes, the quarter of a bit."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A VQ-VAE turns an image into 49 tokens of K = 64 codes. Its reconstructions cost 56 nats. With a uniform prior, what is"
        " -ELBO?",
        (
            Choice(
                "56 nats, as a constant KL is left out of the loss.",
                "It may be left out of a loss, for it has no gradient. Out of the account it can't be: who receives the image"
                " needs the tokens too.",
            ),
            Choice(
                "About 260 nats.",
                "Yes. Each token costs log 64 = 4.16 nats, 49 of them 203.8, and both parts have to be sent.",
                right=True,
            ),
            Choice(
                "About 60 nats, the pixels plus log 64.",
                "That is the price of one token. There are 49, and the costs of independent choices add up.",
            ),
        ),
    ),
    Question(
        "You learn a prior over the tokens of a trained VQ-VAE, whose weights stay as they are. What can change?",
        (
            Choice(
                "The rate and the samples.",
                "Yes. Each token now costs -log p(k), less than log K on average, and samples are drawn from p(k). Encoder and"
                " decoder are as they were, so the distortion stays.",
                right=True,
            ),
            Choice(
                "The distortion, because likelier tokens decode better.",
                "The decoder sees the token, not its probability. Nothing about the reconstruction of an image changes.",
            ),
            Choice(
                "The perplexity, which counts how evenly codes are used.",
                "It belongs to what the encoder chooses, and the encoder stays. A prior learns that use; it doesn't change it.",
            ),
        ),
    ),
    Question(
        "What does the straight-through estimator hand to the encoder?",
        (
            Choice(
                "The exact gradient of the expected loss with respect to the choice, without its noise.",
                "The choice is a step function: where its slope exists it is zero, so what is handed over is no slope of it.",
            ),
            Choice(
                "An unbiased estimate, noisier than that by the score function.",
                "It is the other way about: the score function is unbiased and noisy, straight through is calmer and biased.",
            ),
            Choice(
                "The gradient that the decoder has at the chosen code, as if nothing had been rounded.",
                "Yes. Forwards the code, backwards the identity: cheap and calm, at the price of a bias.",
                right=True,
            ),
        ),
    ),
    Question(
        "In a VQ-VAE trained without revival and without moving averages, a code is chosen by no image. What happens to it?",
        (
            Choice(
                "The commitment term moves it towards the nearest output of the encoder, slowly at first.",
                "That term moves encoders, and holds codes fixed. The codebook term moves codes, and only those that were"
                " chosen.",
            ),
            Choice(
                "It stays where it is, as no term has a gradient for it.",
                "Yes. Nearest codes alone get a gradient, so this one stays in its place, and dead, unless outputs of the"
                " encoder come its way or someone moves it.",
                right=True,
            ),
            Choice(
                "It moves to the mean of all codes.",
                "Nothing ties codes to each other. A code's term is its distance to the vectors that chose it: none here.",
            ),
        ),
    ),
    Question(
        "Numbers from N(0, 1) are rounded to fine, even steps and the indices are entropy-coded. How far above R(D) is that?",
        (
            Choice(
                "By nothing, once the steps are fine enough for the density to be flat within each.",
                "The gap does not close. Cubes fill space worse than spheres, and single numbers make cubes, however small.",
            ),
            Choice(
                "By half a bit.",
                "Half of that. The limit is 1/2 log2(pi e / 6) = 0.2546 bits for a number.",
            ),
            Choice(
                "By about a quarter of a bit for each number.",
                "Yes, 1/2 log2(pi e / 6) = 0.2546 bits. With fine steps only codes for blocks of numbers get below; long"
                " ones approach R(D).",
                right=True,
            ),
        ),
    ),
)
