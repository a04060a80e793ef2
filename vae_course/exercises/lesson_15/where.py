"""15-where: an account of nats, and where to spend effort, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="15-where",
    title="Where to spend a week",
    points=4,
    difficulty=3,
    minutes=12,
    task=(
        "A colleague's VAE has, in nats per test image: -ELBO 104.0, of which reconstruction 78.0 and KL 26.0. KL( q(z) || "
        "p(z) ), the marginal KL, is 3.4 of the latter. An importance-weighted estimate gives log p(x) = -97.8. The best "
        "diagonal q for each image, found by refining it, has -ELBO 100.6, the best q with a full covariance 99.1. He asks "
        "where to spend a week: a larger encoder, a richer q, another prior, or another decoder. Answer in six to eight "
        "sentences: what each can win at most and what it can't change, what you would do first, and what the account does not "
        "tell."
    ),
    hints=(
        "The gap between the bound and log p(x) has two parts, one for the encoder and one for the family of q. Which of the "
        "four numbers gives each? And which of his four plans leave p(x) as it is?",
        "Gap 104.0 - 97.8 = 6.2; amortisation 104.0 - 100.6, approximation 100.6 - 97.8, of which a full covariance closes "
        "100.6 - 99.1. With the encoder held, another prior wins at most the marginal KL.",
        "Begin: The gap is 6.2 nats, of which ... are amortisation, so a better encoder wins at most ..., and the "
        "approximation gap is ... Neither changes p(x), so samples ... Another prior, fitted afterwards, wins at most ..., and "
        "samples ... For the decoder there is ... I would begin with ..., because ... These ceilings don't ..., since ...",
    ),
    solution="""\
The bound lies 104.0 - 97.8 = 6.2 nats below log p(x), as far as the importance-weighted estimate can tell. Of these
104.0 - 100.6 = 3.4 are the amortisation gap: no encoder, however large, wins more than that with a diagonal q and this
decoder. The approximation gap is 100.6 - 97.8 = 2.8, the most that any richer family can win if its parameters are found
perfectly; a full covariance gets 1.5 of it, so 1.3 are left for shapes that are not Gaussian. Both make the bound tighter and
leave p(x), and with it the samples, as it is, unless the decoder is trained on with the new q. A prior fitted afterwards to the
codes wins at most the marginal KL, 3.4 nats, because E_q[log p'(z)] - E_q[log p(z)] = KL( q(z) || p ) - KL( q(z) || p' ) and
neither is negative; it costs seconds, and it does change p(x) and the samples: fewer codes come from places where no
image has its own.
For the decoder the account has no ceiling: 78.0 nats of reconstruction may be noise of the pixels or its weakness, and the
22.6 nats of the KL that are information are what it was given to work with. So I would refit the prior first, since it is
cheapest and the only one of the first three to change the samples, then the encoder, whose gap is larger than that of the family,
then q; the ceilings hold one at a time with all else fixed, so they don't add up to a forecast of joint training. The estimate
of log p(x) is itself a lower bound on average, so the approximation gap may be larger than 2.8, and each number needs its
standard error.
""",
    explanation=(
        "An account says what each part can win while the rest stays. Gaps of the bound are won by the encoder and by the "
        "family of q, and leave the model as it is; the marginal KL is won by the prior and changes the model; what the "
        "decoder could win stands nowhere in it."
    ),
    rubric=(
        Criterion(
            "Splits the gap of 6.2 nats into 3.4 of amortisation (encoder) and 2.8 of approximation (family of q), and says "
            "that a full covariance gets 1.5 of the latter.",
            1,
        ),
        Criterion(
            "Says that a prior fitted to the codes wins at most the marginal KL, 3.4 nats, and why: with the encoder held, the "
            "gain is the difference of two KLs, of which the new one is not negative.",
            1,
        ),
        Criterion(
            "Tells what changes p(x) and the samples (prior, decoder) from what makes the bound tighter alone (encoder, family "
            "of q, with the decoder held).",
            1,
        ),
        Criterion(
            "Chooses an order with a reason from the numbers or the cost, and names a limit of the account: no ceiling for the "
            "decoder, ceilings that hold one at a time, or an estimate of log p(x) that is a lower bound on average.",
            1,
        ),
    ),
)
