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
# you measure with is itself tested, in a world that is small enough for everything to be known.

# %% [markdown]
# **After this lesson you can**
# - put your pipeline through an acceptance test in a world whose $p(x)$ you can enumerate,
# - say which of two errors a claim needs, that over images or that over trainings, and compute both,
# - count the bits of a message together with the model that decodes it,
# - find in a report what its numbers do not carry,
# - plan, carry out and report a project of a weekend.
#
# **You need first:** [lesson 11](11_how_good_is_it.ipynb) (bounds and their errors) and
# [lesson 12](12_what_vaes_are_used_for.ipynb) (uses of a VAE).
#
# **Time:** Slow cells say so. That is for getting ready; the project itself takes a weekend. All numbers are those of the world
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
# | $K$ | draws of z for each image, in the importance-weighted bound | `len(eps)` | one number |
# | $\varepsilon$ | noise of all draws | `eps` | `[K, B, D]` |
#
# Sizes in brackets: B images, D latent dimensions; below also S trainings and N test images.

# %% [markdown]
# ## 1 A world of 12 pixels
#
# Take images of 3 by 4 pixels, black or white. There are $2^{12} = 4096$ of them, so a distribution over images is a list of
# 4,096 numbers. Ours makes bars: a coin chooses rows or columns, each of these is on with probability ½, and at last each pixel
# is turned over with probability {{any:19-flip}}. How often each image comes about, $p^*(x)$, is a sum over 24 patterns.

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
plotting.image_grid(world.sample(20, seed=0), ncols=10, title="twenty images of the world")

# %% [markdown]
# So here the best possible score is known. For any model, the mean of $-\log p(x)$ over the world is the entropy plus a KL,
#
# $$\mathbb E_{p^*}[-\log p(x)] = H + \mathrm{KL}(p^* \,\Vert\, p) \ge H = -\sum_x p^*(x) \log p^*(x),$$
#
# and no model gets below $H$.

# %%
claim("19-entropy", world.entropy, world="any", tolerance=0.001, digits=3)
claim("19-entropy-bits", world.entropy / math.log(2), world="any", tolerance=0.001, unit="bits", digits=2)
claim("19-coins", 12 * math.log(2), world="any", tolerance=0.001, digits=3)

# %% [markdown]
# $H$ is {{any:19-entropy}} nats, or {{any:19-entropy-bits}} bits. Twelve fair coins, the best that one can do without looking
# at how pixels go together, cost {{any:19-coins}} nats. A model's score belongs between these two. A report of 4 nats from this
# world would be wrong, whatever its author says of it; with digits nobody could tell.

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
# With two latent dimensions, $p(x) = \int p(z) \, p(x \mid z) \, dz$ is a sum over a grid: every image's exact $\log p(x)$ is
# known, and so is $\mathrm{KL}(q(z \mid x) \,\Vert\, p(z \mid x))$. What your code estimates can be held against the truth,
# image by image. Each project rests on two numbers for each image: the ELBO, and the importance-weighted bound with K draws,
#
# $$\mathcal L = \frac1K \sum_k \log p(x \mid z_k) - \mathrm{KL}(q(z \mid x) \,\Vert\, p(z)), \qquad
# \mathcal L_K = \log \frac1K \sum_k \frac{p(x \mid z_k) \, p(z_k)}{q(z_k \mid x)}, \qquad z_k = \mu + \sigma \varepsilon_k.$$
#
# Write them yourself, from the networks on, as you would for your project. The noise is given, so that the check can compare.
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
claim("19-model", accepted.cross_entropy, world="any", tolerance=0.2, digits=2)
claim("19-gap", accepted.gap, world="any", tolerance=0.1, digits=2)
accepted

# %% [markdown]
# Read the rows once, for each rests on something that the course has derived:
#
# - **Draws.** Each image must follow its own noise, all of it, and nobody else's. One noise for a whole batch is invisible in
#   an average.
# - **Adds up to 1.** The mean of the weights is an unbiased estimate of $p(x)$, for every K (lesson 11). So estimates for *all*
#   images add up to 1, up to their noise. A log K, a prior or a density of q that is missing shows at once.
# - **ELBO** $= \log p(x) - \mathrm{KL}(q \,\Vert\, p(z \mid x))$, with the right side computed on the grid (lesson 04), and
#   below $\log p(x)$ for each image.
# - **Rises with K**, and ends at $\log p(x)$.
# - **Unit.** Nats, for a whole image, and no fewer than $H$.
# - **Samples** against $p(x)$, by a chi-squared test over the images that are frequent enough.
#
# This model needs {{any:19-model}} nats, and its mean gap is {{any:19-gap}} nats. The test passes *any* model, trained or not:
# it is about your numbers. Look at them image by image. Dots are as large as images are frequent; the ELBO is a mean over 256
# draws.

# %%
generator = torch.Generator().manual_seed(1)
log_px = exact.log_marginal(model)
elbo, weighted = bounds(model, every_image(), torch.randn(256, 4096, 2, generator=generator))
bounds_below(log_px, {"ELBO": elbo, "K = 256": weighted}, p_world)

# %% [markdown]
# The ELBO lies below by the gap; the bound with 256 draws lies on the line but for its noise, which may put a single image
# above it, rare ones most of all.
#
# ### When it fails
#
# Suppose that log p(x | z) is a mean over the pixels, as in published losses of lesson 06. Which of the first eight rows fail?
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
# mistakes that the course knows. The bound rises with K all the same, and each image still follows its draws: a curve
# over K that goes the right way is no proof.
#
# What does a pass *not* show? Here is a pipeline that exponentiates its log weights without taking out the largest:

# %%
underflow = next(mistake for mistake in MISTAKES if mistake.name == "exponentials underflow")
unnoticed = accept(model, underflow.bounds)
assert unnoticed.passed
print(unnoticed.verdict)

# %% [markdown]
# It passes. Twelve pixels make log weights of −10, which a computer can exponentiate; 784 pixels make them −100 and less, and
# in float32 the exponential is 0 below about −104. A test covers the world that it is made in. For your own images repeat what
# can be repeated there: the bound must rise with K, the first loss of an untrained network must be near the number of pixels
# times log 2, and the package must agree.

# %% [markdown]
# ## 3 Choose a track
#
# | track | the question | measured by | lessons | the trap |
# |---|---|---|---|---|
# | **Compress** | How many bits does an image take, and from how many images on does the model pay? | bytes of a message that was decoded bit for bit; bits per image with the weights, against PNG and gzip | 06, 12, 14, 16 | weights not counted; a code length that nobody has decoded |
# | **Fill in** | How good are guesses of pixels that you hid? | log p(hidden pixels given the others), nats; squared error of one guess beside it | 12, 15, 18 | one likely guess looks better than the right spread; codes drawn from q of an image with holes |
# | **Detect** | Can the model tell images that do not belong? | AUROC with its error, for each kind of odd image by itself; against the size of a PNG as a score | 11, 12 | the kind of odd image chooses the winner; a threshold set on test images |
# | **Replicate** | Does one row of a published table hold? | the paper's own number, its data and binarisation, its K; three seeds or more | 07, 11, 13 to 17 | another K or binarisation; a training that was cut short and is silently compared |
# | **Own images** | What does a VAE make of pictures that you care for? | nats per dimension with a stated likelihood; against the mean image and PCA; samples beside their nearest training images | 06, 13, 14, 18 | grey or colour treated as binary; nearly equal images in training and test set |
#
# What does a good result look like? On **compress**, a table with three rows: message, message and weights, rival; and the
# number of images at which two of them cross, even if you don't have as many. On **fill in**, a score that a column of constant
# guesses does *not* win, and five completions of an image that differ where it is really open. On **detect**, a row for each
# kind of odd image, one of them lost: likelihood alone fails somewhere, and you know where. On **replicate**, the paper's
# number, yours with both errors, and a sentence for each thing that differs. On **own images**, a bound that beats PCA with as
# many numbers, or an honest account of why it doesn't.
#
# Today's generators, as in [lesson 18](18_latent_generators.ipynb), may serve for any of them. Choose the track whose trap you
# find most interesting. Then fix three things *before* you train: the question, the baseline, and what you will read the test
# images for. Once.

# %% [markdown]
# ## 4 Two errors
#
# Your project may end with "A is better than B". Take two methods in our world: B is the network above, and A is B with one
# change, which you will be told of below. Train each five times. And so that you see an effect too, train a third method five
# times: B with a warm-up of the KL over the first 30% of the training. (15 trainings, half a minute in all.)

# %%
from vae_course.training.schedules import linear_warmup

recipes = {
    "B": [recipe("plain", seed) for seed in range(5)],
    "A": [recipe("plain", seed) for seed in range(5, 10)],
    "warm-up": [recipe("warm", seed, anneal=linear_warmup(0.3)) for seed in range(5)],
}
trained = iter(fit_or_load_all([one for five in recipes.values() for one in five]))
models = {name: [next(trained)[0].requires_grad_(False) for _ in five] for name, five in recipes.items()}

# %% [markdown]
# The score: exact log p(x) on 1,000 test images, `[S, N]` for each method. Five pairs, each with two standard errors over the
# images, as a single training of each would have been reported:

# %%
test = number_of(world.sample(1000, seed=2))
scores = {name: torch.stack([exact.log_marginal(m, n_points=61)[test] for m in five]) for name, five in models.items()}
pairs = scores["A"] - scores["B"]
leads, errors = pairs.mean(1), pairs.std(1) / math.sqrt(1000)
for name, value in (("most", leads.max()), ("least", leads.min())):
    claim(f"19-pair-{name}", value, world="any", tolerance=None, digits=2)
claim("19-pair-sure", (leads.abs() > 3 * errors).sum(), world="any", tolerance=None, unit="pairs", digits=0)
claim("19-pair-error", errors.mean(), world="any", tolerance=None, digits=3)
names = [f"pair {i + 1}" for i in range(5)]
plotting.dots(names, leads, errors=2 * errors, xlabel="A less B, nats (more is better)", digits=2)

# %% [markdown]
# Whoever trained once would have reported anything from {{any:19-pair-least}} to {{any:19-pair-most}} nats, each with a
# standard error of about {{any:19-pair-error}}. {{any:19-pair-sure}} of the five leads are more than three of these from zero,
# and they contradict each other. The error is not wrong. It answers another question: would *these two models* keep their order
# on other images? The question was about the *methods*, and the next training draws its weights and batches anew.
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
assert abs(again) < 2 * again_error and warm > 2 * warm_error

# %% [markdown]
# | | lead, nats | ± over images | ± over trainings |
# |---|---|---|---|
# | A against B | {{any:19-again}} | {{any:19-again-images}} | {{any:19-again-seeds}} |
# | warm-up against B | {{any:19-warm}} | {{any:19-warm-images}} | {{any:19-warm-seeds}} |
#
# - The change that makes A of B: other seeds, and nothing else. A method was ahead of *itself*, and behind itself, by several
#   errors over images. Over trainings its lead is less than two errors, as it should be.
# - The warm-up is ahead by more than two of its errors over trainings, and that is what may be said of methods: on this world,
#   with this budget, over five trainings each.
# - Quote both. A project that can train only once has no **error over trainings**: it says so, and claims something about its
#   models, not its methods.
#
# Two numbers more belong to it: on how many images, and how many trainings. And what was tried and dropped: the best of twenty
# attempts is ahead by luck (lesson 11).

# %% [markdown]
# ## 5 The whole message
#
# By bits back an image costs $-\mathcal L$ (lesson 12). That is the length of a message to somebody *who has the model*.
# Everybody else needs the weights first. For N images, with 32 bits for each parameter:
#
# $$\text{bits per image} = \frac{1}{N} \Big( \sum_n \frac{-\mathcal L(x_n)}{\log 2} + 32 \cdot \text{parameters} \Big).$$

# %%
parameters = sum(weights.numel() for weights in model.parameters())
message = float(p_world @ (exact.kl_to_posterior(model, log_px) - log_px)) / math.log(2)
claim("19-parameters", parameters, world="any", tolerance=0.5, unit="", digits=0)
claim("19-message", message, world="any", tolerance=0.3, unit="bits", digits=1)
for n in (2000, 1_000_000):
    claim(f"19-whole-{n}", message + 32 * parameters / n, world="any", tolerance=0.3, unit="bits per image", digits=1)
claim("19-even", 32 * parameters / (12 - message), world="any", tolerance=None, unit="images", digits=0)

# %% [markdown]
# The model's {{any:19-parameters}} parameters make {{any:19-message}} bits per image into {{any:19-whole-2000}} if you send the
# 2,000 images that it was trained on, and a plain list of pixels takes 12. For a million images it is {{any:19-whole-1000000}}.
# It is even with the plain list at {{any:19-even}} images. (The exercise for this number stands under Going deeper. Fewer bits
# for each weight, as lesson 14 quantises codes, are a project.)

# %% [markdown]
# ## 6 Audit a report
#
# Here is a page on a project that never was; all its numbers are invented. Six of the fourteen statements hold a mistake of
# this course. The others are sound, some of them unusual.
#
# **A VAE that compresses digits.**
#
# 1. MNIST has 60,000 training images, of which we set 10,000 aside as validation images, and 10,000 test images.
# 2. A grey pixel is the probability that it is white: we draw it anew in each epoch of training, and once and for all for
#    validation and test.
# 3. Training runs for 50 epochs. We keep the weights of epoch 37, where −ELBO on the test images is lowest.
# 4. The loss is the cross-entropy of the logits, summed over 784 pixels, plus the KL, summed over 20 latent dimensions; the
#    mean is taken over the batch.
# 5. −ELBO is 96.4 nats. With 5,000 draws for each image the importance-weighted estimate of −log p(x) is 91.9 nats; the true
#    one is no larger, noise aside.
# 6. A published model of the same size has −ELBO 94.0 nats. Our 91.9 are fewer: our model is better by 2.1 nats.
# 7. The mean KL is 25.3 nats, so on average a code tells at most 25.3 nats about its image.
# 8. With β = 0.5 training ends at reconstruction + 0.5 KL = 88.2 nats. As an upper bound on −log p(x) it is the best of all
#    our models.
# 9. 91.9 nats for 784 pixels are 0.117 bits per dimension.
# 10. By bits back, with the posterior as it is, an image costs −ELBO: 96.4 nats, or 139.1 bits.
# 11. The 10,000 test images take 173,845 bytes, and gzip makes 1,215,000 bytes of them. So whoever has nothing of ours yet can
#     be sent them in 14% of the room.
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
# The check says how many you have found and how many you accuse without need, and not which.

# %% exercise="19-audit"

# %% [markdown]
# Before you hand in your own report, read it the same way.

# %% [markdown]
# ## 7 The report card
#
# A card holds what a marker asks for first: the findings, the number that the track is about with both errors, the bits, and
# your own points by the rubric below. Here is that of a small project in our world, "does a warm-up help?". Move the sliders to
# what you would give it. **Save** writes `report_card.json` and `report_card.md` beside the notebook; hand both in with it.

# %%
from vae_course.studies.capstone.card import Headline
from vae_course.widgets.report_card import ReportCard

lead, over_images, over_seeds = (float(part) for part in found["warm-up less B"])
headline = Headline("lead of the warm-up, log p(x) of 1,000 test images", lead, over_images, over_seeds)
whole = {"12 pixels": 12.0, "message": message, "and weights, 1e6 images": message + 32 * parameters / 1e6}
ReportCard("12 pixels", headline, accepted, bits=whole)

# %% [markdown]
# Bars are two standard errors; where the grey line stands, there would be no lead. The rubric has 20 points, and a person gives
# them:
#
# | row | points |
# |---|---|
# | **Acceptance test**: passed, the table handed in, with what failed at first and why | 3 |
# | **Question and baseline**: one that a measurement can answer, and a baseline named before anything was trained | 3 |
# | **Measurement**: bound or estimate, K, unit, which images; test images read once | 4 |
# | **Errors**: over images and over three trainings or more, and each claim on the one that it needs | 4 |
# | **Cost**: weights in bits, or time and memory | 2 |
# | **The track's trap**: examined by a control that could have come out against the result | 2 |
# | **Report**: one page from which somebody could repeat the work, with what failed and what is not known | 2 |
#
# Nothing is given for a large effect. A baseline that wins, shown with care, has all 20.

# %% [markdown]
# ## 8 Quiz
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
# > $$\mathbb E_{p^*}[-\log p(x)] = H + \mathrm{KL}(p^* \,\Vert\, p) \ge H, \qquad \sum_x \mathbb E\Big[\frac1K \sum_k
# > w_k(x)\Big] = \sum_x p(x) = 1$$
# >
# > $$\text{over images: } \frac{\mathrm{std}_n(\bar a_n - \bar b_n)}{\sqrt N}, \qquad \text{over trainings: }
# > \sqrt{\frac{\mathrm{var}_s(\bar a_s)}{S} + \frac{\mathrm{var}_s(\bar b_s)}{S'}}$$
# >
# > Test what you measure with where the truth is known. Fix question, baseline and the use of the test images before you train.
# > An error over images speaks of models, one over trainings of methods. A message is as long as what the receiver needs,
# > weights
# > included.

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
# A plan, in hours: 1 for the question, the baseline and the first entry of a log; 2
# until your pipeline passes the acceptance test and agrees with the package on ten of your images; 3 for the baseline, with
# three trainings; 5 for the method; 2 for the control that the trap asks for; 1 for the test images, once; 2 for the page. Cut
# the method before you cut the control.

# %% exercise="19-report"

# %% [markdown]
# ### Bits, with the weights
#
# Section 5's formula, from the bounds of the images that are sent.

# %% exercise="19-bits"

# %% [markdown]
# With yours, for 100,000 images of the world, whose exact ELBOs are known:

# %%
sent = number_of(world.sample(100_000, seed=3))
each = (log_px - exact.kl_to_posterior(model, log_px))[sent]
claim("19-sent", bits_per_image(each, parameters, 32), world="any", tolerance=0.3, unit="bits per image", digits=1)

# %% [markdown]
# {{any:19-sent}} bits per image, where the plain list has 12.
