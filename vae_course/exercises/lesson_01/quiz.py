"""The quiz of lesson 01: same subspace, other codes; centring; holes; what the loss leaves free; more codes."""

from vae_course.exercises.quiz import Choice, Question

QUESTIONS = (
    Question(
        "A linear autoencoder with two codes is trained to its minimum. How do its codes relate to those of PCA?",
        (
            Choice(
                "They are the same, up to a sign.",
                "PCA picks one basis of the best plane; the loss doesn't ask for that basis. In this lesson "
                "the single directions were many degrees apart.",
            ),
            Choice(
                "They have nothing in common: one is trained by gradient, the other computed from eigenvectors.",
                "The way there differs, the goal is the same: both minimise the squared error over planes, "
                "and the best plane is unique where the second and third eigenvalue differ.",
            ),
            Choice(
                "They are the PCA codes, mixed by some invertible matrix.",
                "Yes. The reconstruction depends on the plane only, and each basis of it gives other codes "
                "for the same point.",
                right=True,
            ),
        ),
    ),
    Question(
        "PCA keeps k directions. What is its mean squared error on the images that it was computed from?",
        (
            Choice(
                "The sum of all eigenvalues but the k largest.",
                "Yes: the total variance minus the variance kept.",
                right=True,
            ),
            Choice(
                "The sum of the k largest eigenvalues of the covariance.",
                "That is what it keeps. The error is what it drops.",
            ),
            Choice(
                "The eigenvalue number k + 1.",
                "That is the largest of the parts that are dropped, and there are many more of them.",
            ),
        ),
    ),
    Question(
        "Two trainings of the same autoencoder differ only in the seed. Which of these will be nearly equal?",
        (
            Choice(
                "The codes of a given image.",
                "Nothing fixes where a code lies: move, stretch or bend the plane, let the decoder undo it, "
                "and the loss stays.",
            ),
            Choice(
                "The reconstruction errors.",
                "Yes. The error is what the loss fixes; how the plane is laid out it leaves free.",
                right=True,
            ),
            Choice(
                "The places of the holes.",
                "They follow the clouds of codes, and those lie elsewhere in each training.",
            ),
        ),
    ),
    Question(
        "You want new digits from your autoencoder and draw codes from N(0, I). Why is that a bad idea?",
        (
            Choice(
                "A normal distribution never gives the same code twice.",
                "No continuous distribution does, and none has to: neighbouring codes decode to nearly the "
                "same picture.",
            ),
            Choice(
                "The decoder can't be used without the encoder.",
                "It can: it is a function of the code alone, and it draws something for every code. The "
                "question is what.",
            ),
            Choice(
                "The codes of the training images do not follow N(0, I), and the decoder was trained at those alone.",
                "Yes. Some regions are drawn far too often, others never, and with many codes nearly every "
                "draw lands in a hole.",
                right=True,
            ),
        ),
    ),
    Question(
        "The reconstructions are too coarse, so you raise the number of codes from 2 to 16. What happens?",
        (
            Choice(
                "Reconstructions get better, and since the codes hold more, random codes give better digits too.",
                "The first is true. But the codes fill only a thin part of a space with 16 dimensions, and "
                "nearly all random codes miss it.",
            ),
            Choice(
                "Reconstructions get better, random codes worse pictures.",
                "Yes. A better compressor is not a better generator; here the two even pull apart.",
                right=True,
            ),
            Choice(
                "Nothing, since a digit is described by its class and its slant alone.",
                "The error fell a lot with 16 codes. Two numbers do not hold all that makes an image.",
            ),
        ),
    ),
)
