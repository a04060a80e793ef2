"""The quiz of lesson 12: bits back, its start, float hazards, likelihood and strangeness, AUROC, MAP and samples."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "With bits back, which bits come back, and to whom?",
        (
            Choice(
                "The bits that chose z: the receiver recomputes q(z | x) and pushes z with it, which restores them.",
                "Yes. They may be any other data, the previous image for example, so nothing was wasted on the choice.",
                right=True,
            ),
            Choice(
                "The bits of z: the receiver does not need them, so they are never sent.",
                "The receiver does need z, to know the probabilities of the pixels. z is sent, with the prior.",
            ),
            Choice(
                "The bits that an image saves against PNG.",
                "The name does not speak of savings. It speaks of the bits that were popped to draw z from q.",
            ),
        ),
    ),
    Question(
        "Your encoder is poor: q(z | x) is far from the posterior. The decoder is fine. What happens to bits back?",
        (
            Choice(
                "Decoding fails now and then.",
                "It stays lossless with any q that both sides share. A poor q only costs length.",
            ),
            Choice(
                "Nothing: the message depends on the decoder and the prior only.",
                "The pop takes -log2 q(z | x) bits off the message, so q counts. The mean length is -ELBO, "
                "not -log p(x).",
            ),
            Choice(
                "The message grows by KL(q || posterior), in bits, for each image.",
                "Yes. The mean length is -ELBO / log 2 = (-log p(x) + KL) / log 2.",
                right=True,
            ),
        ),
    ),
    Question(
        "The receiver's machine sums in another order, and one pixel's probability differs in the sixth "
        "digit. What can happen?",
        (
            Choice(
                "One pixel comes out wrong; the rest of the image and all the others are as they were.",
                "The wrong pixel leaves another state behind, so all that lies below it on the stack is read "
                "wrongly too.",
            ),
            Choice(
                "All that comes after may be rubbish, unless both round coarsely.",
                "Yes. Float64 and a coarse grid make a disagreement very unlikely; only whole-number networks"
                " rule it out.",
                right=True,
            ),
            Choice(
                "Nothing, because the probabilities are nearly the same.",
                "Nearly is not enough: coding splits whole numbers at exact places, and both sides need the "
                "same places.",
            ),
        ),
    ),
    Question(
        "A model trained without ones gives ones a higher likelihood than all other digits. What follows?",
        (
            Choice(
                "It has seen ones after all.",
                "It has not. Ones have few ink pixels and smooth edges, so they need few bits.",
            ),
            Choice(
                "The likelihood says how many bits an image needs, and simple images need few, strange or not.",
                "Yes. So subtract what a general coder needs, or look at both tails, and measure.",
                right=True,
            ),
            Choice(
                "Its AUROC for ones lies above 1/2.",
                "With -ELBO as the score for oddness it lies below 1/2: the odd ones have the lower scores.",
            ),
        ),
    ),
    Question(
        "The lower half of a digit is hidden. The best single code (MAP) and draws from p(z | upper half) "
        "both fill it in. Which is true?",
        (
            Choice(
                "The draws give the truth more probability, because they keep several ways in which the digit may go on.",
                "Yes. Their mean probability is the forecast p(hidden | seen); the MAP fill belongs to one code.",
                right=True,
            ),
            Choice(
                "The MAP fill is the better forecast, because it is the most probable one.",
                "It is one guess and far too sure of itself. Where a 4 or a 9 may follow, it bets all on one of them.",
            ),
            Choice(
                "They are the same, once enough draws are averaged.",
                "The average of the draws is a mean over the posterior. The MAP is its highest point, which "
                "is another thing.",
            ),
        ),
    ),
)
