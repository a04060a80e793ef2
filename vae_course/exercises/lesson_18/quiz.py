"""The quiz of lesson 18: codes without a prior, the scaling factor, a model card, guidance, other losses, bits and looks."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "An autoencoder was trained with the KL weight 1e-6, and nothing is learned about its codes afterwards. Why are pictures "
        "of codes from N(0, I) poor?",
        (
            Choice(
                "Its decoder has learned too little: with so small a KL it can't make sharp pictures.",
                "Give it the codes of images and it makes nearly exact copies. But it has never met codes like these.",
            ),
            Choice(
                "Almost none of these codes lies where the codes of images lie.",
                "Yes. Next to nothing held the codes to N(0, I): they spread wider and in a shape of their own, and the decoder "
                "was never trained elsewhere.",
                right=True,
            ),
            Choice(
                "Its posteriors are so narrow that a draw from N(0, I) can't be exact enough.",
                "Narrow posteriors alone do no harm: a prior that knows where they lie makes good pictures of the same codes.",
            ),
        ),
    ),
    Question(
        'A model card says: "images 3 x 512 x 512, downsampling 8, 4 channels, scaling factor 0.18215". How many numbers are in '
        "a code, and by how much do codes spread before they are scaled?",
        (
            Choice(
                "64 x 64 x 4 = 16,384 numbers of standard deviation 5.49, which is 1 / 0.18215.",
                "Yes: a 48th of the 786,432 numbers of an image, and the factor is what brings their standard deviation to 1.",
                right=True,
            ),
            Choice(
                "64 x 64 x 4 = 16,384 numbers of standard deviation 0.18.",
                "The factor multiplies codes, and afterwards they have the standard deviation 1. Before, it was 1 / 0.18215.",
            ),
            Choice(
                "64 x 64 x 3 x 4 = 49,152 numbers, with the standard deviation 5.49, the inverse of the scaling factor.",
                "The spread is right. But the 4 channels stand in place of the 3 colours: a code is 4 x 64 x 64.",
            ),
        ),
    ),
    Question(
        "Two diffusion priors were trained on the same codes of D numbers, one with c = 1, one with c = 0.25. Their programs "
        "report bounds on log p(x_0), x_0 = c z. How do you compare them?",
        (
            Choice(
                "As they are: scaling throws nothing away, so a likelihood can't change by it.",
                "It throws nothing away, but a density is per volume, and the volume shrinks by c^D. So the numbers do change.",
            ),
            Choice(
                "Not at all: they are densities of other variables.",
                "They are, but each of these variables is a known function of z, so each bound becomes one on log p(z).",
            ),
            Choice(
                "After D log c has been added to each of the two bounds.",
                "Yes. log p(z) = log p(x_0) + D log c: both are then bounds for the same z. For c = 1 nothing is added.",
                right=True,
            ),
        ),
    ),
    Question(
        "You draw codes of the class 3 with guidance, w = 1. From which density do they come?",
        (
            Choice(
                "From p(z | y)^2 / p(z), normalised.",
                "Each level has the score of such a ratio of noisy densities, but these are not the diffusion of one density, so "
                "the way down does not end there.",
            ),
            Choice(
                "From neither p(z | y) nor p(z | y)^2 / p(z), normalised: guided steps end elsewhere.",
                "Yes. The chain that takes guided guesses is another model, whose bound on log p(z | y) is lower on data of the "
                "class, here and wherever the denoisers are exact. It pays for likeness to the class with variety.",
                right=True,
            ),
            Choice(
                "From p(z | y), more exactly than with w = 0.",
                "p(z | y) is what w = 0 aims at. With w = 1 each step goes beyond it, away from what the network says without a "
                "class.",
            ),
        ),
    ),
    Question(
        "A loss is |x - x_hat| / b, a perceptual distance, an adversarial term and a small KL, all added up. What of it bounds "
        "-log p(x) from above, on average over the draws of z?",
        (
            Choice(
                "None of these sums; it takes -log p(x | z) of a density and the KL with a weight of 1 or more.",
                "Yes. |x - x_hat| / b with its constant is one such -log p(x | z), and with the whole KL, or more of it, it is a "
                "bound, whatever the networks were trained for.",
                right=True,
            ),
            Choice(
                "The sum, since each of its terms is a cost that is not negative.",
                "Costs on top would only loosen a bound, and an adversarial one can even be negative. But the KL counts too "
                "little and the constant of the density is missing, so the sum can lie below -log p(x).",
            ),
            Choice(
                "The sum without the adversarial term, as the perceptual distance compares two images too.",
                "Which terms are added is not what matters first: with so small a weight on its KL the sum can lie below "
                "-log p(x), with or without either of them.",
            ),
        ),
    ),
    Question(
        "Of two autoencoders with a diffusion prior each, A has the higher bound on log p(x), and pictures of B are nearer to "
        "the images by the Frechet distance. Which conclusion holds?",
        (
            Choice(
                "One of the two has been measured wrong, as the better density also has the better samples.",
                "With finite models the two come apart easily: a bound charges for every detail of an image, a Frechet distance "
                "looks at features.",
            ),
            Choice(
                "B's prior fits its codes better than A's fits its own.",
                "That need not be so. B's reconstructions may be the nearer ones to begin with, and no sample is better than "
                "what its decoder makes.",
            ),
            Choice(
                "A describes images in fewer nats, and B's are closer in what the features see.",
                "Yes, no more than that: two questions, two answers. Say which one you ask before you choose a KL weight.",
                right=True,
            ),
        ),
    ),
)
