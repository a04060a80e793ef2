"""The quiz of lesson 06: the floor of grey cross-entropy, hidden sigmas, mean or sum, batch size, densities, no bound."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A decoder reproduces a grey image exactly, pixel by pixel. What is its cross-entropy, summed over the pixels?",
        (
            Choice(
                "Above zero: the entropy of the coins that the grey levels stand for.",
                "Yes. Cross-entropy is about the drawn pixels, and nobody can predict the draws.",
                right=True,
            ),
            Choice(
                "Zero, since with every pixel reproduced nothing is left that could cost anything.",
                "Only if every pixel is 0 or 1. A pixel of 0.5 costs log 2 even when 0.5 was said: it is "
                "charged as a toss of a coin.",
            ),
            Choice(
                "Below zero, because the cross-entropy of grey pixels is a density, and densities may exceed one.",
                "Cross-entropy lacks the normaliser that would make it a density, and it is never negative. "
                "The continuous Bernoulli's -log p may be.",
            ),
        ),
    ),
    Question(
        "A loss adds up (x - x')^2 over the pixels and adds the KL, also summed. Which Gaussian is that?",
        (
            Choice(
                "One with sigma^2 = 1, the standard one.",
                "That would have a 1/2 in front of the square. Without it the error counts twice as much, so "
                "sigma^2 is half as large.",
            ),
            Choice(
                "One with sigma^2 = 1/2.",
                "Yes. The exponent of a Gaussian is (x - x')^2 / (2 sigma^2), and that factor is 1 for sigma^2 = 1/2.",
                right=True,
            ),
            Choice(
                "None: a squared error assumes no distribution.",
                "Adding it to a KL in nats sets an exchange rate, and that rate is 1 / (2 sigma^2). Somebody "
                "chose a sigma without saying so.",
            ),
        ),
    ),
    Question(
        "Cross-entropy averaged over 784 pixels, plus the KL summed over the latents. All samples look like "
        "one blurred digit. What is the first thing to look at?",
        (
            Choice(
                "The learning rate: it may be too high for the loss to settle.",
                "It changes the speed, not the place of the minimum. Here the minimum itself is bad.",
            ),
            Choice(
                "The reductions: the effective beta is 784.",
                "Yes. Dividing the reconstruction by 784 is multiplying the KL by 784, and the code collapses.",
                right=True,
            ),
            Choice(
                "The number of latents: there are too few to tell the digits apart.",
                "More latents do not help, because none of them is worth its price: each nat counts 784 times.",
            ),
        ),
    ),
    Question(
        "The second text takes the mean of the error, and the KL summed over the batch with weight 0.0001. "
        "You double the batch size. What changes?",
        (
            Choice(
                "The effective beta doubles.",
                "Yes. The mean does not notice the batch, the sum does. The batch size is part of that model.",
                right=True,
            ),
            Choice(
                "Only the noise of the gradients gets smaller.",
                "That holds where both terms are averaged over the batch. Here one of them is summed, so it "
                "counts twice as much.",
            ),
            Choice(
                "Nothing, since the weight is 0.0001 in both.",
                "The printed weight is one of three factors: the reductions and the sizes weigh too.",
            ),
        ),
    ),
    Question(
        "Your Gaussian VAE reports -log p(x | z) = -300 nats. What do you conclude?",
        (
            Choice(
                "There is a bug: a negative log-probability can never be below zero.",
                "That holds for probabilities. A density may exceed one: a Gaussian with sigma = 0.1 does at its peak.",
            ),
            Choice(
                "The model compresses the images to less than nothing, which no coder can do.",
                "A density is not the probability of a stored image. Each level is a bin of width 1/256, which "
                "adds 8 bits to every pixel.",
            ),
            Choice(
                "Nothing yet: the size of a density depends on the pixels' scale.",
                "Yes. Add the KL first: the sum bounds -log p(x), and in bits per pixel, with the 8 bits of "
                "the grey levels added, you can compare it.",
                right=True,
            ),
        ),
    ),
    Question(
        "You give each pixel a learned sigma of its own, and the loss falls and falls, below every number "
        "seen before. Why?",
        (
            Choice(
                "The model has learned the images better than any before.",
                "Look at the pixels that are always paper: the loss falls there, and the pictures stay as they were.",
            ),
            Choice(
                "The KL has collapsed.",
                "A KL can't fall below zero, so it has no endless fall to offer. The likelihood has.",
            ),
            Choice(
                "Some pixels never change, and shrinking their sigma gains log 2 nats with each halving, without end.",
                "Yes. The likelihood has no upper bound there. Give sigma a floor; one sigma for all pixels "
                "helps too, as long as some pixels keep it up.",
                right=True,
            ),
        ),
    ),
)
