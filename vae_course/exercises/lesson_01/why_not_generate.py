"""01-why-not-generate: why an autoencoder is no generator, in words."""

from vae_course.exercises.model import Criterion, Written

EXERCISE = Written(
    id="01-why-not-generate",
    title="Why not draw from an autoencoder?",
    points=2,
    difficulty=2,
    minutes=6,
    task=(
        'Somebody says: "My autoencoder reconstructs well, so I can generate new digits: I draw random codes and decode '
        'them." Answer in three to five sentences: what is missing, and how would you notice?'
    ),
    hints=(
        "Which codes did the decoder see in training, and which part of the loss speaks about all other codes?",
        "The loss is the mean of the squared error over the training images. It holds x, encode(x) and "
        "decode(encode(x)), and nothing about places where no encode(x) lies.",
        "Begin: The decoder was trained at ... only. From which distribution should codes be drawn? The loss does not "
        "..., so they may land in ... One notices it by ...",
    ),
    solution="""\
The loss is measured at the codes of the training images and nowhere else, so nothing tells the decoder what to draw
between or beyond them. Nor does anything say how the codes are spread: their place, their scale and their holes come
out as they like, and differ from one training to the next. So there is no distribution to draw codes from. A draw from
the box often lands in a hole; one from N(0, I) rarely does with two standardised numbers, nearly always with sixteen.
There the picture may be of no digit. One notices it by looking at decoded draws, or by a round trip: encode and decode
them again, and see whether they come back. What is missing is a distribution over codes that training and drawing share.
""",
    explanation=(
        "A small reconstruction error is a statement about the images that were encoded. A generator needs a statement "
        "about the codes that will be drawn, and the loss of an autoencoder makes none."
    ),
    rubric=(
        Criterion(
            "Says that the training loss constrains the decoder only at the codes of training images, so that elsewhere "
            "(in holes, between the clouds) it may give anything.",
            1,
        ),
        Criterion(
            "Says that no distribution over codes is defined or learned (place, scale and holes are left to chance), so "
            "there is nothing right to draw from; a way of noticing it is welcome but not required.",
            1,
        ),
    ),
)
