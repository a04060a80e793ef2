"""00-why: what lies halfway between two digits, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="00-why",
    title="Halfway between two digits",
    points=1,
    difficulty=2,
    minutes=5,
    task=(
        "Say in two or three sentences what you see halfway between the codes of two digits, and why it isn't the mix "
        "of the two images."
    ),
    hints=(
        "Compare the decoded middle code with the mean of the two images: which one shows both digits at once?",
        "decode_mean((z_1 + z_2) / 2) and (decode_mean(z_1) + decode_mean(z_2)) / 2 are the same in general only if "
        "decode_mean is linear, up to a constant.",
        "Begin: Halfway the decoder draws ... It is not the mix of the two images, because the decoder is not ...; "
        "the mix would show ...",
    ),
    solution="""\
Halfway between two codes the decoder draws the shape that it has learned for that place in the plane. It is not the
mix of the two images, because the decoder is not a linear function: the decoded mean of two codes is not the mean
of the two decoded images. The mix of pixels shows both digits at once, each at half strength, and no digit looks
like that.
""",
    explanation=(
        "The decoder was trained to turn every code that is likely to come up into something like a digit, so it "
        "decodes the middle of two codes like any other code. Averaging after decoding lays one digit over the other."
    ),
    rubric=(
        Criterion(
            "Says what is seen (one shape with strokes of its own, perhaps blurred or a third digit, not two digits "
            "at half strength) and that codes are averaged before a decoder that isn't linear, not pixels after it.",
            1,
        ),
    ),
)
