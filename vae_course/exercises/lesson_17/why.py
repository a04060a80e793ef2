"""17-why: why a diffusion model is a VAE, and what was given up for what was gained, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="17-why",
    title="Is it a VAE?",
    points=4,
    difficulty=3,
    minutes=12,
    task=(
        "A friend who knows lesson 07 has read that diffusion models replaced VAEs. Tell her in eight to ten sentences why a "
        "diffusion model is one: what plays the part of z, of q(z | x), of p(z) and of p(x | z), and which terms of its bound "
        "are KLs. Then say what was given up against the VAE of lesson 07, at least two things, what was gained by it and why, "
        "and why the loss of Ho and others is not quite that bound."
    ),
    hints=(
        "Go through lesson 07's ELBO symbol by symbol. For each ask: is it there in a diffusion model, and has it parameters?",
        "z is level 0 and x_1, ..., x_T, each of the size of x_0; q adds noise and learns nothing; the prior is p(x_T) = "
        "N(0, I) and the steps back to level 0, the decoder p(x_0 | level 0), all by one network. -ELBO = L_T + sum of L_t + "
        "L_0. What can't you do with such a z?",
        "Begin: The latent variable is the whole chain ..., so q(z | x) is ... and has no parameters. The bound ... KL at the "
        "top, one KL for each step, ..., a reconstruction. Given up: a code that ..., since ...; one pass, since ... Gained: the "
        "loss is ..., no collapse because ..., each level is trained by itself. L_simple weighs ...",
    ),
    solution="""\
The latent variable is the whole chain: level 0, x_1, ..., x_T, each as large as the data point x_0 (T + 1 levels). Its
approximate posterior q(z | x_0) adds noise by a fixed rule, so the encoder has no parameters; the prior is p(x_T) = N(0, I) and
the chain of steps back, p(x_s | x_t), down to level 0; and the decoder is the last step, p(x_0 | level 0). One network that is
told the log-SNR makes all of them. (Many papers call the whole chain the decoder.) The ELBO is lesson 07's with many levels:
-ELBO = L_T + sum of L_t + L_0, where L_T = KL( q(x_T | x_0) || p(x_T) ) is the KL at the top, each L_t = KL( q(x_s | x_t, x_0)
|| p(x_s | x_t) ) is one of a step, and L_0 is the reconstruction. All these KLs are between Gaussians, so each L_t becomes a
squared error of the guess of x_0, or of eps, with a weight that the SNRs give.
What was given up: a learned encoder, and with it a code that is small and could mean something, for x_T is as large as x_0 and
nearly independent of it; and one pass of the decoder, for a sample takes one more call of the network than there are steps.
With q fixed the bound is also only as tight as the reverse steps can match, which takes many small ones.
What was gained: q can't collapse and needs no gradient through its draws; training is a regression at one random level at a
time, however many levels there are; and each step back is small, so that a Gaussian with the right mean nearly is the true
reverse step.
The usual loss, L_simple, is the mean squared error of eps with the same weight at every level, without L_T and the constant of
L_0: the terms of the bound reweighted, with the cosine schedule with more weight on the middle levels and less on both ends.
It may give better-looking samples, but it is not a bound on log p(x_0), and a number of it is no likelihood.
""",
    explanation=(
        "Nothing was replaced but the encoder and the number of levels. Fixing q turns the ELBO into a sum of regressions, "
        "which is what makes such models easy to train deep, and it takes away what an encoder is for: a small code to look at, "
        "compress or change."
    ),
    rubric=(
        Criterion(
            "Names the parts: z is the chain of levels of the size of x_0, q adds noise by a fixed rule, the prior is p(x_T) = "
            "N(0, I) and the steps back, and the decoder is the last step (or is called the whole chain), with one network.",
            1,
        ),
        Criterion(
            "Gives -ELBO = L_T + sum of L_t + L_0, says that L_T and each L_t are KLs between Gaussians and L_0 is the "
            "reconstruction, and that an L_t is a weighted squared error.",
            1,
        ),
        Criterion(
            "Names two losses with their reason, such as no learned or small code, since x_T is as large as x_0 and nearly "
            "independent of it, and no single pass, since sampling calls the network once a step and once more.",
            1,
        ),
        Criterion(
            "Names a gain with its reason (no collapse or no gradient through draws since q is fixed; regression at one level "
            "at a time; small steps are nearly Gaussian), and says that L_simple weighs the terms otherwise or leaves some out.",
            1,
        ),
    ),
)
