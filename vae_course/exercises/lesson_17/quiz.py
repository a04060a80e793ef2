"""The quiz of lesson 17: what is fixed, the weight of a step, schedules, the gap, DDIM, score and noise."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A diffusion model is a VAE with many levels. Which of these parts, a network in lesson 07, has no parameters in it?",
        (
            Choice(
                "The decoder.",
                "The decoder is the last step, and the network that makes all steps back is all that is trained.",
            ),
            Choice(
                "The encoder.",
                "Yes. q adds noise by a rule that nobody trains, so L_T depends on no parameter, and q can't collapse.",
                right=True,
            ),
            Choice(
                "Neither of them; what is missing is the KL.",
                "The KLs are all there: L_T to the prior and one for each step. What is missing is a trained encoder.",
            ),
        ),
    ),
    Question(
        "At level t the SNR is 2, one step nearer to the data it is 6. The guess of a point is off by |x_0 - x0_hat|^2 = 0.5. "
        "What does this step add to -ELBO, in nats?",
        (
            Choice(
                "2.",
                "That lacks the factor 1/2, which a Gaussian's KL has: squared distance over twice the variance.",
            ),
            Choice(
                "1/2 (6 / 2 - 1) 0.5 = 0.5.",
                "This weight, SNR(s) / SNR(t) - 1, belongs to a squared error of eps. The error given here is one of x_0.",
            ),
            Choice(
                "1/2 (6 - 2) 0.5 = 1.",
                "Yes: half of the SNR that the step gains, times the squared error of the guess.",
                right=True,
            ),
        ),
    ),
    Question(
        "Two schedules begin at the same log-SNR and end at the same one, but have another shape between. How do the bounds of "
        "one denoiser compare, on average over the noise?",
        (
            Choice(
                "They are equal for very many steps, and may differ for few.",
                "Yes. The sum of L_t tends to an integral over the log-SNR, in which only the two ends of the schedule appear; a "
                "sum of few terms depends on where they lie.",
                right=True,
            ),
            Choice(
                "They are equal for every number of steps.",
                "The weights add up to the same number, but they stand at other levels, where the guesses have other errors.",
            ),
            Choice(
                "They differ, since each level gets another weight.",
                "With few steps they do. As the steps get smaller, weight and spacing cancel, and what is left depends on the "
                "ends alone.",
            ),
        ),
    ),
    Question(
        "The data are N(0, s^2), and the denoiser gives E[x_0 | x_t] exactly. Still the bound for T = 10 lies below the data's "
        "log-density. What closes the gap without another step?",
        (
            Choice(
                "A denoiser with more layers.",
                "Its guess is already the best there is: the mean of x_0 for this x_t. No network gives a better one.",
            ),
            Choice(
                "The true variance of x_s given x_t in each step back.",
                "Yes. The usual small variance is that of q(x_s | x_t, x_0), as if x_0 were known. What is not known of x_0 adds "
                "to it, and with that variance the gap is 0 up to the ends, for every T.",
                right=True,
            ),
            Choice(
                "More draws of the noise at each level.",
                "They make the estimate of the bound less noisy. Its mean stays where it is, below the data's log-density.",
            ),
        ),
    ),
    Question(
        "You sample with DDIM (eta = 0) and 20 steps, twice from the same x_T. What comes out?",
        (
            Choice(
                "The same point twice.",
                "Yes. No step draws anything, so x_T decides all.",
                right=True,
            ),
            Choice(
                "Two different points, closer to each other the more steps there are.",
                "Nothing is drawn on the way, however many steps there are. Different points need different x_T.",
            ),
            Choice(
                "Two different points, for each step adds noise.",
                "That is the ancestral sampler, eta = 1. With eta = 0 the old noise is kept and none is added.",
            ),
        ),
    ),
    Question(
        "A network guesses the noise in x_t = alpha x_0 + sigma eps as eps_hat. Which of these is its guess of the score, the "
        "gradient of log q(x_t)?",
        (
            Choice(
                "eps_hat, since a network for the noise is a network for the score.",
                "In content, yes, but not in numbers: the score points against the noise, and it is steep where sigma is small.",
            ),
            Choice(
                "-eps_hat / sigma^2.",
                "The variance divides x_t - alpha x_0, and that is sigma eps. One sigma cancels.",
            ),
            Choice(
                "-eps_hat / sigma.",
                "Yes: -(x_t - alpha x_0) / sigma^2 with sigma eps for the difference, averaged over what x_0 may have been.",
                right=True,
            ),
        ),
    ),
)
