"""The quiz of lesson 00: what the picture in the explorer is, and how the course works."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "You move a slider of the explorer. Where does the new picture come from?",
        (
            Choice(
                "The training image whose code lies nearest is looked up and shown.",
                "Nothing is looked up: the weights file holds no image at all. Between two digits you saw "
                "shapes that no training image has.",
            ),
            Choice(
                "The encoder works it out from the picture that was shown just before this one.",
                "The encoder works in the other direction, from an image to a code. It has no part in this picture.",
            ),
            Choice(
                "The decoder computes it from the two numbers of the code.",
                "Yes. The decoder is a function: two numbers in, 784 pixels out.",
                right=True,
            ),
        ),
    ),
    Question(
        "Two codes give a clear 3 and a clear 8. What does the decoder draw at the code halfway between them?",
        (
            Choice(
                "What the decoder has learned for that region, perhaps another digit.",
                "Yes. It can be a third digit, if the way between the two leads through that digit's region.",
                right=True,
            ),
            Choice(
                "The mean of the two pictures, pixel by pixel: a faint 3 laid over a faint 8, whatever lies between.",
                "That would be the mean of the pixels. You averaged the codes, and the decoder is not a "
                "linear function, so the two are different pictures, even where the digit drawn looks like a "
                "mixture.",
            ),
            Choice(
                "Noise, since no training image has exactly this code.",
                "Almost no code belongs to a training image exactly, and still most of the plane gives "
                "strokes. Lesson 01 shows a model with holes, and even there it draws blots, not noise.",
            ),
        ),
    ),
    Question(
        "The encoder of this model maps an image of 784 pixels to two numbers. What is lost?",
        (
            Choice(
                "Details such as one writer's small flourishes.",
                "Yes. How much a code should carry, and what that costs, is what lessons 04 and 10 measure.",
                right=True,
            ),
            Choice(
                "Nothing: the decoder turns the two numbers back into exactly that image, pixel for pixel.",
                "Two numbers cannot hold every detail of 784 pixels. Compare a digit with its reconstruction "
                "in the explorer: slant and stroke differ.",
            ),
            Choice(
                "Everything but the class of the digit: slant, width and stroke are gone for good.",
                "Two codes of one class still give different pictures: slant and width survive as well as the"
                " class. No label was used in training.",
            ),
        ),
    ),
    Question(
        "You run a check before you have written an answer, and it says 'not tried yet'. What about the cells below?",
        (
            Choice(
                "They stop with an error until you have solved the exercise.",
                "No exercise blocks the way: each check hands you the course's own answer to "
                "go on with, until yours passes.",
            ),
            Choice(
                "They run with the course's own answer.",
                "Yes. You can come back when you like: your own function takes over as soon as it passes its check.",
                right=True,
            ),
            Choice(
                "They run, but with random numbers where your answer would be.",
                "They run with a correct answer, so what you see below is what you will see with your own.",
            ),
        ),
    ),
)
