"""The quiz of lesson 16: the split of the nats, the difference that may be negative, the merge, warm-up, redrawing, counting."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "In the chain z2 -> z1 -> x you raise a from 0 to 0.95, with exact posteriors. What does the ELBO do, on average over x?",
        (
            Choice(
                "It rises, because two levels that both carry something fit better than one.",
                "p(z1) is N(0, 1) for each a, so p(x) is the same as well, and with exact posteriors the ELBO is log p(x).",
            ),
            Choice(
                "It stays, while nats move from the bottom to the top.",
                "Yes. The top rate goes from 0 to 0.640 nats, the bottom rate from 0.805 to 0.165, and their sum stays. The "
                "bound can't tell who carries them.",
                right=True,
            ),
            Choice(
                "It falls by what the top is charged.",
                "What the top is charged, the bottom saves: its prior p(z1 | z2) is nearer to where z1 lies.",
            ),
        ),
    ),
    Question(
        "In a bottom-up model the mean of log q(z1 | x) - log p(z1 | z2) over 10,000 draws is -0.4. What does that tell?",
        (
            Choice(
                "Nothing is wrong: z2 was drawn from this very z1.",
                "Yes. So it is no KL: z1 tends to lie where p(z1 | z2) is high, and that may be higher than q(z1 | x). Only "
                "together with the top is the mean never negative.",
                right=True,
            ),
            Choice(
                "A sign is wrong, since a KL divergence can't be negative.",
                "A KL can't, but z2 depends on the draw of z1, so this mean is not a KL of these two.",
            ),
            Choice(
                "Too few draws were taken: it has to be cut off at 0.",
                "Cutting off makes every mean too large. The draws below 0 are part of what makes it right.",
            ),
        ),
    ),
    Question(
        "Two messages say N(0, 1) and N(6, 1/2) of one number. What does their precision-weighted merge say?",
        (
            Choice(
                "N(3, 3/4), half way between them.",
                "That averages means and variances. The sharper message counts more, and both together are sharper than either.",
            ),
            Choice(
                "N(2, 3/2), nearer to the first.",
                "That adds the variances and weights each mean by its own variance, so the less certain message counts more.",
            ),
            Choice(
                "N(4, 1/3).",
                "Yes. Precisions 1 and 2 add up to 3, and the mean is (1 * 0 + 2 * 6) / 3 = 4. How far apart the messages "
                "are has no part in the width.",
                right=True,
            ),
        ),
    ),
    Question(
        "Warm-up raises the KL of the top from 2 to 5 nats. Is the model better for it?",
        (
            Choice(
                "Yes: a level that carries more nats has learned more of the images.",
                "A rate is a price. It is worth paying if the bottom saves more than the top costs, and only the bound has both.",
            ),
            Choice(
                "The rate of the top can't tell; compare the ELBO with beta = 1, over seeds.",
                "Yes. Nats at the top are not an aim in themselves: in the chain they can be moved there without any gain. The "
                "bound with the whole price, on images that were not trained on, decides.",
                right=True,
            ),
            Choice(
                "No: the rate rises, so the bound falls by 3 nats.",
                "It would if all else stayed. But with a better prior p(z1 | z2) the rate of the bottom falls, perhaps by more.",
            ),
        ),
    ),
    Question(
        "You keep the z1 of an image and redraw z2 from N(0, I). How do the decoded images differ?",
        (
            Choice(
                "In what the top decides, such as which digit it is.",
                "For that z1 has to be made anew from the new z2, with its old noise. Here the new z2 never reaches the decoder.",
            ),
            Choice(
                "In stroke and style, as the top now disagrees with the bottom.",
                "Nobody asks the top: the decoder sees z1 alone, and z1 is as it was.",
            ),
            Choice(
                "Not at all: given z1, x does not depend on z2.",
                "Yes, the same image n times. To see what the top decides, keep the noise of z1, (z1 - mu(z2)) / sigma(z2), "
                "and put it through p(z1 | z2) at the new z2.",
                right=True,
            ),
        ),
    ),
)
