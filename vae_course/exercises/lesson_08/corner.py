"""08-corner: why a grid on the unit square shows ten digits in one text and a corner in the other, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="08-corner",
    title="The unit square",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "A friend decodes a 20 by 20 grid on the unit square with the encoder of the second text, sees many digits, and says: "
        '"So this is what my VAE samples." Answer in four to six sentences: why the means lie in that square, what the model '
        "samples instead, and what the repair is."
    ),
    hints=(
        "Which values can mu have after a sigmoid? And where do the draws of the prior lie?",
        "mu and sigma lie in (0, 1); z = mu + sigma eps lies around mu. P(z in the unit square) = (Phi(1) - 1/2)^2 for z from "
        "N(0, I).",
        "Begin: The sigmoid forces mu into ..., so all means ... and the codes ... The prior, however, puts only ... of its "
        "draws there, so samples ... The repair: mu ..., sigma ...; and the grid ...",
    ),
    solution="""\
The encoder sends mu and sigma through a sigmoid, so every mean lies in the unit square, and the codes around it: the
decoder has practised on the square, and outside of it as far as sigma lets the codes stray. A mean that has got to an edge
hardly moves any more, so a code tells less about its image. The grid shows what the decoder does on the square, not what
the model samples: the model is N(0, I) followed by the decoder, and only 11.7% of the draws of N(0, I) lie in the square.
Of the other 88.3% the grid says nothing: where sigma is small, hardly any code of the training lies there, and where it is
large, the codes there tell little. The repair is to leave mu as it is and to use exp(logvar / 2) as sigma, and then to draw
the grid at quantiles of the prior, where each picture stands for the same share of the samples.
""",
    explanation=(
        "A picture of a decoder is a picture of the codes that were chosen for it. To show what a model samples, choose the "
        "codes as the model does: from its prior."
    ),
    rubric=(
        Criterion(
            "Says that the sigmoid confines mu (and sigma) to (0, 1), so that the means lie in the unit square and the codes in "
            "and around it.",
            1,
        ),
        Criterion(
            "Distinguishes the grid from the samples: samples come from N(0, I), most of whose draws lie outside the square "
            "(about 88%), of which the grid shows nothing. Whether the decoder has practised there depends on sigma and need "
            "not be said.",
            1,
        ),
        Criterion(
            "Names the repair: no activation on mu, an exponential (or another positive function) for sigma; or a grid at "
            "quantiles of the prior as the picture that is faithful to the samples. Changing the grid alone, with the "
            "sigmoid left in, does not count.",
            1,
        ),
    ),
)
