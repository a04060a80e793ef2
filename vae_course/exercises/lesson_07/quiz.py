"""The quiz of lesson 07: signs, sums and means, what generation needs, and what the loss is not."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "Training prints a loss that falls from 165 to 105 nats. What does the ELBO do?",
        (
            Choice(
                "It falls too: the loss is the ELBO.",
                "The loss is the negative ELBO. The optimiser minimises, and the bound is to be maximised, so"
                " exactly one sign changes. Where it is lost, training makes the bound worse.",
            ),
            Choice(
                "It stays as it is; only the reconstruction term changes.",
                "The ELBO holds both terms, the reconstruction and the KL, and training changes both.",
            ),
            Choice(
                "It rises from -165 to -105 nats.",
                "Yes. loss = -elbo, so a falling loss is a rising bound.",
                right=True,
            ),
        ),
    ),
    Question(
        "A colleague takes the mean of the reconstruction over the 784 pixels, but the sum of the KL over the"
        " latent dimensions. What will you see?",
        (
            Choice(
                "A KL near zero and the same blurred image for every input.",
                "Yes. The KL weighs 784 times too much, so the posterior collapses onto the prior and the "
                "code says nothing about the image.",
                right=True,
            ),
            Choice(
                "The same model: a constant factor does not move the optimum.",
                "A factor on the whole loss would not, but this one sits on one term alone. It is the same as"
                " beta = 784.",
            ),
            Choice(
                "Sharp reconstructions and useless samples.",
                "That is the picture of a KL that weighs too little. Here it weighs 784 times too much.",
            ),
        ),
    ),
    Question(
        "You want 64 new digits from the trained model. Which parts run?",
        (
            Choice(
                "The encoder on 64 test images, then the decoder.",
                "That gives reconstructions of those 64 images. New digits need codes that come from no image.",
            ),
            Choice(
                "64 codes drawn from the prior N(0, I), then the decoder.",
                "Yes. That is ancestral sampling: first z, then x given z. The encoder is not needed.",
                right=True,
            ),
            Choice(
                "64 codes drawn from a wider Gaussian, so that the digits differ more, then the decoder.",
                "A wider Gaussian is another model than the one that you trained: the pictures would say "
                "nothing about how well p(z) p(x | z) fits.",
            ),
        ),
    ),
    Question(
        "After training, the KL is about 25 nats for each image. Should it have gone to zero?",
        (
            Choice(
                "Yes, the KL is a penalty, and a good model has none.",
                "A KL of zero means that q(z | x) is the same for every x: then the code carries nothing "
                "about the image.",
            ),
            Choice(
                "It cannot be compared with anything, since it has no unit.",
                "Its unit is the nat, as for the reconstruction term; divided by log 2 it is in bits.",
            ),
            Choice(
                "No: it is what the code costs, and the reconstruction gains more than that from it.",
                "Yes. The two terms trade against each other; lesson 10 draws the whole curve of that trade.",
                right=True,
            ),
        ),
    ),
    Question(
        "Cross-entropy on grey pixels is 104 nats for one model and the negative ELBO on binarised pixels is "
        "104 nats for another. Are they equally good?",
        (
            Choice(
                "Yes, nats are nats, whatever the pixels.",
                "The unit is the same, the data are not. And the first number is not a likelihood: on grey "
                "pixels the Bernoulli formula does not integrate to one.",
            ),
            Choice(
                "Not as likelihoods: the first number is none.",
                "Yes. Only the second bounds the log-probability of the images that it was given. To compare the two "
                "models, score both on the same binarised pixels.",
                right=True,
            ),
            Choice(
                "The first is better, because grey images hold more information.",
                "The number on grey pixels has a floor that no model can pass, the entropy of a draw of the pixels, so "
                "it does not say which images hold more.",
            ),
        ),
    ),
    Question(
        "Why does the encoder give log sigma^2 and not sigma itself?",
        (
            Choice(
                "Because exp(logvar / 2) is positive for every output.",
                "Yes. The network may return any real number, and sigma stays positive; the KL needs log "
                "sigma^2 anyway.",
                right=True,
            ),
            Choice(
                "Because the sigmoid that follows expects the logarithm of its input.",
                "No sigmoid belongs here. On logvar it would keep sigma between 1 and 1.65, so no code could "
                "be sharper than the prior; on mu it would keep every mean inside the unit cube.",
            ),
            Choice(
                "It makes no difference: exp(logvar) is sigma as well.",
                "exp(logvar) is the variance. Taken for sigma, every sample has the wrong width.",
            ),
        ),
    ),
)
