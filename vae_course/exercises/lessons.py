"""The exercises and the quizzes, found by their files: `lesson_07/kl.py` holds 07-kl, `lesson_07/quiz.py` its quiz.

A file is imported when it is asked for. A name that begins with an underscore is of what several exercises share.
"""

import difflib
import functools
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from vae_course.exercises.model import AnyExercise, UnknownExercise
from vae_course.exercises.quiz import Question

FOLDER = Path(__file__).parent
QUIZ = "quiz"
# The notebook and the title of each lesson, by its two digits.
NOTEBOOKS = {
    "00": ("00_start_here", "Start here"),
    "01": ("01_autoencoders", "Autoencoders"),
    "02": ("02_latent_variable_models", "Latent-variable models"),
    "03": ("03_kl_and_variational_inference", "KL divergence and variational inference"),
    "04": ("04_the_elbo", "The ELBO"),
    "05": ("05_gradients_and_reparameterisation", "Gradients and reparameterisation"),
    "06": ("06_choosing_the_likelihood", "Choosing the likelihood"),
    "07": ("07_your_first_vae", "Your first VAE"),
    "08": ("08_inside_the_latent_space", "Inside the latent space"),
    "09": ("09_find_the_bug", "Find the bug"),
    "10": ("10_rate_distortion_collapse", "Rate, distortion and collapse"),
    "11": ("11_how_good_is_it", "How good is it?"),
    "12": ("12_what_vaes_are_used_for", "What VAEs are used for"),
    "13": ("13_structure_and_control", "Structure and control"),
    "14": ("14_discrete_codes", "Discrete codes"),
    "15": ("15_richer_posteriors_and_priors", "Richer posteriors and priors"),
    "16": ("16_hierarchies", "Hierarchies"),
    "17": ("17_diffusion", "From VAE to diffusion"),
    "18": ("18_latent_generators", "The autoencoder inside today's generators"),
    "19": ("19_capstone", "Capstone"),
}


@functools.cache
def ids() -> tuple[str, ...]:
    """The id of every exercise, in the order of the lessons and, within one, of the alphabet."""
    return tuple(
        f"{lesson}-{file.replace('_', '-')}" for lesson, files in _files().items() for file in files if file != QUIZ
    )


def all_exercises() -> tuple[AnyExercise, ...]:
    """Every exercise, in the order of `ids`."""
    return tuple(get(id) for id in ids())


def get(id: str) -> AnyExercise:
    """The exercise with this id.

    Raises:
        UnknownExercise: there is none; the message names the near matches.
    """
    if id in ids():
        lesson, _, name = id.partition("-")
        exercise: AnyExercise = _module(lesson, name.replace("-", "_")).EXERCISE
        return exercise
    near = difflib.get_close_matches(str(id), ids(), n=3, cutoff=0.5)
    raise UnknownExercise(
        f"There is no exercise {id!r}; "
        + (f"near matches: {', '.join(near)}." if near else "an id is a lesson's number and a name, such as 07-kl.")
    )


def quizzes() -> tuple[str, ...]:
    """The lessons that have a quiz, by their two digits."""
    return tuple(lesson for lesson, files in _files().items() if QUIZ in files)


def questions(lesson: str) -> tuple[Question, ...]:
    """The questions of a lesson's quiz, by its two digits.

    Raises:
        ValueError: the lesson has no quiz.
    """
    if lesson not in quizzes():
        raise ValueError(f"There is no quiz for lesson {lesson!r}: choose one of {', '.join(quizzes())}.")
    asked: tuple[Question, ...] = _module(lesson, QUIZ).QUESTIONS
    return asked


@functools.cache
def _files() -> dict[str, list[str]]:
    """The names of each lesson's files, by its two digits."""
    folders = sorted(found.name for found in pkgutil.iter_modules([str(FOLDER)]) if found.name.startswith("lesson_"))
    return {
        folder.removeprefix("lesson_"): sorted(
            found.name for found in pkgutil.iter_modules([str(FOLDER / folder)]) if not found.name.startswith("_")
        )
        for folder in folders
    }


def _module(lesson: str, file: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.lesson_{lesson}.{file}")
