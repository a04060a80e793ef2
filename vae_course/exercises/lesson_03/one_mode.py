"""03-one-mode: why the reverse KL settles on one mode, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="03-one-mode",
    title="Why one mode?",
    points=2,
    difficulty=3,
    minutes=6,
    task=(
        "Explain in three to five sentences why the Gaussian that minimises KL(q || p) sits on one of the two modes, "
        "although p has mass on both, and what exactly that costs."
    ),
    hints=(
        "Where are the draws that the mean in KL(q || p) is taken over? What does a mode cost that q never visits?",
        "KL(q || p) = E_q[log q - log p]. Between the modes log p is very negative. On one mode of weight w, p is about w "
        "times q, so log q - log p is about -log w.",
        "Begin: The expectation is under q, so ... A q that covers both modes would also ... A q on one mode of weight w "
        "pays ...",
    ),
    solution="""\
The expectation in KL(q || p) is taken under q, so only places where q has mass can cost anything. A Gaussian that
reaches both modes also covers the gap between them, where p is almost zero and the log ratio log q - log p is huge. The
mode that q leaves out costs nothing by itself, because q never draws there. What q pays is log(1 / w) for a mode of
weight w: on that mode q is 1 / w times as high as p, since q has to put all of its mass there.
""",
    explanation=(
        "The same expectation under p, the forward direction, would punish q where p has mass and q has none, so it "
        "stretches q over both modes. Which mode the descent finds depends on where it starts; that both are minima, and "
        "not equally good ones, is what the playground shows."
    ),
    rubric=(
        Criterion(
            "Says that the mean is under q, so that a place where q has (almost) no mass costs (almost) nothing, and that "
            "covering both modes means covering the gap, where p is almost zero and the log ratio is large. Both halves "
            "are needed; 'q is too simple' or 'it is mode-seeking' alone is a name, not a reason.",
            1,
        ),
        Criterion(
            "Gives the cost: log(1 / w), or -log w, for a mode of weight w (0.51 nats for 0.6, 0.92 for 0.4; the "
            "numbers alone count), or says in words that on its mode q is 1 / w times p.",
            1,
        ),
    ),
)
