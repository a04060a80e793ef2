"""The quiz of lesson 00: what the picture in the explorer is, and how the course works."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "You move a slider of the explorer. Where does the new picture come from?",
        (
            Choice(
                "The nearest training image is looked up and shown.",
                "Nothing is looked up: the weights file holds no image at all. Between two digits you saw shapes that no"
                " training image has.",
            ),
            Choice(
                "The decoder computes it from the two numbers of the code.",
                "Yes. The decoder is a function: two numbers in, 784 pixels out.",
                right=True,
            ),
            Choice(
                "The encoder computes it from the previous picture.",
                "The encoder works in the other direction, from an image to a code. It has no part in this picture.",
            ),
        ),
    ),
    Question(
        "Two codes give a clear 3 and a clear 8. What does the decoder draw at the code halfway between them?",
        (
            Choice(
                "The average of the two pictures: a faint 3 laid over a faint 8.",
                "That would be the mean of the pixels. You averaged the codes, and the decoder is not a linear function,"
                " so the two are different pictures.",
            ),
            Choice(
                "Noise, since no training image has exactly this code.",
                "Almost no code belongs to a training image exactly, and still most of the plane gives strokes."
                " Lesson 01 shows a model for which this answer is right.",
            ),
            Choice(
                "Whatever shape the decoder has learnt for that region, often a digit-like form in between.",
                "Yes. It can be a third digit, if the way between the two leads through that digit's region.",
                right=True,
            ),
        ),
    ),
    Question(
        "The encoder of this model maps an image of 784 pixels to two numbers. What is lost?",
        (
            Choice(
                "Nothing: the decoder gives back exactly the image.",
                "Two numbers cannot hold every detail of 784 pixels. Compare a digit with its reconstruction in the"
                " explorer: slant and stroke differ.",
            ),
            Choice(
                "Details that two numbers cannot carry, such as one writer's small flourishes.",
                "Yes. How much a code should carry, and what that costs, is what lessons 04 and 10 measure.",
                right=True,
            ),
            Choice(
                "Everything but the class of the digit.",
                "Two codes of one class still give different pictures: slant and width survive as well as the class. No"
                " label was used in training.",
            ),
        ),
    ),
    Question(
        "You run a check before you have written an answer, and it says 'not tried yet'. What about the cells below?",
        (
            Choice(
                "They stop with an error until you solve the exercise.",
                "No exercise blocks the way: the line below each check hands you the course's own answer to go on with.",
            ),
            Choice(
                "They run with the course's own answer, and you can come back later.",
                "Yes. Your own function takes over as soon as it passes its check.",
                right=True,
            ),
            Choice(
                "They run with random numbers in place of your answer.",
                "They run with a correct answer, so what you see below is what you will see with your own.",
            ),
        ),
    ),
)
