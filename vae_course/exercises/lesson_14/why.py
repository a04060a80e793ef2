"""14-why: what the KL of a VQ-VAE is, and what follows for collapse, for beta and for a learned prior, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="14-why",
    title="A KL that never moves",
    points=3,
    difficulty=3,
    minutes=10,
    task=(
        "A colleague has trained a VQ-VAE of 49 tokens with K = 64. He reports its reconstruction error as an ELBO and says: "
        "there is no KL to add, hence no posterior collapse, and the beta in my loss is that of a beta-VAE. What is right, what "
        "is not, and what changes once he learns a prior over the tokens? Answer in five to seven sentences, with numbers."
    ),
    hints=(
        "Write KL( q(k | x) || p(k) ) for a q that puts all of its probability on one token, and for a p that is uniform over K. "
        "Does anything in it depend on the encoder?",
        "KL = sum_k q log(q / p) = log 1 - log(1/K) = log K for a token. A constant has no gradient; does that make it zero? And "
        "what does the other beta multiply?",
        "Begin: There is a KL, and it is ... nats for an image, because ... It can't ... , so training never ... But codes can "
        "still ... His beta weighs ... With a learned prior the rate is ... instead, which is lower by ...",
    ),
    solution="""\
There is a KL: q(k | x) is 1 at one token, so with a uniform prior each token costs log 1 - log(1/64) = log 64 = 4.16 nats, and
an image 49 times that, 203.8 nats. He must add them before he speaks of an ELBO; without them his number falls as K grows and
bounds nothing. As a constant, the KL has no gradient: nothing in the loss rewards an encoder for saying less, so the pull
towards the prior that collapses a Gaussian VAE is missing, and he is right that far. Codes can die all the same, because the
nearest code alone is moved and one that nobody chooses stays where it is; the KL does not see that, the perplexity does. His
beta is not that of a beta-VAE: it weighs the commitment term, a squared distance between the encoder's output and its code,
and multiplies no KL, so it does not trade rate against distortion. A prior learned on the tokens changes the account and not
the reconstructions: the rate becomes the mean of -log p(k), which is below 203.8 nats as soon as some tokens are likelier than
others or depend on their neighbours, and drawing from that prior is what makes samples look like digits.
""",
    explanation=(
        "The KL of a deterministic q is the price of its tokens under the prior. The encoder cannot lower a flat price, so it is "
        "dropped from the loss, but never from the account. Collapse needs a price that falls when the code says less."
    ),
    rubric=(
        Criterion(
            "Derives that the KL is log K for each token (4.16 nats, 203.8 for an image) and says that it belongs in the ELBO "
            "although it is a constant.",
            1,
        ),
        Criterion(
            "Says that a constant has no gradient, so nothing pulls the code towards the prior, and tells that apart from dead "
            "codes, which the KL does not show; and that this beta weighs the commitment term, not a KL.",
            1,
        ),
        Criterion(
            "Says that a learned prior replaces log K by -log p(k), lower on average, without touching the reconstructions, and "
            "that samples are drawn from it.",
            1,
        ),
    ),
)
