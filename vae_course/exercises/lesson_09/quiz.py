"""The quiz of lesson 09: first numbers, impossible bounds, curves that disagree, what separates two suspects."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A new VAE for images of 28 x 28 binary pixels prints 0.69 as its first reconstruction loss. What do "
        "you conclude?",
        (
            Choice(
                "The network starts from unusually good weights.",
                "No random weights explain an image. An untrained network gives every pixel a fair coin, and "
                "784 of them cost 543 nats.",
            ),
            Choice(
                "The reconstruction is a mean over the pixels.",
                "Yes. 0.69 is log 2, the price of one pixel. If the KL is a sum, it now counts 784 times too much.",
                right=True,
            ),
            Choice(
                "The loss is in bits per pixel.",
                "In bits a fair coin would cost 1.00 per pixel. 0.69 is log 2 in nats, and no sum over pixels"
                " was taken.",
            ),
        ),
    ),
    Question(
        "In a linear-Gaussian world your code reports an average bound that lies 2 nats above the known log "
        "p(x). Where do you look?",
        (
            Choice(
                "At the decoder, which must be too flexible.",
                "The decoder is part of that world and known. No flexibility lifts a lower bound above its own limit.",
            ),
            Choice(
                "Nowhere; the estimate is noisy, and one day it is above, another below.",
                "A single draw may be above. The average over many may not: its expectation is at most log p(x).",
            ),
            Choice(
                "At the draw and the KL: they must speak of the same q.",
                "Yes. If the noise is smaller than the sigma that the KL is charged for, the sum is not a bound.",
                right=True,
            ),
        ),
    ),
    Question(
        "The validation loss lies 12 nats above the training loss from the first epochs on; reconstruction "
        "and KL agree in both lists. What explains that?",
        (
            Choice(
                "The two losses put the parts together in different ways.",
                "Yes. Equal parts and different sums leave only the weights. Compute (loss - reconstruction) "
                "/ KL for both.",
                right=True,
            ),
            Choice(
                "Overfitting: after the first epochs the model knows its training images by heart.",
                "Overfitting shows in the parts: the reconstruction of the validation images would be worse "
                "than that of the training images.",
            ),
            Choice(
                "The validation images are harder.",
                "Then their reconstruction or their KL would differ. Both agree.",
            ),
        ),
    ),
    Question(
        "Which measurement separates noise of scale 0.01 from exp(logvar) used as sigma?",
        (
            Choice(
                "The distance of the bound from log p(x) in a known world.",
                "That convicts both: each gives a bound that is too high. It does not tell which of them it was.",
            ),
            Choice(
                "The spread of (z - mu) / sigma in each dimension.",
                "Yes. In the first case it is 0.01 everywhere; in the second it is sigma itself, another "
                "number in each dimension.",
                right=True,
            ),
            Choice(
                "A look at 64 samples.",
                "Bad samples have many causes; half of this lesson's cases have them.",
            ),
        ),
    ),
    Question(
        "mu and logvar pass through batch normalisation. Why is that more than a matter of taste?",
        (
            Choice(
                "Because normalised codes can't carry information.",
                "They can, and in case J they did: the reconstructions were readable. Another property is lost.",
            ),
            Choice(
                "Because batch normalisation has no gradient.",
                "It has one, and the network of case J trains without trouble.",
            ),
            Choice(
                "Because in training q(z | x) then depends on the other images of the batch, so it is not "
                "a function of x.",
                "Yes. Each of these bounds is valid, but which one an image gets changes with its neighbours.",
                right=True,
            ),
        ),
    ),
    Question(
        "A model with dropout gets 130 nats from one script and 116 from another, on the same images. What do"
        " you check first?",
        (
            Choice(
                "Whether `model.training` is False in both while the number is made.",
                "Yes. It takes one line, and it is one of this lesson's cases. Then the averaging, and the data.",
                right=True,
            ),
            Choice(
                "Whether the seeds agree, since both scripts draw their noise anew and no other difference is left.",
                "The noise of one draw, averaged over a thousand images, moves the mean by a fraction of a "
                "nat, not by 14.",
            ),
            Choice(
                "Whether both make the number within `torch.no_grad()`, which one may have forgotten.",
                "That saves memory and time. It changes no number, and it does not switch off dropout.",
            ),
        ),
    ),
)
