"""The quiz of lesson 03: what a KL measures, its two directions, sums and means, and which sigma is meant."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "You draw z from q and compute log q(z) - log p(z). For some draws the result is negative. Is your code wrong?",
        (
            Choice(
                "No: only the mean over q is never negative.",
                "Yes. Where p exceeds q the log ratio is negative. What can't be negative is p/q - 1 - "
                "log(p/q), which has the same mean unless q leaves out a part of p.",
                right=True,
            ),
            Choice(
                "Yes: a KL is never negative, whatever q and p are.",
                "The KL is the mean of these numbers, and the mean is never negative. A single log ratio is "
                "negative wherever p is higher than q, and such places exist, because both have the same "
                "total mass.",
            ),
            Choice(
                "It depends on whether you count in nats or in bits.",
                "Nats and bits differ by the factor log 2, which is positive. A change of unit never changes a sign.",
            ),
        ),
    ),
    Question(
        "A code has 20 independent dimensions, each with a KL of 0.5 nats to the prior. Somebody's code ends "
        "in `.mean(-1)`. What does it report for this code, and what should it report?",
        (
            Choice(
                "0.5, and that is right: a mean makes models of different sizes comparable.",
                "A mean over dimensions is the KL of an average dimension, not of the code. In a loss it lets"
                " the code carry information at a twentieth of its price.",
            ),
            Choice(
                "10 instead of 0.5 nats.",
                "The other way round: `.mean(-1)` divides by the number of dimensions, and the right answer "
                "is the sum.",
            ),
            Choice(
                "0.5 instead of 10 nats.",
                "Yes. KLs of independent dimensions add up. The mean is 20 times too small, and so is the "
                "KL's weight in a loss.",
                right=True,
            ),
        ),
    ),
    Question(
        "q is zero at some places where p is not. Which of the two directions is infinite?",
        (
            Choice(
                "KL(q || p), because log q is minus infinity there.",
                "In KL(q || p) those places count with weight q = 0, and 0 log 0 is 0. They cost nothing.",
            ),
            Choice(
                "KL(p || q), because p draws what q rules out.",
                "Yes. One draw from p that q calls impossible refutes q. That is why the forward direction "
                "covers all of p.",
                right=True,
            ),
            Choice(
                "Both, because the log ratio is infinite there.",
                "The log ratio is infinite for both, but each direction weights it: with q = 0 in one, with p"
                " > 0 in the other.",
            ),
        ),
    ),
    Question(
        "A network's last layer gives s. The code draws z = mu + exp(s) * eps. Which KL to N(0, I) belongs to this q?",
        (
            Choice(
                "1/2 sum ( exp(s) + mu^2 - 1 - s )",
                "That is right where s is log sigma^2. The draw has standard deviation exp(s), so s is log "
                "sigma, and the variance is exp(2 s).",
            ),
            Choice(
                "Either: training finds the right scale for s by itself.",
                "Training would minimise a number that is not the KL of this q, and settle on a wrong width. The "
                "bound would not be a bound any more.",
            ),
            Choice(
                "1/2 sum ( exp(2 s) + mu^2 - 1 - 2 s )",
                "Yes. The standard deviation of the draw is exp(s), so sigma^2 = exp(2 s) and log sigma^2 = 2 s.",
                right=True,
            ),
        ),
    ),
    Question(
        "You fit a Gaussian q to a density with two far modes of equal weight by minimising KL(q || p), and "
        "end at 0.69 nats. What do you make of it?",
        (
            Choice(
                "The descent is stuck halfway: a converged KL is zero.",
                "A KL of zero needs q = p, and no Gaussian has two modes. The smallest value that the family "
                "allows is what remains.",
            ),
            Choice(
                "q sits on one mode; leaving out half of p costs log 2.",
                "Yes. On its mode q is twice as high as p, so the log ratio is log 2 = 0.69 nats, or one bit:"
                " which of the two modes it is.",
                right=True,
            ),
            Choice(
                "q covers both modes, each half as well as it should.",
                "A q over both modes also covers the gap between them, where p is almost zero. That costs far"
                " more than 0.69 nats.",
            ),
        ),
    ),
    Question(
        "Why does variational inference minimise KL(q || posterior), and not the other direction?",
        (
            Choice(
                "Its mean is under q, from which we can draw; the other is under the posterior, from which we can't.",
                "Yes. And the posterior's unknown normaliser only shifts KL(q || posterior) by a constant, so"
                " the same q is best. Lesson 04 builds on that.",
                right=True,
            ),
            Choice(
                "Because it is the smaller of the two.",
                "It need not be: for some pairs it is larger, and for p and q exchanged the order turns "
                "round. Size isn't the reason.",
            ),
            Choice(
                "Because it finds all modes of the posterior.",
                "It is the other direction that covers all modes. This one tends to settle on one, and that "
                "is a price of the method, not its reason.",
            ),
        ),
    ),
)
