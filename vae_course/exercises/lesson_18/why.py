"""18-why: why a prior goes on the codes of an autoencoder that hardly pays for them, and what is a bound, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="18-why",
    title="A millionth of the KL",
    points=4,
    difficulty=3,
    minutes=12,
    task=(
        "A friend who knows lessons 07 and 10 reads a model card: KL weight 1e-6, a scaling factor, a diffusion prior on the "
        "codes. She asks: if N(0, I) is never sampled from, why is there a KL at all, why not lesson 07's weight of 1, and "
        "why not diffusion on pixels? Answer in eight to ten sentences. Then say in a few more which of these is still a bound "
        "on log p(x), or on log p(x | y), and why: the autoencoder's loss; the ELBO with N(0, I) at these codes; the same with "
        "the diffusion prior in place of N(0, I); with guidance; with a perceptual and an adversarial term in the loss."
    ),
    hints=(
        "Two jobs are done one after the other here: a code that the picture can be made from, and a density for "
        "these codes. Which of them does a weight of 1 mix up? And what is sure of a bound, whatever it was trained "
        "with?",
        "The ELBO holds for every q, p(z) and p(x | z), however they were found, but each of the three must be a "
        "density. Ask of every case: which prior, with weight 1 on its KL, and is the likelihood one? Of the code: "
        "how many numbers, and how smooth?",
        "Begin: With weight 1 the code gives up detail that ..., since ... With 1e-6 it keeps ..., its posterior is "
        "nearly a point, and N(0, I) ... So the prior is learned afterwards ... The KL that is left keeps ... Pixels: "
        "... The loss is no bound, since its weight ...; the ELBO is one, but ...; with the diffusion prior ... D log c "
        "...; guidance ...; ...",
    ),
    solution="""\
With weight 1 a code carries only those details that raise the likelihood by more nats than they cost under N(0, I), so the
decoder's pictures lose what costs too much to tell, and yet codes drawn from N(0, I) are not quite those of images: one number
has to serve two aims. With 1e-6 the autoencoder is free to copy the image nearly exactly: the distortion falls, the rate rises
to hundreds of nats, each q(z | x) is nearly a point, and the codes spread over several units. N(0, I) says nothing of where
these codes lie, so a density is learned for them afterwards, with the encoder left as it is: that is the diffusion prior, and
the scaling factor brings codes to the variance that its noise levels expect. What the decoder can't draw, no prior can. The
small KL is no prior any more but a mild restraint: it is meant against codes of ever larger variance in long trainings; in the
lesson's short one a weight of 0 does as well.
Not on pixels, because a code has far fewer numbers (16,384 for 786,432 at 512 x 512), so each of the prior's many calls is
cheaper, and because the detail that the eye hardly sees is left to the decoder, which makes it in one pass.
The autoencoder's loss is no bound, as its beta is far below 1. The ELBO, with the KL at weight 1, is one at any codes, if the
error is the -log p(x | z) of a density; here it is a very loose one, for it charges N(0, I)'s price. With the diffusion prior's
bound on log p(z) in place of log N(z; 0, I), and D log c counted, it is a bound again, higher, but at such codes still lower
than with weight 1. With guidance it is a bound still, on log p(x | y), of the chain that takes the guided guess, and a lower
one. A perceptual and an adversarial term are no log-densities, so with them the loss tells how pictures look to two networks,
and not how probable they are; the ELBO of the same networks stays a bound, whatever they were trained with.
""",
    explanation=(
        "The division of labour is the point: the encoder chooses what to keep, the prior says how it is distributed. "
        "In bits the small weight costs much, in looks it gains, and both are true of the same model. A bound is a "
        "property of q, p(z) and p(x | z), not of the loss that they were trained with."
    ),
    rubric=(
        Criterion(
            "Says what weight 1 costs (detail is dropped, or one number serves two aims) and what 1e-6 gives: near "
            "copies at a rate of hundreds of nats, narrow posteriors, codes that N(0, I) does not describe.",
            1,
        ),
        Criterion(
            "Says that the prior is learned afterwards on fixed codes, what the scaling factor is for, and what the little KL "
            "is meant against (codes of ever larger variance in long trainings).",
            1,
        ),
        Criterion(
            "Says why not on pixels: far fewer numbers for each of many calls, and fine detail left to one pass of "
            "the decoder.",
            1,
        ),
        Criterion(
            "Sorts the five: the loss is no bound (beta), the ELBO is one but loose, with the diffusion prior and D log c it is "
            "one, with guidance one on log p(x | y), of another model and lower, and perceptual or adversarial terms are no "
            "log-densities.",
            1,
        ),
    ),
)
