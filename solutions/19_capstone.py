# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 19 Capstone
#
# The last lesson is a project of your own: one question about a VAE, answered with numbers that hold. Before any digit, what
# you measure with is itself tested, in a world that is small enough for everything to be known. Five tracks to choose from
# stand under Going deeper, with a plan for a weekend.

# %% [markdown]
# **After this lesson you can**
# - put your pipeline through an acceptance test in a world whose $p(x)$ you can enumerate,
# - say which of two errors a claim needs, that over images or that over trainings, and compute both,
# - find in a report what its numbers do not carry,
# - plan, carry out and report a project of a weekend,
# - (going deeper) count the bits of a message together with the model that decodes it.
#
# **You need first:** [lesson 11](11_how_good_is_it.ipynb) (bounds and their errors) and
# [lesson 12](12_what_vaes_are_used_for.ipynb) (uses of a VAE).
#
# **Time:** Slow cells say so. The project itself takes a weekend. All numbers are those of the world
# of 12 pixels, the same with MNIST and with the pen digits.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $p^*(x)$ | the world's own distribution | `p_world` | `[4096]` |
# | $H$ | entropy, the least mean of $-\log p(x)$ that there is, nats | `world.entropy` | one number |
# | $\log p(x)$ | log marginal of a model, nats | `log_px` | `[B]` |
# | $\mathcal L$ | evidence lower bound, nats | `elbo` | `[B]` |
# | $k$ | draws of z for each image, in the importance-weighted bound | `len(eps)` | one number |
# | $\varepsilon$ | noise of all draws | `eps` | `[k, B, D]` |
#
# Sizes in brackets: B images, D latent dimensions; below also S trainings and N test images. ($H$ is no height here.) A hat marks
# an estimate from draws.

# %% [markdown]
# ## 1 A world of 12 pixels
#
# Take images of 3 by 4 pixels, black or white. There are $2^{12} = 4096$ of them, so a distribution over images is a list of
# 4,096 numbers. Ours makes bars: a coin chooses rows or columns, each of these is on with probability ½, and finally each pixel
# is flipped with probability {{any:19-flip}}. How often each image occurs, $p^*(x)$, is a sum over 24 patterns: 8 of rows and 16
# of columns.

# %%
import functools
import math

import torch
import torch.nn.functional as F

from vae_course import exercises, plotting
from vae_course.claims import claim
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.plotting.capstone import bounds_below
from vae_course.studies.capstone import exact
from vae_course.studies.capstone.acceptance import accept
from vae_course.studies.capstone.mistakes import MISTAKES, PIXEL_MEAN
from vae_course.studies.capstone.world import SHAPE, BarsWorld, every_image, number_of

world = BarsWorld()
p_world = world.log_p.exp()
claim("19-flip", world.flip, world="any", tolerance=1e-6, unit="", digits=2)
claim("19-entropy", world.entropy, world="any", tolerance=0.001, digits=3)
claim("19-entropy-bits", world.entropy / math.log(2), world="any", tolerance=0.001, unit="bits", digits=2)
claim("19-coins", 12 * math.log(2), world="any", tolerance=0.001, digits=3)
plotting.image_grid(world.sample(20, seed=0), ncols=10, title="twenty images of the world")

# %% [markdown]
# So here the best possible score is known. For any model, the mean of $-\log p(x)$ over the world is the entropy plus a KL,
#
# $$\mathbb E_{p^*}[-\log p(x)] = H + \mathrm{KL}(p^* \,\Vert\, p) \ge H = -\sum_x p^*(x) \log p^*(x),$$
#
# and no model gets below $H$, {{any:19-entropy}} nats or {{any:19-entropy-bits}} bits. Twelve fair coins cost {{any:19-coins}}
# nats: each pixel by itself is on half of the time, so coins are the best that one can do without looking at how pixels go
# together. A mean over the world below $H$ is wrong; one above {{any:19-coins}} says that the model is worse than coins.
# With digits nobody could tell.

# %% [markdown]
# ## 2 The acceptance test
#
# Train a small VAE with two latent dimensions on 2,000 images of the world (some seconds):

# %%
from vae_course.training import Recipe, fit_or_load, fit_or_load_all

images = world.sample(2000, seed=1)
settings = {"images": images, "epochs": 40, "batch_size": 100, "lr": 3e-3}


def recipe(name, seed, *, anneal=None):
    """A training of a VAE of the world with two latent dimensions."""
    build = functools.partial(VAE.mlp, 2, hidden=(64, 64), shape=SHAPE)
    return Recipe(name=f"bars-{name}-{seed}", seed=seed, build=build, loss=negative_elbo, anneal=anneal, **settings)


model, _ = fit_or_load(recipe("plain", 0))
_ = model.requires_grad_(False)

# %% [markdown]
# With two latent dimensions, $p(x) = \int p(z) \, p(x \mid z) \, dz$ is all but a sum over a grid: every image's $\log p(x)$ is
# known to several digits, and so is $\mathrm{KL}(q(z \mid x) \,\Vert\, p(z \mid x))$. What your code estimates can be held
# against the truth, image by image. Each project rests on two estimates for each image: of the ELBO, and of the
# importance-weighted bound with $k$ draws,
#
# $$\hat{\mathcal L} = \frac1k \sum_j \log p(x \mid z_j) - \mathrm{KL}(q(z \mid x) \,\Vert\, p(z)), \qquad
# \hat{\mathcal L}_k = \log \frac1k \sum_j \frac{p(x \mid z_j) \, p(z_j)}{q(z_j \mid x)},$$
#
# with $z_j = \mu + \sigma \varepsilon_j$.
#
# Write them yourself, from the networks on. The noise is given, so that the check can compare.
#
# ### Your turn: the pipeline

# %% exercise="19-accept"

# %% [markdown]
# The acceptance test calls your function with all 4,096 images and noise of its own, and compares with what is exact. It takes
# samples too: draw z from the prior, and then *each pixel*, not the mean.

# %%
_ = torch.manual_seed(0)
samples = model.likelihood(model.prior().sample((5000,))).sample()
accepted = accept(model, bounds, samples)
assert accepted.passed
claim("19-model", accepted.cross_entropy, world="any", tolerance=0.4, digits=2)
claim("19-gap", accepted.gap, world="any", tolerance=0.1, digits=2)
accepted

# %% [markdown]
# ± is a standard error over draws. A row allows four of them, and some a little more: 0.001 for a p(x), 0.01 nats for the
# ELBO, 0.05 nats for the unit. What the rows rest on:
#
# - **1, draws.** Each image must follow its own noise, all of it, and nobody else's.
# - **2, adds up to 1.** The mean of the weights is an unbiased estimate of $p(x)$, for every $k$ (lesson 11). So estimates for
#   *all* images add up to 1, up to their noise. A log k, a prior or a density of q that is missing shows at once. (A q that is
#   too narrow makes this error too small.)
# - **3 and 4, ELBO** $= \log p(x) - \mathrm{KL}(q \,\Vert\, p(z \mid x))$, the right side by quadrature (lesson 04), and below
#   $\log p(x)$ for each image. Row 3 is a mean over the 4,096 images, each counting the same, so it lies far below the others:
#   most images are rare.
# - **5 and 6.** Rises with $k$, and $p(x)$ with 64 draws has the right mean.
# - **7 and 8, unit.** Nats, for a whole image, and no fewer than $H$.
# - **9, samples** against $p(x)$, by a chi-squared test; rare images are counted together.
#
# This model needs {{any:19-model}} nats, and its mean gap is {{any:19-gap}} nats. With right numbers nearly any model with two
# latents on 3 × 4 images passes, trained or not: the test is about them. Look at them image by image. Dots are as large as
# images are frequent; the ELBO is a mean over 256 draws.

# %%
generator = torch.Generator().manual_seed(1)
log_px = exact.log_marginal(model)
elbo, weighted = bounds(model, every_image(), torch.randn(256, 4096, 2, generator=generator))
bounds_below(log_px, {"ELBO": elbo, "k = 256": weighted}, p_world)

# %% [markdown]
# The ELBO lies below by the gap; the bound with 256 draws lies on the line, but for noise. Both have the noise of 256 draws, so
# a dot of either may lie above the line, and the ELBO's mean in the legend differs a little from the exact gap above.
#
# ### When it fails
#
# Suppose that log p(x | z) is a mean over the pixels, as in published losses of lesson 06. Which of rows 1 to 8 fail?
# Decide before you run the cell.

# %%
planted = accept(model, PIXEL_MEAN)
claim(
    "19-planted",
    sum(not f.holds for f in planted.findings),
    world="any",
    tolerance=0.5,
    unit="rows of 8 fail",
    digits=0,
)
planted

# %% [markdown]
# {{any:19-planted}} rows fail, and each says why: the pipeline's numbers were compared, on the same noise, with those of the
# mistakes that the course knows. The bound rises with k all the same, and each image still follows its draws: a curve
# over k that goes the right way is no proof.
#
# What a pass does *not* show stands under Going deeper.

# %% [markdown]
# ## 3 Two errors
#
# Your project may end with "A is better than B". Take two methods in our world: B is the network above, and A is B with one
# change, which you can find in the cell. Train each five times. And so that you see an effect too, train a third method five
# times: B with a warm-up of the KL over the first 30% of the training. (15 trainings, half a minute in all.)

# %%
from vae_course.training.schedules import linear_warmup

recipes = {
    "B": [recipe("plain", seed) for seed in range(5)],
    "A": [recipe("plain", seed) for seed in range(5, 10)],
    "warm-up": [recipe("warm", seed, anneal=linear_warmup(0.3)) for seed in range(10, 15)],
}
trained = iter(fit_or_load_all([one for five in recipes.values() for one in five]))
models = {name: [next(trained)[0].requires_grad_(False) for _ in five] for name, five in recipes.items()}

# %% [markdown]
# The score: exact log p(x) on 1,000 test images, `[S, N]` for each method. Five pairs, with bars of ± 2 standard errors over
# images, as a single training of each would have been reported:

# %%
test = number_of(world.sample(1000, seed=2))
scores = {name: torch.stack([exact.log_marginal(m, n_points=61)[test] for m in five]) for name, five in models.items()}
pairs = scores["A"] - scores["B"]
leads, errors = pairs.mean(1), pairs.std(1) / math.sqrt(1000)
for name, value in (("most", leads.max()), ("least", leads.min())):
    claim(f"19-pair-{name}", value, world="any", tolerance=None, digits=2)
claim("19-pair-sure", (leads.abs() > 3 * errors).sum(), world="any", tolerance=None, unit="pairs", digits=0)
claim("19-pair-error-least", errors.min(), world="any", tolerance=None, digits=2)
claim("19-pair-error-most", errors.max(), world="any", tolerance=None, digits=2)
names = [f"pair {i + 1}" for i in range(5)]
plotting.dots(names, leads, errors=2 * errors, xlabel="A less B, nats (more is better)", digits=2)

# %% [markdown]
# Whoever trained once would have reported anything from {{any:19-pair-least}} to {{any:19-pair-most}} nats, with standard errors
# from about {{any:19-pair-error-least}} to {{any:19-pair-error-most}}; {{any:19-pair-sure}} of the five leads are more than three
# of their own errors from zero, and they contradict each other. The errors are not wrong. They answer another question: would
# *these two models* keep their order on other images? The question was about the *methods*, and the next training draws its
# weights and batches anew.
#
# ### Your turn: both errors

# %% exercise="19-errors"

# %% [markdown]
# Both comparisons with yours:

# %%
found = {f"{name} less B": compare(scores[name], scores["B"]) for name in ("A", "warm-up")}
for key, (name, (lead, over_images, over_seeds)) in zip(("again", "warm"), found.items(), strict=True):
    for what, value in (("", lead), ("-images", over_images), ("-seeds", over_seeds)):
        claim(f"19-{key}{what}", value, world="any", tolerance=None, digits=3)
    print(f"{name}: {float(lead):.3f} nats, ± {float(over_images):.3f} images, ± {float(over_seeds):.3f} trainings")
(again, _, again_error), (warm, _, warm_error) = found.values()
claim("19-warm-errors", warm / warm_error, world="any", tolerance=None, unit="errors over trainings", digits=1)
assert abs(again) < 5 * again_error and warm > warm_error

# %% [markdown]
# | | lead, nats | ± over images | ± over trainings |
# |---|---|---|---|
# | A against B | {{any:19-again}} | {{any:19-again-images}} | {{any:19-again-seeds}} |
# | warm-up against B | {{any:19-warm}} | {{any:19-warm-images}} | {{any:19-warm-seeds}} |
#
# - The change that turns B into A: other seeds, and nothing else. In single pairs a method was ahead of *itself*, and behind
#   itself, by several errors over images. With five trainings averaged the lead shrank: it is less than two errors over
#   trainings, as in nine cases of ten.
# - The warm-up is ahead by {{any:19-warm-errors}} of its errors over trainings (with five runs each ask for three, not two: few
#   runs make an error itself unsure), so this may be said of methods: on this world, with this budget, it helps.
# - Quote both, and say of each which it is, the one over images or over trainings. A project that can train only once has no
#   **error over trainings**: it says so, and claims something about its models, not its methods.
#
# Two more numbers belong with it: on how many images, and how many trainings. And what was tried and dropped: the best of
# twenty attempts is ahead partly by luck (lesson 11).

# %% [markdown]
# ## 4 Audit a report
#
# Here is a page on a project that never was; all its numbers are invented. Six of the fourteen statements hold a mistake
# that this course warned of. The others are sound, some of them unusual.
#
# **A VAE that compresses digits.**
#
# 1. MNIST has 60,000 training images, of which we set 10,000 aside as validation images, and 10,000 test images.
# 2. A grey pixel is the probability that it is white: we draw it anew in each epoch of training, and once and for all for
#    validation and test.
# 3. Training runs for 50 epochs. We keep the weights of epoch 37, where −ELBO on the test images is lowest.
# 4. The loss is the cross-entropy of the logits, summed over 784 pixels, plus the KL, summed over 20 latent dimensions; the
#    mean is taken over the batch.
# 5. For these weights −ELBO on the test images is 96.4 nats. With 5,000 draws each, the importance-weighted estimate of
#    −log p(x) is 91.9; the true one is no larger, noise aside.
# 6. A published model of the same size has −ELBO 94.0 nats. Our 91.9 are fewer: our model is better by 2.1 nats.
# 7. The mean KL is 25.3 nats, so on average a code tells at most 25.3 nats about its image.
# 8. With β = 0.5 training ends at reconstruction + 0.5 KL = 88.2 nats. As an upper bound on −log p(x) it is the best of all
#    our models.
# 9. 91.9 nats for 784 pixels are 0.117 bits per dimension.
# 10. By bits back an image costs −ELBO, first bits and rounding aside: 96.4 nats, or 139.1 bits.
# 11. The 10,000 test images take about 174,000 bytes, and gzip makes 321,000 bytes of them. So anyone without our model can be
#     sent them in 54% of the space.
# 12. The network, 784-400-20, has 652,824 parameters of 32 bits each.
# 13. We trained once with free bits and once without, both with seed 0. Free bits are ahead by 0.31 ± 0.05 nats, the standard
#     error over 10,000 paired test images: they are the better way to train this network.
# 14. For the figure of samples, codes are drawn from N(0, I). It shows the mean of each pixel, as its caption says, so edges
#     look softer than in an image drawn pixel by pixel.
#
# | name | meaning |
# |---|---|
# | `choice on test images` | a choice was made by looking at the images that the result is reported on |
# | `bounds of different kinds` | a looser bound of one model is compared with a tighter one of another |
# | `no bound` | a number is read as a bound on log p(x) and is none |
# | `nats for bits` | a number has the one unit and is said to have the other |
# | `weights not counted` | the receiver needs the model too, and nobody counted it |
# | `images for seeds` | an error over images is quoted for a claim about trainings |
# | `mean for sum` | a term is averaged over pixels or latent dimensions where a sum belongs |
# | `grey as binary` | a cross-entropy of grey pixels is called a log-likelihood |
# | `sigmoid twice` | probabilities go where logits are expected |
# | `another prior` | samples come from other codes than the model's prior gives |
# | `bound upside down` | a bound is said to lie on the wrong side of what it bounds |
# | `rate misread` | a KL is said to limit what it does not limit |
#
# ### Your turn: the audit
#
# The check says how many you have found, how many of these you have named rightly, and how many you flag wrongly. It does not
# say which.

# %% exercise="19-audit"

# %% [markdown]
# Before you hand in a report of your own, read it the same way. The rubric by which it is marked, with a card for what it found,
# stands under Going deeper.

# %% [markdown]
# ## 5 Quiz
#
# If you see no buttons, type `quizzes.answer("19", 1, "b")` in a cell to answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("19")

# %%
exercises.progress("19")

# %% [markdown]
# ## Summary
#
# > $$\mathbb E_{p^*}[-\log p(x)] = H + \mathrm{KL}(p^* \,\Vert\, p) \ge H, \qquad
# > \sum_x \mathbb E\big[e^{\hat{\mathcal L}_k(x)}\big] = \sum_x p(x) = 1$$
# >
# > Over images: the standard deviation of the paired differences, over the root of their number. Over trainings: of each method
# > the variance of its trainings over their number; add both, and take the root.
# >
# > Test what you measure with where the truth is known. Fix question, baseline and the use of the test images before you train.
# > An error over images speaks of these models, one over trainings of methods on these images; a claim on both needs both. A
# > message is as long as what the receiver needs, weights included.

# %%
plotting.summary("19")

# %% [markdown]
# **Sources.** D. J. C. MacKay, [*Information Theory, Inference, and Learning
# Algorithms*](https://www.inference.org.uk/mackay/itila/), Cambridge 2003, for bars and stripes (chapter 43) and for code
# lengths. Y. Burda, R. Grosse and R. Salakhutdinov, [*Importance Weighted Autoencoders*](https://arxiv.org/abs/1509.00519),
# ICLR 2016, for the bound. X. Bouthillier and others, [*Accounting for Variance in Machine Learning
# Benchmarks*](https://arxiv.org/abs/2103.03098), MLSys 2021, for what varies from training to training. J. Pineau and others,
# [*Improving Reproducibility in Machine Learning Research*](https://arxiv.org/abs/2003.12206), JMLR 2021, for a checklist that
# many reports are held to.
#
# **Next:** the project. If a track needs a lesson that you have skipped, [lesson 00](00_start_here.ipynb) has the map.

# %% [markdown]
# ## Going deeper
#
# ### The project (a weekend)
#
# Choose a track, or bring a question of your own.
#
# | track | the question | measured by | to call | lessons | the trap |
# |---|---|---|---|---|---|
# | **Compress** | How many bits does an image take, and from how many images on does the model pay? | bytes of a message that was decoded bit for bit; bits per image with the weights, against PNG and gzip | `compression.bits_back.encode`, `.decode`; `compression.plain.png`; `19-bits` | 06, 12, 14, 16 | weights not counted; a code length that nobody has decoded |
# | **Fill in** | How good are guesses of pixels that you hid? | log p(hidden pixels given the others), nats; squared error of one guess beside it | `inverse.seen_log_prob`, `inverse.langevin` | 12, 15, 18 | one likely guess looks better than the right spread; codes drawn from q of an image with holes |
# | **Detect** | Can the model tell images that do not belong? | AUROC with its error, for each kind of odd image by itself; against the size of a PNG as a score | `anomaly.auroc`, `evaluation.log_marginal_each` | 11, 12 | the kind of odd image chooses the winner; a threshold set on test images |
# | **Replicate** | Does one row of a published table hold? | the paper's own number, its data and binarisation, its k; three seeds or more | `data.load`, `data.binarize`, `evaluation.log_marginal` | 07, 11, 13 to 17 | another k or binarisation; a training that was cut short and is silently compared |
# | **Own images** | What does a VAE make of pictures that you care for? | nats per dimension with a stated likelihood; against the mean image and PCA; samples beside their nearest training images | `data.load_folder`, `evaluation.log_marginal` | 06, 13, 14, 18 | grey or colour treated as binary; nearly equal images in training and test set |
#
# `compression`, `inverse` and `anomaly` are in `vae_course.studies`, `data` and `evaluation` in `vae_course`.
#
# What does a good result look like?
#
# - **Compress**: a table with three rows, message, message and weights, rival; and the number of images at which two of them
#   cross, even if you don't have as many.
# - **Fill in**: a score that constant guesses do *not* win, and five completions of an image that differ where it is really
#   open. Check the code in the world of 12 pixels, where log p(hidden | others) can be enumerated.
# - **Detect**: a row for each kind of odd image, one of them lost: likelihood alone fails somewhere, and you know where.
# - **Replicate**: the paper's number, yours with both errors, and a sentence for each thing that differs.
# - **Own images**: a bound that beats probabilistic PCA of as many dimensions, or an honest account of why it doesn't.
#
# Today's generators, as in [lesson 18](18_latent_generators.ipynb), may serve for any of them. Choose the track whose trap you
# find most interesting. Then fix three things *before* you train: the question, the baseline, and the one number that you will
# compute on the test images, once. All choices are made on validation images.
#
# A plan, in hours: 1 for the question, the baseline and the first entry of a log, a text in which you note each thing that you
# try; 2 until your pipeline passes the acceptance test and agrees with the package on ten of your images; 3 for the baseline,
# with three trainings or more (the fewer, the larger a lead has to be); 5 for the method; 2 for the control that the trap asks
# for; 1 for the test images, once; 2 for the page. Cut the method before you cut the control.

# %% [markdown]
# ### The report card
#
# A person marks the project, with a rubric of 20 points:
#
# | row | points |
# |---|---|
# | **Acceptance test**: passed, the table handed in, with what failed at first and why | 3 |
# | **Question and baseline**: one that a measurement can answer, and a baseline named before anything was trained | 3 |
# | **Measurement**: bound or estimate, k, unit, which images; test images read once | 4 |
# | **Errors**: over images and over three trainings or more, and each claim on the one that it needs | 4 |
# | **Cost**: weights in bits, or time and memory | 2 |
# | **The track's trap**: examined by a control that could have come out against the result | 2 |
# | **Report**: one page from which somebody could repeat the work, with what failed and what is not known | 2 |
#
# Nothing is given for a large effect. A baseline that wins, shown with care, can earn all 20.
#
# A card holds what a marker asks for first: the findings, the number that the track is about with both errors, bits if there
# are any, and your own points by the rubric. After a single training, give `None` for the error over trainings, and the card
# says so. Here is that of a small project in our world, "does a warm-up help?". Move the sliders to what you would give it.
# **Save** writes `report_card.json` and `report_card.md` beside the notebook; hand both in with it.

# %%
from vae_course.studies.capstone.card import Headline
from vae_course.widgets.report_card import ReportCard

lead, over_images, over_seeds = (float(part) for part in found["warm-up less B"])
headline = Headline("lead of the warm-up, log p(x) of 1,000 test images", lead, over_images, over_seeds)
ReportCard("12 pixels", headline, accepted)

# %% [markdown]
# Bars reach two standard errors each way; the grey line marks no lead.

# %% [markdown]
# ### Your turn: the project
#
# The minutes in the box are those of the page alone. `exercises.solution("19-report")` shows a page on the warm-up: read it for
# its form when your question is fixed.

# %% exercise="19-report"

# %% [markdown]
# ### What a pass does not show
#
# Here is a pipeline that exponentiates its log weights without taking out the largest:

# %%
underflow = next(mistake for mistake in MISTAKES if mistake.name == "exponentials underflow")
unnoticed = accept(model, underflow.bounds)
assert unnoticed.passed
print(unnoticed.verdict)

# %% [markdown]
# It passes. Twelve pixels make log weights of −10, which a computer can exponentiate; 784 pixels make them −100 and less, and
# in float32 the exponential is 0 below about −104. A test covers the world that it is made in. For your own images repeat what
# can be repeated there: the bound must rise with $k$, the package must agree, and where pixels are binary, the likelihood is
# Bernoulli and the last biases start near 0 (lesson 11's don't), the first loss of an untrained network must be near the number
# of pixels times log 2.
#
# `accept` takes the same `bounds` that you use on digits, with `VAE.mlp(2, ..., shape=(1, 3, 4))`. If your model is of another
# kind, pass the test with its nearest relative, and say what is not covered.

# %% [markdown]
# ### The whole message
#
# By bits back an image costs $-\mathcal L$ (lesson 12). That is the length of a message to somebody *who has the model*.
# Everybody else needs the weights first. For N images, with 32 bits for each parameter:
#
# $$\text{bits per image} = \frac{1}{N} \Big( \sum_n \frac{-\mathcal L(x_n)}{\log 2} + 32 \cdot \text{parameters} \Big).$$

# %%
parameters = sum(weights.numel() for weights in model.parameters())
message = float(p_world @ (exact.kl_to_posterior(model, log_px) - log_px)) / math.log(2)
claim("19-parameters", parameters, world="any", tolerance=0.5, unit="", digits=0)
claim("19-message", message, world="any", tolerance=0.6, unit="bits", digits=1)
for n in (2000, 1_000_000):
    claim(f"19-whole-{n}", message + 32 * parameters / n, world="any", tolerance=0.6, unit="bits per image", digits=1)
claim("19-even", 32 * parameters / (12 - message), world="any", tolerance=None, unit="images", digits=0)

# %% [markdown]
# The model's {{any:19-parameters}} parameters turn {{any:19-message}} bits per image into {{any:19-whole-2000}} if you send 2,000
# images, as many as it was trained on, and a plain list of pixels takes 12. For a million images it is
# {{any:19-whole-1000000}}. It breaks even with the plain list at {{any:19-even}} images. All parameters count: the receiver
# reruns the encoder to get the bits back. (Fewer bits for each weight, as lesson 14 quantises codes, are a project.)

# %% [markdown]
# ### Your turn: bits, with the weights
#
# The same formula, from the bounds of the images that are sent.

# %% exercise="19-bits"

# %% [markdown]
# With yours, for 100,000 images of the world, whose exact ELBOs are known:

# %%
sent = number_of(world.sample(100_000, seed=3))
each = (log_px - exact.kl_to_posterior(model, log_px))[sent]
claim("19-sent", bits_per_image(each, parameters, 32), world="any", tolerance=0.6, unit="bits per image", digits=1)

# %% [markdown]
# {{any:19-sent}} bits per image, where the plain list has 12.
