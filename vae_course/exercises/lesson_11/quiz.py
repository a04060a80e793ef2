"""The quiz of lesson 11: bias, a narrow q, who over-fits, what a test set is for, paired errors, noise in a mixture."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "You estimate log p(x) with 10 draws, then with 100. What happens to the error of the expected bound, roughly?",
        (
            Choice(
                "It shrinks to a third, because errors shrink with the root of the number of draws.",
                "That is the noise of one estimate. The bias comes from the bend of the logarithm: it is "
                "about v / (2k), and goes with 1/k.",
            ),
            Choice(
                "It vanishes, because a mean of weights is unbiased.",
                "The mean of the weights is unbiased for p(x). Its logarithm is not: the logarithm bends downwards.",
            ),
            Choice(
                "It shrinks to a tenth, if the variance of the weights is finite.",
                "Yes. To first order the bound is v / (2k) too low, with v = Var(w) / p(x)^2.",
                right=True,
            ),
        ),
    ),
    Question(
        "Posterior and q are Gaussian, the posterior with standard deviation 1. Which q gives weights of infinite variance?",
        (
            Choice(
                "q with standard deviation 3.",
                "A wide q wastes draws, but its weights are bounded: nothing that it misses could weigh much.",
            ),
            Choice(
                "q with the right width, two standard deviations off.",
                "With c = 1 the second moment is exp(a^2): large for a = 2, about 55, but finite.",
            ),
            Choice(
                "q with standard deviation 0.6.",
                "Yes. Its variance, 0.36, is less than half of the posterior's. Codes in the tails are hardly"
                " ever drawn, and weigh a great deal.",
                right=True,
            ),
        ),
    ),
    Question(
        "On new images, the gap between log p(x) and the ELBO is twice that on training images. It is one "
        "model, measured twice. What is the likely reason?",
        (
            Choice(
                "The encoder gives new images a worse q than it gives training images.",
                "Yes. The gap is KL(q || p(z | x)). Fitting a q to each new image by itself would close a part of it.",
                right=True,
            ),
            Choice(
                "The decoder has learned the training images by heart, so it fails on the new ones.",
                "That would lower log p(x) on new images. The gap measures how far q is from the posterior.",
            ),
            Choice(
                "New images have a higher KL to the prior.",
                "The KL to the prior is the price of the code, a term inside the ELBO. The gap is a KL to the"
                " posterior.",
            ),
        ),
    ),
    Question(
        "You train 40 models, measure each on the test images, and publish the best number. What is wrong?",
        (
            Choice(
                "Nothing, as long as no gradient was taken on test images.",
                "The choice among 40 is learning too. The winner is partly the one that those images happen to favour.",
            ),
            Choice(
                "The test images took part in a choice, so the number is too good. Choose on validation images.",
                "Yes. Choose with one set, and read the other once, for the model that was chosen.",
                right=True,
            ),
            Choice(
                "40 models are too few for a fair choice.",
                "With more models the best of them is luckier still. The remedy is another set of images to choose on.",
            ),
        ),
    ),
    Question(
        "Two models have -log p(x) = 101.4 ± 0.8 and 99.9 ± 0.8 nats on the same 1,000 test images. Is the "
        "second one better?",
        (
            Choice(
                "It can't be said: the intervals overlap.",
                "Those errors say how the mean would move with other images. Both models saw the same ones, "
                "and most of that movement is common to both.",
            ),
            Choice(
                "Form the difference for each image: its own standard error decides.",
                "Yes. Hard images are hard for both, so the differences scatter far less.",
                right=True,
            ),
            Choice(
                "Yes, because 1.5 is more than 0.8.",
                "The errors of two separate means are not a measure of their difference, either way. Form the "
                "difference image by image.",
            ),
        ),
    ),
    Question(
        "A model draws noise in 999 of 1,000 cases; otherwise it is a good VAE. How much log-likelihood does it lose?",
        (
            Choice(
                "At most log 1000 = 6.9 nats.",
                "Yes: 0.001 p(x) + 0.999 n(x) is at least 0.001 p(x). Beside hundreds of nats that is little.",
                right=True,
            ),
            Choice(
                "Nearly all of it, for nearly all of its samples are noise.",
                "log p(x) looks at the probability of given images, not at what else is drawn. A thousandth "
                "of p(x) is still there for each of them.",
            ),
            Choice(
                "99.9% of its nats, since only one sample in a thousand comes from the good VAE.",
                "A factor on the probability is a term in its logarithm: log 1000, not a share of log p(x).",
            ),
        ),
    ),
)
