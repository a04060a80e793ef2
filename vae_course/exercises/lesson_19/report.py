"""19-report: the page on a project of the learner's own, marked by a person with the rubric of 20 points."""

from vae_course.exercises.model import Criterion, Written
from vae_course.studies.capstone.card import RUBRIC, TOTAL

EXERCISE = Written(
    id="19-report",
    title="The project",
    points=TOTAL,
    difficulty=5,
    minutes=15,
    task=(
        "Do one track, which is a weekend's work, and report on it here in one page: question and baseline, what was measured "
        "and how, the result with both errors, what it costs, how the track's trap was examined, what failed, and what is not "
        "known. Hand in the notebook with `report_card.json` and `report_card.md` beside it; a page as `report.pdf` or "
        "`report.md` beside it counts as well."
    ),
    hints=(
        "Write the one sentence that you would like to be able to say at the end, with a gap where the number belongs. Which "
        "measurement fills the gap, and which baseline could fill it better?",
        "Each number needs five things: what it is, its unit, on which images, how many draws and trainings, and its error. Look "
        "for the statements of the planted report in your own.",
        "Headings that work: question; baseline; method in three sentences; acceptance; result, with both errors; cost; control; "
        "what failed; what is not known.",
    ),
    solution="""\
**Question.** Does warming up the KL make this VAE of the world of 12 pixels a better density model? **Baseline**, fixed
before: the same network without a warm-up, same images, epochs and batches. **Acceptance.** All findings hold; at first the
table named a KL whose 1/2 was missing, since I had copied it from a loss that halves at the end. **Measured**: log p(x),
exactly, by quadrature over both latent dimensions, in nats for a whole image, on 1,000 images drawn once with a seed that
no training saw; nothing was chosen on them. **Result** (numbers in section 3): over five trainings of each, the
warm-up is ahead by more than three of its errors over trainings, which is the larger of the two and the one that this
claim needs. **Cost**: no more time; the weights are the same, and with 32 bits each they take more than the 2,000
images of the training set do, so nothing was compressed here. **Control**: five more trainings of the baseline lead
the first five by less than two of their errors. **What failed**: a first table with one training of each, in which
the baseline looked better than itself. **Not known**: whether it holds with other data, with more latent dimensions,
where the optimum is another, or when the learning rate is tuned for each of the two.
""",
    explanation=(
        "A report is good when a reader can tell what was measured from what is concluded, could do it again, and knows what to "
        "doubt. That the result is small, or that the baseline wins, takes no points away."
    ),
    files=(".pdf", ".md", ".txt", ".json", ".csv", ".png", ".jpg", ".jpeg"),
    rubric=tuple(Criterion(row.text, row.points) for row in RUBRIC),
)
