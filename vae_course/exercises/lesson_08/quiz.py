"""The quiz of lesson 08, Inside the latent space."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "Why are the codes of the 20 by 20 picture taken at quantiles of the prior?",
        (
            Choice(
                "So that the pictures come out sharper, also at the edges of the plane.",
                "A code decodes to the same picture whatever grid it belongs to. The grid decides which codes you see.",
            ),
            Choice(
                "So that each picture stands for the same share of the prior.",
                "Yes. Equal steps of probability, not of z: crowded places get many pictures, rare ones few.",
                right=True,
            ),
            Choice(
                "Because the decoder is not defined for codes that lie outside of the prior's quantiles.",
                "A decoder takes any code. Far outside, it has only never been asked for anything.",
            ),
        ),
    ),
    Question(
        "An encoder ends in a sigmoid for mu and for sigma. What follows?",
        (
            Choice(
                "All means lie in the unit square, many at its edge, so a code tells less and reconstructions"
                " get worse.",
                "Yes. The codes, drawn around the means, may lie outside. Leave mu as it is, and make sigma "
                "with an exponential.",
                right=True,
            ),
            Choice(
                "Nothing much: the decoder learns to live with the smaller square.",
                "It could, as sigma may be small too, but means that are stuck at an edge tell less about their images, and"
                " nearly nine of ten draws of N(0, I) fall outside of the square.",
            ),
            Choice(
                "The posterior collapses, because mu is always near 0.",
                "mu is pressed towards 0, but its sigmoid reaches 0 as little as 1. In the lesson the KL "
                "fell, yet stayed well above zero.",
            ),
        ),
    ),
    Question(
        "The mean KL of a model is 6 nats, of which the distance of q(z) from the prior is 0.2. What are the "
        "other 5.8?",
        (
            Choice(
                "What a code tells about its image: their mutual information.",
                "Yes. The price of a code splits into what it tells and how far all codes together are from the prior.",
                right=True,
            ),
            Choice(
                "The error that the encoder makes.",
                "The encoder's error is a KL to the true posterior, and no part of this sum.",
            ),
            Choice(
                "Waste, which a longer or a better training would remove.",
                "Without those nats the code would say nothing about the image, and all reconstructions would"
                " be equal.",
            ),
        ),
    ),
    Question(
        "log q(z) of the aggregated posterior in two dimensions: in which order are the sums taken?",
        (
            Choice(
                "First logsumexp over the images within each dimension, then the sum over all of the dimensions.",
                "That multiplies two mixtures and pairs the first number of one image with the second of another.",
            ),
            Choice(
                "Either will do: the order does not matter, because sums commute with each other.",
                "One of the two is a sum of logarithms, a product; products and sums do not commute.",
            ),
            Choice(
                "Sum over the dimensions, then logsumexp over the images, minus log N.",
                "Yes. Each image has a density over whole codes; the mixture is a mean of those.",
                right=True,
            ),
        ),
    ),
    Question(
        "You walk on a straight line between two draws of N(0, I). Where is the middle unusual?",
        (
            Choice(
                "In two dimensions, because the plane is small.",
                "There a large part of all draws lies even closer to the centre. The shell is thin in many "
                "dimensions only.",
            ),
            Choice(
                "In many dimensions, because the lengths of draws spread little around sqrt(D).",
                "Yes. sqrt(D / 2) is then many standard deviations below what draws have.",
                right=True,
            ),
            Choice(
                "Everywhere alike, because the expected length falls to sqrt(D / 2) in any dimension.",
                "The factor is the same, but the spread of the lengths is not: relative to sqrt(D), it shrinks with D.",
            ),
        ),
    ),
    Question(
        "For a vector of thick strokes you take the mean code of the inkiest third minus that of the palest. "
        "What may go wrong?",
        (
            Choice(
                "A third of the images is too few for a mean.",
                "Hundreds of images make a sure mean. The trouble is what else differs between the two groups.",
            ),
            Choice(
                "Codes can't be subtracted, because the decoder is not linear.",
                "They can: the difference is a direction. Not linear means that its effect may depend on the place.",
            ),
            Choice(
                "The vector may also turn digits into other digits, since some classes have more ink than others.",
                "Yes. Take the difference within each class and average, so that the classes cancel.",
                right=True,
            ),
        ),
    ),
)
