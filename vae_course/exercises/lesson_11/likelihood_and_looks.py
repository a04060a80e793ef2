"""11-likelihood-and-looks: what a likelihood does and does not say about pictures, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="11-likelihood-and-looks",
    title="Likelihood and looks",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        'A friend reports: "My new model beats yours by 2 nats on test images, so its samples must look better." Answer '
        "in four to six sentences, with one example for each direction in which this goes wrong."
    ),
    hints=(
        "Which two models of section 7 had a likelihood and samples that disagree?",
        "0.01 p(x) + 0.99 n(x) >= 0.01 p(x), so its log-likelihood is at most log 100 = 4.6 nats lower; and 99 of 100 "
        "samples are noise.",
        "Begin: A log-likelihood asks ... , while a look at samples asks ... Then one sentence for each of the two models, "
        "and at last what follows for the 2 nats.",
    ),
    solution="""\
A log-likelihood asks how much probability the model gives to images that it has not seen; a look at samples asks what it
draws most often. The two can disagree in both directions. A mixture that draws noise in 99 of 100 cases still gives each
image at least a hundredth of the good model's probability, so it loses at most log 100 = 4.6 nats: a lead of 2 nats rules
nothing out. The other way round, a model that copies training images with a few flipped pixels draws perfect pictures,
but gives unseen images a probability lower than coins with the right bias do. So whoever wants to know how samples look
must look at them, and whoever wants to compress or to compare densities needs the likelihood. The 2 nats should also
come with a paired standard error, on the same binarised test images, with the same number of draws.
""",
    explanation=(
        "Neither number is wrong. They answer different questions, and which one matters depends on what the model is for."
    ),
    rubric=(
        Criterion(
            "Explains, with the noise mixture or an example of the same kind, that a high likelihood allows bad samples, "
            "and says that the loss is bounded by a few nats (log 100 for 99% noise).",
            1,
        ),
        Criterion(
            "Gives an example the other way round: good samples with a poor likelihood, such as a model that copies its "
            "training images.",
            1,
        ),
        Criterion(
            "Draws the conclusion: the two answer different questions, so the claim does not follow; or names what a fair "
            "comparison by likelihood needs (same data and binarisation, same k, paired standard error).",
            1,
        ),
    ),
)
