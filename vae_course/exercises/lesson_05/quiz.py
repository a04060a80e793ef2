"""The quiz of lesson 05: bias and variance, what a derivative of f is for, baselines, shared noise, a cut path."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "For the f of section 4 the score-function gradient needs more draws than the pathwise one. Why?",
        (
            Choice(
                "It is biased, and more draws remove the bias.",
                "Its expectation is the true gradient with a single draw already. What more draws remove is "
                "noise; they never change an expectation.",
            ),
            Choice(
                "It has to differentiate f numerically.",
                "It uses values of f only and takes no derivative of it in any way. That is its strength.",
            ),
            Choice(
                "Its variance is larger: it weights the score of a coordinate by the whole of f.",
                "Yes. Both are right on average, and the width of the histogram is what differs.",
                right=True,
            ),
        ),
    ),
    Question(
        "What does z = mu + sigma eps change?",
        (
            Choice(
                "The distribution of z, which becomes differentiable.",
                "The distribution of z is N(mu, sigma^2) as before. It is only written in another way.",
            ),
            Choice(
                "Nothing about z; but the parameters now stand in a formula, and the randomness in eps alone.",
                "Yes. So the derivative may be taken inside the average, and backward() finds its way to mu "
                "and logvar.",
                right=True,
            ),
            Choice(
                "It makes z deterministic, so no noise is left in the gradient.",
                "z is as random as before, and so is its gradient. The randomness now comes from eps, which "
                "has no parameters.",
            ),
        ),
    ),
    Question(
        "With L draws you subtract the mean of f over all L draws, each draw's own f included. What is the effect?",
        (
            Choice(
                "None on the mean, because any baseline is free of bias.",
                "A baseline is free of bias if it knows nothing of its own draw. This one does: each draw is "
                "in its own baseline.",
            ),
            Choice(
                "The estimate becomes zero on average, as f minus its mean is.",
                "That happens if f is averaged before it meets the score. Here f - mean still differs from "
                "draw to draw, and only a part 1 / L is lost.",
            ),
            Choice(
                "The estimate shrinks by the factor (L - 1) / L.",
                "Yes. Either leave the draw itself out of its baseline, or keep the mean of all and divide by"
                " L - 1 in place of L at the end. Not both: that would be too much by L / (L - 1).",
                right=True,
            ),
        ),
    ),
    Question(
        "A sampling layer draws one noise vector and uses it for all examples of a batch. What do you see?",
        (
            Choice(
                "A gradient that is right on average, but with noise that no batch size averages away.",
                "Yes. One noise pushes all examples at once, and what their errors have in common survives the mean.",
                right=True,
            ),
            Choice(
                "Wrong shapes, or an error message.",
                "Broadcasting makes each shape right. That is why the error is so easy to miss.",
            ),
            Choice(
                "A biased gradient: training converges to another model.",
                "Each example's noise is standard normal, so the mean of the gradient is right. It is its "
                "variance that suffers.",
            ),
        ),
    ),
    Question(
        "A VAE draws its codes by `Normal(mu, std).sample()`. The loss is -log p(x | z) + KL. What happens in"
        " training?",
        (
            Choice(
                "The decoder learns, and the KL pulls the encoder to the prior.",
                "Yes. The loss falls and no error appears, but the codes end up saying nothing about x.",
                right=True,
            ),
            Choice(
                "PyTorch raises an error at backward(), because a drawn code has no gradient.",
                "It would, if no parameter had a path to the loss. The decoder has one through the "
                "likelihood, the encoder through the KL.",
            ),
            Choice(
                "Nothing learns; all gradients are zero.",
                "The likelihood still depends on the decoder's weights, and the KL on mu and logvar. Only the"
                " path through z is cut.",
            ),
        ),
    ),
    Question(
        "The code z takes one of three values, and q(z) is a softmax of three parameters. How do you get the "
        "gradient of E_q[f(z)] with respect to them?",
        (
            Choice(
                "The pathwise gradient, once z has been turned into a float, so that it can be differentiated.",
                "A float that can only be 0, 1 or 2 has no small moves: its derivative with respect to the "
                "parameters is zero or missing.",
            ),
            Choice(
                "The score function, or, with only three values, the exact sum.",
                "Yes. The score function asks for values of f and the slope of log q, and both exist for a "
                "discrete code.",
                right=True,
            ),
            Choice(
                "Nothing: a discrete expectation has no gradient.",
                "It has: E_q[f] = sum_z q(z) f(z) is a smooth function of the parameters. It is only the draw"
                " that has no slope.",
            ),
        ),
    ),
)
