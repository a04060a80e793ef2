"""The quiz of lesson 15: density after a step, affine steps, the best diagonal q, passes, the prior's ceiling, log K."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A step moves z to y, and |det dy/dz| = 2 there. The density at z was q_0(z) = 0.6. What is the density at y?",
        (
            Choice(
                "0.3.",
                "Yes. The same probability lies in twice the volume: log q(y) = log q_0(z) - log 2.",
                right=True,
            ),
            Choice(
                "1.2.",
                "That is multiplied where it has to be divided: a cloud that is stretched becomes thinner. It is the published "
                "mistake with the sign of the log-determinant.",
            ),
            Choice(
                "0.6, since no probability is lost on the way.",
                "None is lost, but a density is probability for each unit of volume, and the volume has doubled.",
            ),
        ),
    ),
    Question(
        "In one dimension you put eight affine steps, y = a z + b with a and b free, on a Gaussian q. How much of the gap to a"
        " posterior with two hills do they close?",
        (
            Choice(
                "More with each step, if slowly.",
                "Eight affine maps in a row are one affine map. What a single one can't do, no number of them can.",
            ),
            Choice(
                "All of it, once there are enough for the shape of both hills.",
                "For that a step has to bend. An affine one only shifts and scales, so one hill stays one hill.",
            ),
            Choice(
                "None beyond the best Gaussian: an affine map of a Gaussian is Gaussian, whatever the depth.",
                "Yes. Depth helps where steps bend, and in more dimensions also where one step is less than a full affine"
                " map, as a coupling is.",
                right=True,
            ),
        ),
    ),
    Question(
        "A Gaussian posterior has unit variances and correlation 0.9. Which variance has the best q with independent "
        "dimensions, by KL( q || p )?",
        (
            Choice(
                "1, as the posterior has in each dimension.",
                "That is best for KL( p || q ). KL( q || p ) punishes q for every place where p is low, and with correlation "
                "0.9 it is low in much of the region that such a q covers.",
            ),
            Choice(
                "0.19, as each dimension has when the other is known.",
                "Yes: 1 / Lambda_dd = 1 - 0.9^2. It costs -1/2 log(1 - 0.9^2) = 0.83 nats, and one triangular step wins all of "
                "it back.",
                right=True,
            ),
            Choice(
                "1.9, the larger eigenvalue, so that q covers all of p.",
                "Then q would lie mostly where p is low, which is what this KL punishes. It makes q too narrow, not too wide.",
            ),
        ),
    ),
    Question(
        "In an autoregressive step, y_d = z_d exp(s_d) + t_d, s_d and t_d come from z_1 to z_(d-1). You need codes and log q "
        "of them for an ELBO. How many passes does the network take?",
        (
            Choice(
                "One pass.",
                "Yes. All z are known when y is made, so masks give every s_d and t_d at once, and the draw brings its log q "
                "along. Only a y from elsewhere has to be undone, number by number.",
                right=True,
            ),
            Choice(
                "D passes, since each number depends on those before it.",
                "On those of z, which are all there before the step. D passes are needed for the way back, where z_1 has to be "
                "found before s_2.",
            ),
            Choice(
                "D + 1 passes, one of them for the determinant.",
                "The Jacobian is triangular, with exp(s_d) on its diagonal: the determinant comes with s and costs nothing "
                "more.",
            ),
        ),
    ),
    Question(
        "Encoder and decoder of a trained VAE stay as they are. How many nats can another prior win at most on the images whose"
        " codes make up q(z)?",
        (
            Choice(
                "The whole KL, for a prior that fits well makes it 0.",
                "Then codes would say nothing of images. What is left with the best prior is the information in the code, "
                "which no prior can take away.",
            ),
            Choice(
                "The gap between ELBO and log p(x), as for q.",
                "That gap is closed by a better q under the old model. Another prior makes another model, with its own log "
                "p(x).",
            ),
            Choice(
                "The marginal KL, KL( q(z) || p(z) ).",
                "Yes: the gain is KL( q(z) || p ) - KL( q(z) || p' ), and the second is never negative. It is all won where p' "
                "is q(z) itself.",
                right=True,
            ),
        ),
    ),
    Question(
        "You put a VampPrior of K = 100 in place of N(0, I), and the bound rises by 8.5 nats at the first try. What do you "
        "look for first?",
        (
            Choice(
                "Whether the pseudo-inputs look like digits.",
                "They need not: nothing in the bound asks that of them, and the density is right whatever they look like.",
            ),
            Choice(
                "Whether log K stands in the density.",
                "Yes. Without it the prior integrates to 100, and every bound is log 100 = 4.6 nats too high. Let the prior be"
                " integrated, or K be 1, 10 and 100 with equal components.",
                right=True,
            ),
            Choice(
                "Whether the KL was computed in closed form.",
                "For a mixture there is none, so it is sampled. That adds noise, and no bias that would look like a gain.",
            ),
        ),
    ),
)
