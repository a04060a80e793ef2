"""09-collapse: what to measure first where a code says nothing, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="09-collapse",
    title="What do you measure first?",
    points=3,
    difficulty=3,
    minutes=8,
    task=(
        "Your colleague's VAE has a KL of 0.3 nats and its samples all look alike. Which suspects come to mind, and "
        "what do you measure first, and why? Answer in four to six sentences."
    ),
    hints=(
        "How many images can a code tell apart that carries 0.3 nats? And is the printed 0.3 the true KL?",
        "A KL can be small because codes are too expensive (case A), because it is printed as a mean (case B), or because "
        "the decoder can't say anything (case H). These differ in the KL per dimension and in the first loss.",
        "Begin: 0.3 nats means that ... I measure first ... by code that is not my colleague's, because it separates "
        "... from ... If it is large, then ...; if it is near zero in each dimension, then I look at ...",
    ),
    solution="""\
A code of 0.3 nats can hardly tell two images apart, so equal samples fit that number: if it is right, the codes
carry nothing. First I measure the KL of each dimension with code that is not my colleague's, because it separates two
families of suspects. If the true KL is many times larger, the printed one is a mean over the latent dimensions, and the
samples have another cause. If it is near zero in each dimension, the codes are too expensive or useless, and I look at the
scale: the first reconstruction loss of an untrained network should be about 784 log 2 = 543 nats. If it is 0.7, it is a
mean over the pixels, and the KL counts 784 times too much. If it is far above 543, I look at what the loss is given:
logits between 0 and 1 mean that a sigmoid is applied twice.
""",
    explanation=(
        "A good first measurement is cheap, does not rely on the code under suspicion, and comes out differently for "
        "different suspects. A look at more samples does none of that."
    ),
    rubric=(
        Criterion(
            "Says what 0.3 nats mean: a code that carries almost nothing (collapse), or a KL that is printed too small. "
            "Naming only one of the two is enough.",
            1,
        ),
        Criterion(
            "Names a measurement that can be made at once, such as the KL of each dimension by independent code, the "
            "first loss against 784 log 2, or the range of the logits. Training longer or looking at more samples does "
            "not count.",
            1,
        ),
        Criterion(
            "Gives the reason: says which suspects the measurement separates, with what it would show for at least two "
            "of them.",
            1,
        ),
    ),
)
