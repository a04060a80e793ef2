# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 09 Find the bug
#
# A broken VAE seldom crashes. It trains, its loss falls, it draws something. This lesson hands you twelve case files: small
# trainings, or samples and evaluations of a healthy model, each with one broken line. Nearly all of these lines are taken from a
# kind of mistake that was made in public code. You see the curves and pictures, name a suspect, measure, and only then read the
# code.

# %% [markdown]
# **After this lesson you can**
# - tell from curves and pictures in which part of a VAE a mistake sits,
# - choose the one measurement that separates two suspects,
# - correct wrong scales, draws that break the bound and doubled sigmoids,
# - check a VAE of your own with a short list before you trust its numbers.
#
# **You need first:** [lesson 07](07_your_first_vae.ipynb) (a whole VAE and its training), [lesson 04](04_the_elbo.ipynb) (the
# bound never lies above $\log p(x)$), [lesson 05](05_gradients_and_reparameterisation.ipynb) (the draw) and [lesson
# 06](06_choosing_the_likelihood.ipynb) (logits, sums and means).
#
# **Time:** Eighteen cells, one of them under Going deeper, train one or two small networks, each for a few seconds on a free
# machine. The numbers in the text are those of MNIST; a table at the end has those of the pen digits.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x$ | images, pixels 0 or 1 | `x` | `[B, 1, 28, 28]` |
# | $z$ | codes | `z` | `[B, D]`, here $D = 10$; `[L, B, D]` for $L$ draws |
# | $\mu, \log \sigma^2$ | mean and log variance of $q(z \mid x)$ | `mu`, `logvar` | `[B, D]` each |
# | $\varepsilon$ | noise, $(z - \mu) / \sigma$ | `eps` | as $z$ |
# | $\ell$ | log odds of each pixel | `logits` | `[B, 1, 28, 28]` |
# | $p = \mathrm{sigmoid}(\ell)$ | probability of ink | `p` | as $\ell$ |
# | $-\log p(x_i \mid z)$ | loss of each pixel, nats | `errors` | `[B, P]`, $P = 784$ |
# | $\mathrm{KL}_d$ | KL of each latent dimension, nats | `kl_of_dims` | `[B, D]` |
# | $\log p(x)$ | log marginal, known in an exact world | `log_px` | `[B]` |

# %% [markdown]
# ## 1 The line-up
#
# Nearly all cases share one small network, 784-200-10, trained by Adam at a learning rate of up to 0.01 for ten epochs on
# 4,000 images, whose pixels are drawn anew as 0 or 1 in each batch of 100. So the loss of a healthy run is the negative
# of a bound on $\log p(x)$, in nats per image.

# %%
import copy

import torch
from torch.nn import functional as F

from vae_course.studies import bugs
from vae_course import data, exercises, objectives, plotting
from vae_course.studies.bugs import broken
from vae_course.claims import claim
from vae_course.distributions import bernoulli_log_prob, gaussian_kl
from vae_course.evaluation import evaluate, kl_per_dim
from vae_course.models import VAE
from vae_course.plotting.history import beside
from vae_course.plotting.images import rows
from vae_course.training import fit

splits = data.load("auto")
world = splits.name
images, val = splits.train[:4000], data.binarize(splits.val[:1000], seed=1)

# %% [markdown]
# First the healthy run. It takes a few seconds, like every run of this lesson.

# %%
healthy, healthy_history = bugs.train("healthy", images, val)
beside({"training": healthy_history.train, "validation": healthy_history.val})

# %% [markdown]
# The loss falls and flattens. From the third epoch or so training and validation lie close together; before, the network
# learns so fast that an epoch's mean lags behind its end. What the curves print, an independent function confirms:

# %%
print(f"validation loss, last value of the curve: {healthy_history.val['loss'][-1]:.1f} nats")
healthy_result = evaluate(healthy, val)
claim("09-healthy-elbo", healthy_result.elbo, world=world, tolerance=2.5)
claim("09-healthy-kl", healthy_result.kl, world=world, tolerance=1.5)

# %% [markdown]
# And what it draws: reconstructions, and images decoded from twelve codes of the prior. Keep these codes; every case will
# decode the same ones.

# %%
x, z = val.x[:12], torch.randn(12, 10, generator=torch.Generator().manual_seed(1))


def drawn(model):
    """Mean images of the twelve codes."""
    with torch.no_grad():
        return model.decode_mean(z)


rows({"originals": x, "reconstructions": healthy.reconstruct(x), "samples": drawn(healthy)})

# %% [markdown]
# The reconstructions can be read. Some samples are digits; ten epochs on few images do no better.
#
# Now the twelve suspects. Each is guilty of exactly one case, so what you have solved helps with the rest.

# %%
bugs.line_up()

# %% [markdown]
# **How a case goes.** You see the symptom. You write the name of your suspect into `guess`. You measure. Then `reveal` shows
# the code with its broken line, the correct line, and where it was seen; after a wrong name it sends you back to measure again,
# and without a name it tells you the answer. Write the right name into `guess` then: `bugs.line_up(*guess.values())` lists who
# is left. `bugs.train` with `mended=True` trains a case with the corrected line.

# %%
guess = dict.fromkeys("ABCDEFGHIJKL", "")

# %% [markdown]
# ## 2 First family: the scale
#
# ### Case A: the grey digit

# %%
model_a, history_a = bugs.train("A", images, val)
claim("09-a-loss", history_a.train["loss"][-1], world=world, tolerance=0.02, digits=2)
beside({"healthy": healthy_history, "case A": history_a})

# %% [markdown]
# A loss of {{mnist:09-a-loss}} looks like a triumph. The pictures:

# %%
rows({"originals": x, "reconstructions": model_a.reconstruct(x), "samples": drawn(model_a)})

# %% [markdown]
# Each reconstruction is the same grey mean of all digits, and so is each sample. The code carries nothing. Suspects:
# `ash`, `hazel`, `larch`. Each of them could leave a decoder without codes. Whom do you name?

# %%
guess["A"] = ""  # a name from the line-up

# %% [markdown]
# **Measure.** A decoder that can't use its codes and codes that are too expensive both end like this. They differ before the
# first step, so put each suspicion into an untrained network. It gives each pixel nearly a fair coin, and lesson 07
# told you what 784 fair coins cost. `kl_per_dim` gives the KL of each latent dimension, averaged over the images, by
# code of its own.

# %%
torch.manual_seed(0)
untrained = VAE.mlp(10, hidden=(200,))
first = {}
for name, loss in (("healthy", broken.healthy), ("case A", broken.loss_a)):
    first[name] = loss(untrained, val.x)["reconstruction"].item()
with torch.no_grad():
    mu, logvar = untrained.encode(val.x)
    squashed = untrained.decode(broken.draw(torch.sigmoid(mu), 2 * torch.sigmoid(logvar).log()))
    doubled = torch.sigmoid(untrained.decode(broken.draw(mu, logvar)))
for name, logits in (("ash", squashed), ("hazel", doubled)):
    first[name] = -bernoulli_log_prob(val.x, logits).mean().item()
    claim(f"09-{name}-first-loss", first[name], world=world, tolerance=5, digits=0)
assert abs(first["ash"] - first["healthy"]) < 10 and first["hazel"] > first["healthy"] + 100
claim("09-healthy-first-loss", first["healthy"], world=world, tolerance=5, digits=0)
claim("09-a-first-loss", first["case A"], world="any", tolerance=0.01, digits=2)
claim("09-a-kl", kl_per_dim(model_a, val).sum(), world="any", tolerance=0.05, digits=2)

# %% [markdown]
# {{any:09-a-first-loss}} is nearly $\log 2 = 0.69$, the price of *one* pixel. Random weights are not exact coins and add a
# little: the healthy reconstruction begins at {{mnist:09-healthy-first-loss}} nats, and 784 coins cost 543. With `ash` it would
# begin close by, at {{mnist:09-ash-first-loss}}, with `hazel` far above, at {{mnist:09-hazel-first-loss}}: a second sigmoid
# makes one half of a logit near 0, so blank paper costs about $\log(1 + e^{0.5}) = 0.97$ nats a pixel. Only a division by 784
# begins at 0.7. So somebody divided by 784, and the KL was not divided. A nat of code has to save 784 nats of reconstruction,
# and no code does. The KL of the trained model is {{any:09-a-kl}} nats.

# %% tags=["nbval-check-output"]
bugs.reveal("A", guess["A"])

# %% [markdown]
# ### Case B: sharp copies, poor samples

# %%
model_b, history_b = bugs.train("B", images, val)
beside({"healthy": healthy_history, "case B": history_b})

# %% [markdown]
# The printed loss is far *better* than the healthy one, and the KL much smaller. Look at the pictures.

# %%
rows({"reconstructions": model_b.reconstruct(x), "samples, case B": drawn(model_b), "samples, healthy": drawn(healthy)})

# %% [markdown]
# Reconstructions are as sharp as one could wish, the samples are worse than the healthy ones. A code that is cheap should be
# close to the prior, and then samples should be good. Something in the report does not fit. Your suspect?

# %%
guess["B"] = ""

# %% [markdown]
# **Measure.** When a report does not fit, take the number from another source. `evaluate` computes its own KL.

# %%
result_b = evaluate(model_b, val)
claim("09-b-printed-kl", history_b.val["kl"][-1], world=world, tolerance=0.8)
claim("09-b-true-kl", result_b.kl, world=world, tolerance=8)
claim("09-b-elbo", result_b.elbo, world=world, tolerance=5)
claim("09-b-ratio", result_b.kl / history_b.val["kl"][-1], world="any", tolerance=0.3)

# %% [markdown]
# The true KL is {{mnist:09-b-true-kl}} nats, the printed one {{mnist:09-b-printed-kl}}. The ratio is {{any:09-b-ratio}}, the
# number of latent dimensions. And the true ELBO, {{mnist:09-b-elbo}}, is worse than the healthy {{mnist:09-healthy-elbo}}.

# %% tags=["nbval-check-output"]
bugs.reveal("B", guess["B"])

# %% [markdown]
# ### Your turn: fix the scale
#
# A third author made both mistakes at once:
#
# ```python
# def balanced_loss(errors, kl_of_dims):
#     return errors.mean() + kl_of_dims.mean()
# ```
#
# `errors` `[B, P]` holds the loss of each pixel, $-\log p(x_i \mid z)$, `kl_of_dims` `[B, D]` the KL of each latent dimension,
# both in nats. Return the mean over the batch of the negative ELBO, one number.

# %% exercise="09-scale"

# %% [markdown]
# **Check.** Train with your loss. Predict first: what will the first loss be, and where will the KL end?


# %%
def own_loss(model, x):
    mu, logvar = model.encode(x)
    logits = model.decode(broken.draw(mu, logvar))
    errors = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)
    kl_of_dims = 0.5 * (torch.exp(logvar) + mu**2 - 1 - logvar)
    loss, kl = balanced_loss(errors, kl_of_dims), kl_of_dims.sum(dim=1).mean()
    return {"loss": loss, "reconstruction": loss - kl, "kl": kl}


mended, mended_history = bugs.train("healthy", images, val, loss=own_loss)
print(f"first loss: {own_loss(untrained, val.x)['loss']:.0f} nats, last KL: {mended_history.val['kl'][-1]:.1f} nats")
claim("09-mended-elbo", evaluate(mended, val).elbo, world=world, tolerance=2.5)

# %% [markdown]
# The first loss is that of 784 coins and a little, the KL ends where the healthy one did, and the bound is back at the healthy
# value: {{mnist:09-mended-elbo}} nats.
#
# ### Case C: the validation curve that won't come down
#
# The author of case C reports overfitting. Here are both curves.

# %%
model_c, history_c = bugs.train("C", images, val)
beside({"training": history_c.train, "validation": history_c.val})

# %% [markdown]
# The gap between the losses grows. Look at the other two panels before you agree. Your suspect?

# %%
guess["C"] = ""

# %% [markdown]
# **Measure.** After the first epochs, reconstruction and KL agree in both lists. A model that overfits would
# reconstruct its training images better. If the parts agree and the sums don't, the sums were made in different ways.
# Solve loss = reconstruction + weight · KL for the weight.


# %%
def weight(curves):
    return (curves["loss"][-1] - curves["reconstruction"][-1]) / curves["kl"][-1]


claim("09-c-training-weight", weight(history_c.train), world="any", tolerance=0.01, unit="", digits=2)
claim("09-c-validation-weight", weight(history_c.val), world="any", tolerance=0.01, unit="", digits=2)

# %% [markdown]
# The KL counts {{any:09-c-training-weight}} in training and {{any:09-c-validation-weight}} in validation. Two different
# losses were drawn into one panel. A beta-VAE chooses another weight on purpose, but then both lists
# need it.

# %% tags=["nbval-check-output"]
bugs.reveal("C", guess["C"])

# %% [markdown]
# **Check.** Train with the corrected line. How far apart are the losses of both lists now?

# %%
_, mended_c = bugs.train("C", images, val, mended=True)
gaps = {}
for name, history in (("case C", history_c), ("mended", mended_c)):
    gaps[name] = history.val["loss"][-1] - history.train["loss"][-1]
claim("09-c-gap", gaps["case C"], world=world, tolerance=4)
claim("09-c-mended-gap", gaps["mended"], world=world, tolerance=3)
assert abs(weight(mended_c.train) - weight(mended_c.val)) < 0.01 and abs(gaps["mended"]) < 6 < gaps["case C"] / 2

# %% [markdown]
# Validation less training was {{mnist:09-c-gap}} nats, and is {{mnist:09-c-mended-gap}}.

# %% [markdown]
# ## 3 Second family: noise and codes
#
# ### Cases D and E: too good to be true
#
# Two runs that print a *better* loss than the healthy one.

# %%
model_d, history_d = bugs.train("D", images, val)
model_e, history_e = bugs.train("E", images, val)
beside({"healthy": healthy_history, "case D": history_d, "case E": history_e})

# %% [markdown]
# Both curves are smooth and flatten as they should, but the same network should not be so much better. The same twelve codes,
# decoded by each:

# %%
rows({"healthy": drawn(healthy), "case D": drawn(model_d), "case E": drawn(model_e)})

# %% [markdown]
# The samples of case D are bold, and some are blots. Those of case E look no worse than the healthy ones. Name a
# suspect for each.

# %%
guess["D"], guess["E"] = "", ""

# %% [markdown]
# **Measure.** Lesson 04 gives you a law that no honest bound can break: averaged over draws, it lies below $\log p(x)$. Go
# where $\log p(x)$ is known. This linear-Gaussian world has a posterior with independent dimensions, so $q$ can be the exact
# posterior, and an honest bound must then equal $\log p(x)$. Take the draw of each run, 20,000 times, and compute the bound
# with it: $\log p(x \mid z)$ on average, less the KL.

# %%
from vae_course.exact import LinearGaussian

W = torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.5, 0.0]], dtype=torch.float64)
exact = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.7)
_, points = exact.sample(4, generator=torch.Generator().manual_seed(1))
log_px = exact.log_marginal(points)
mu, logvar = exact.posterior(points).mean, exact.posterior(points).variance.log()

torch.manual_seed(0)
many = (20_000, 4, 2)
above = {}
for name, drawing in (("healthy", broken.draw), ("case D", broken.draw_d), ("case E", broken.draw_e)):
    z_many = drawing(mu.expand(many), logvar.expand(many))
    bound = exact.likelihood(z_many).log_prob(points).mean(0) - gaussian_kl(mu, logvar.expand(4, 2))
    above[name] = (bound - log_px).mean().item()
    print(f"{name}: bound - log p(x) = {above[name]:+.2f} nats")
claim("09-d-above", above["case D"], world="any", tolerance=0.03, digits=2)
claim("09-e-above", above["case E"], world="any", tolerance=0.03, digits=2)
assert abs(above["healthy"]) < 0.03

# %% [markdown]
# The healthy draw hits $\log p(x)$. The other two lie {{any:09-d-above}} and {{any:09-e-above}} nats above it, which is
# impossible for a bound. Both are convicted of the same thing: the draw does not come from the $q$ that the KL is charged for.
# Too little noise flatters the reconstruction, while the KL pays only the low price of a wide $q$. But which is which?
#
# ### Your turn: fix the instrument
#
# If the draw is honest, $\varepsilon = (z - \mu) / \sigma$ is standard normal: its mean square is 1 in each dimension. A
# colleague has built an instrument for that, with two errors of its own:
#
# ```python
# def noise_scale(z, mu, logvar):
#     eps = (z - mu) / torch.exp(logvar)
#     return eps.std()
# ```
#
# Fix it. From draws `z` `[L, B, D]` and `mu`, `logvar` `[B, D]`, return for each dimension the root of the mean square of
# $\varepsilon$ over draws and examples, `[D]`.

# %% exercise="09-noise-scale"

# %% [markdown]
# Point it at the three models, with the draw that each was trained with. A fourth curve is the $\sigma$ that case E
# tells the KL. Predict before you look: which of the three lies at 1, which at another constant, and which follows the
# fourth?

# %%
scales, sigmas = {}, {}
draws = {"healthy": (healthy, broken.draw), "case D": (model_d, broken.draw_d), "case E": (model_e, broken.draw_e)}
for name, (model, drawing) in draws.items():
    with torch.no_grad():
        mu, logvar = model.encode(val.x)
        scales[name] = noise_scale(torch.stack([drawing(mu, logvar) for _ in range(20)]), mu, logvar)
        sigmas[name] = torch.exp(0.5 * logvar).mean(0)
claim("09-d-scale", scales["case D"].mean(), world="any", tolerance=0.0005, unit="", digits=3)
claim("09-e-scale", scales["case E"].mean(), world=world, tolerance=0.1, unit="", digits=2)
claim("09-e-sigma", sigmas["case E"].mean(), world=world, tolerance=0.1, unit="", digits=2)
claim("09-d-sigma", sigmas["case D"].mean(), world=world, tolerance=0.03, unit="", digits=2)
axes_names = {"xlabel": "latent dimension", "ylabel": "size of (z - mu) / sigma"}
curves = scales | {"sigma of case E": sigmas["case E"]}
plotting.lines(range(1, 11), curves, **axes_names, logy=True, markers=True)

# %% [markdown]
# Case D's noise is {{any:09-d-scale}} of what it should be, in every dimension: a constant. Case E's has a mean of
# {{mnist:09-e-scale}}, and its curve lies on that of $\sigma$, whose mean is {{mnist:09-e-sigma}}. (A root mean square and a
# mean differ a little.) It multiplied by $\sigma$ once too often.

# %% tags=["nbval-check-output"]
bugs.reveal("D", guess["D"])
print()
bugs.reveal("E", guess["E"])

# %% [markdown]
# How did case D get so cheap a code? It tells the KL that $\sigma$ is {{mnist:09-d-sigma}}, the prior's own to two digits, and
# pays for $\mu$ only. The noise it really adds is a hundredth of that. The honest bound of each model:

# %%
for name, model, history in (("d", model_d, history_d), ("e", model_e, history_e)):
    claim(f"09-{name}-printed", history.val["loss"][-1], world=world, tolerance=4)
    claim(f"09-{name}-elbo", evaluate(model, val).elbo, world=world, tolerance=40 if name == "d" else 4)

# %% [markdown]
# Case D printed a loss of {{mnist:09-d-printed}}, and its ELBO is {{mnist:09-d-elbo}}. Case E printed {{mnist:09-e-printed}},
# and its ELBO is {{mnist:09-e-elbo}}.
#
# **Check.** Corrected, each must print the loss that it has, and your instrument must read 1 in each dimension.

# %%
for name in ("D", "E"):
    model, history = bugs.train(name, images, val, mended=True)
    printed, honest = history.val["loss"][-1], evaluate(model, val).elbo
    with torch.no_grad():
        mu, logvar = model.encode(val.x)
        scale = noise_scale(torch.stack([bugs.mend(name)(mu, logvar) for _ in range(20)]), mu, logvar)
    claim(f"09-{name.lower()}-mended-printed", printed, world=world, tolerance=2.5)
    claim(f"09-{name.lower()}-mended-elbo", honest, world=world, tolerance=2.5)
    assert abs(printed + honest) < 1 and (scale - 1).abs().max() < 0.05

# %% [markdown]
# Case D prints {{mnist:09-d-mended-printed}} and has an ELBO of {{mnist:09-d-mended-elbo}} now, case E
# {{mnist:09-e-mended-printed}} and {{mnist:09-e-mended-elbo}}. Both are back at the healthy bound.
#
# ### Case F: half a nat for nothing

# %%
model_f, history_f = bugs.train("F", images, val)
beside({"healthy": healthy_history, "case F": history_f})

# %% [markdown]
# The KL settles on a round number and stays. The pictures:

# %%
rows({"originals": x, "reconstructions": model_f.reconstruct(x), "samples": drawn(model_f)})

# %% [markdown]
# Grey digits again, as in case A. But a code that says nothing should cost nothing, and this one costs 5 nats, half a nat for
# each dimension. What are they spent on? Name your suspect.

# %%
guess["F"] = ""

# %% [markdown]
# **Measure.** Look at what the KL is made of: $\mu$ and $\sigma$ of all validation images.

# %%
with torch.no_grad():
    mu, logvar = model_f.encode(val.x)
std = torch.exp(0.5 * logvar)
print(f"mu from {mu.min():.3f} to {mu.max():.3f}, sigma from {std.min():.3f} to {std.max():.3f}")
claim("09-f-kl", evaluate(model_f, val).kl, world="any", tolerance=0.2)
claim("09-f-mu", mu.mean(), world="any", tolerance=0.05, unit="", digits=2)

# %% [markdown]
# Every $\mu$ is {{any:09-f-mu}} and every $\sigma$ is too.
# $\mathrm{KL}(\mathcal N(1, 1) \,\Vert\, \mathcal N(0, 1)) = \frac12$, ten times over makes {{any:09-f-kl}}. A $\mu$ of
# 0 would cost nothing. Who pushed $\mu$ to the expensive end of a scale from 0 to 1? Train it once more, for two epochs, and
# write down how hard each part of the loss pulls at $\mu$, nats per unit of $\mu$ in each dimension.

# %%
pulls = {"reconstruction": [], "KL": []}


def watched(model, x):
    mu, logvar = model.encode(x)
    parts = {"reconstruction": -bernoulli_log_prob(x, model.decode(broken.draw(mu, logvar))).mean()}
    parts["KL"] = gaussian_kl(mu, logvar).mean()
    for name, part in parts.items():
        pulls[name].append(-torch.autograd.grad(part, mu, retain_graph=True)[0].sum(0).mean().item())
    return broken.terms(parts["reconstruction"], parts["KL"])


torch.manual_seed(0)
young = broken.small_vae(kind=broken.VAEOfF)
fit(young, images, loss=watched, transform=data.dynamic_binarize, epochs=2, batch_size=100, lr=1e-2)
claim("09-f-push", max(pulls["reconstruction"]), world=world, tolerance=3, unit="nats per unit")
claim("09-f-price", -min(pulls["KL"]), world="any", tolerance=0.05, unit="nats per unit", digits=2)
plotting.lines(
    range(1, 41),
    {name: pull[:40] for name, pull in pulls.items()},
    xlabel="step",
    ylabel="pull on mu (nats per unit)",
    markers=True,
)

# %% [markdown]
# Above 0 a part pulls $\mu$ up, below 0 it pulls down. In its first steps a decoder learns that most pixels are white. Codes
# that are all positive serve it as one more bias, the same for every image, and the larger they are, the faster it gets there.
# So the reconstruction pulls upwards with up to {{mnist:09-f-push}} nats per unit; the KL never pulls back harder than
# {{any:09-f-price}}. Soon the reconstruction wants $\mu$ smaller, too, but by then $\mu$ is at the end, where the slope of a
# sigmoid is zero, so no gradient leads back.

# %% tags=["nbval-check-output"]
bugs.reveal("F", guess["F"])

# %% [markdown]
# Any number may be a mean, so its layer needs no activation. A standard deviation must be positive: that is what
# $\log \sigma^2$ is for.
#
# **Check.** Without the sigmoids $\mu$ must take both signs, and the codes must say something.

# %%
mended_f, _ = bugs.train("F", images, val, mended=True)
with torch.no_grad():
    mu, logvar = mended_f.encode(val.x)
bounds_f = {"case F": evaluate(model_f, val).elbo, "mended": evaluate(mended_f, val).elbo}
print(f"mu from {mu.min():.1f} to {mu.max():.1f}")
claim("09-f-elbo", bounds_f["case F"], world=world, tolerance=5)
claim("09-f-mended-elbo", bounds_f["mended"], world=world, tolerance=2.5)
assert mu.min() < -1 and mu.max() > 1 and bounds_f["mended"] > bounds_f["case F"] + 40
rows({"originals": x, "case F": model_f.reconstruct(x), "mended": mended_f.reconstruct(x)})

# %% [markdown]
# The digits are back, and the bound rises from {{mnist:09-f-elbo}} to {{mnist:09-f-mended-elbo}} nats. The symptom is not the
# same in every network: the caged model of lesson 08 has the same bug, but its means got stuck near 0, and its code still says
# a little.

# %% [markdown]
# ## 4 Third family: pixels
#
# ### Case H: fog

# %%
model_h, history_h = bugs.train("H", images, val)
beside({"healthy": healthy_history, "case H": history_h})

# %% [markdown]
# This loss stops falling after the second epoch, near the 543 nats of 784 fair coins.

# %%
rows({"originals": x, "reconstructions": model_h.reconstruct(x), "samples": drawn(model_h)})

# %% [markdown]
# Fog, with a trace of ink at most. Even the corners, where no digit has ever had ink, are grey. Six suspects are
# left. Whom do you name?

# %%
guess["H"] = ""

# %% [markdown]
# **Measure.** White paper needs a very negative logit. Look at the range of the numbers that the loss is given.

# %%
with torch.no_grad():
    for name, model in (("healthy", healthy), ("case H", model_h)):
        logits_h = model.decode(model.encode(val.x)[0])  # those of case H in the end
        print(f"{name}: logits from {logits_h.min():.1f} to {logits_h.max():.1f}")

# %% [markdown]
# Logits that stay between 0 and 1 are suspicious: these are probabilities, and the loss takes the sigmoid of them once more. So
# blank paper has a probability of ink of at least sigmoid(0) = 0.5, and ink at most sigmoid(1) = 0.73. How good can the loss get
# under these rules? With $\mathrm{softplus}(a) = \log(1 + e^a)$, ink costs
# $-\log \mathrm{sigmoid}(1) = \mathrm{softplus}(-1)$ nats at best, and paper
# $-\log(1 - \mathrm{sigmoid}(0)) = \mathrm{softplus}(0)$.

# %%
ink = val.x.flatten(1).sum(1)
best = ink * F.softplus(torch.tensor(-1.0)) + (784 - ink) * F.softplus(torch.tensor(0.0))
claim("09-h-best", best.mean(), world=world, tolerance=2, digits=0)
claim("09-h-loss", history_h.val["loss"][-1], world=world, tolerance=5, digits=0)
claim("09-h-left", history_h.val["loss"][-1] - best.mean(), world=world, tolerance=4, digits=0)
claim("09-h-white", 100 * (logits_h < 0.01).float().mean(), world=world, tolerance=5, unit="%", digits=0)

# %% [markdown]
# Even a decoder that knew every pixel would only reach {{mnist:09-h-best}} nats. Case H has {{mnist:09-h-loss}}. About
# {{mnist:09-h-left}} nats lie between, of which a code can save a part: to tell how each pixel was drawn costs more than it
# saves. Why does none save anything? Before codes say something, an output above 0 lowers the loss only at pixels that have ink
# in over half of the images, and few have. So training pushes nearly all outputs towards 0: {{mnist:09-h-white}}% of them lie
# below 0.01 in the end. There the inner sigmoid is flat, and no gradient leads back.

# %% tags=["nbval-check-output"]
bugs.reveal("H", guess["H"])

# %% [markdown]
# ### Your turn: one sigmoid, not two
#
# The right repair is to take the sigmoid out of the decoder. Sometimes the decoder is not yours. Then repair the loss:
#
# ```python
# def image_loss(x, p):
#     return F.binary_cross_entropy_with_logits(p, x, reduction="none").flatten(1).sum(dim=1)
# ```
#
# `x` holds pixels of 0 and 1, `p` the decoder's probabilities of ink, both `[B, C, H, W]`. Return $-\log p(x \mid z)$ in
# nats for each image, `[B]`.

# %% exercise="09-two-sigmoids"

# %% [markdown]
# **Check.** With the probabilities of the healthy model, your loss must agree with the one made from its logits.

# %%
with torch.no_grad():
    logits = healthy.decode(z)
    from_logits = F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(dim=1)
    torch.testing.assert_close(image_loss(x, torch.sigmoid(logits)), from_logits, rtol=1e-3, atol=1e-2)
print("The two agree.")

# %% [markdown]
# ### Case I: it worked for months
#
# This code ran well on digits, until somebody fed it scans, in which paper is 1 and ink 0.


# %%
def inverted(part):
    return data.Images(1 - part.x, part.y, None, part.name)


_, paper_history = bugs.train("healthy", inverted(images), inverted(val))

# %% [markdown]
# The healthy loss trains on scans without trouble. Now case I; `seen` collects what it did up to its end.

# %%
from vae_course.training import TrainingError

seen, end = [], ""
try:
    bugs.train("I", inverted(images), inverted(val), callbacks=[lambda epoch, history, model: seen.append(history)])
except TrainingError as error:
    end = str(error)
print(end)
assert "is nan" in end
beside({"healthy, scans": paper_history, "case I, scans": seen[-1]})

# %% [markdown]
# Up to its last epoch case I follows the healthy run, point for point. Then, within one step, the loss is `nan`. Name your
# suspect.

# %%
guess["I"] = ""

# %% [markdown]
# **Measure.** A loss of an image is a sum over pixels, so one pixel is enough to spoil it. Put a single pixel of paper, $x = 1$,
# into the loss at ever larger logits, beside PyTorch's own function.

# %%
one = torch.ones(1)
for logit in (5.0, 10.0, 15.0, 16.0, 17.0, 20.0):
    ell = torch.tensor([logit])
    own, right = broken.pixel_loss_i(one, ell).item(), F.binary_cross_entropy_with_logits(ell, one).item()
    print(f"logit {logit:4.0f}: case I {own:.2e}, PyTorch {right:.2e}")
with torch.no_grad():
    logits = healthy.decode(healthy.encode(val.x)[0])
most, least = logits[val.x == 1].max(), logits[val.x == 0].min()
print(f"on digits: logits of ink up to {most:.1f}, of paper down to {least:.1f}")
assert most < 15 and least < -17

# %% [markdown]
# The decimals get lost first, then the number. At a logit of 17 the sigmoid rounds to exactly 1 in float32. So $1 - p$ is
# 0, its logarithm minus infinity, and $0 \cdot (-\infty)$ is `nan`. On digits the logits of *ink* don't get that far, while
# those of paper go below $-17$, where $1 - p$ rounds to 1, which costs nothing, and $p$ is still a number. On scans the
# same certainty has the other sign.

# %% tags=["nbval-check-output"]
bugs.reveal("I", guess["I"])

# %% [markdown]
# `-(x * p.log() + (1 - x) * (1 - p).log())` in the exercise before this case is this same line. The check there passes it,
# because its $p$ stay away from 0 and 1. `F.binary_cross_entropy` guards the logarithm: no pixel costs more than 100 nats.
# The one that takes logits needs no guard.
#
# **Check.** The corrected line must be finite at a logit of 100, and train on scans to the end.

# %%
_, mended_i = bugs.train("I", inverted(images), inverted(val), mended=True)
claim("09-i-healthy-loss", paper_history.val["loss"][-1], world=world, tolerance=2.5)
claim("09-i-mended-loss", mended_i.val["loss"][-1], world=world, tolerance=2.5)
assert bugs.mend("I")(one, 100 * one).isfinite().all()
assert len(mended_i.val["loss"]) == 10 > len(seen[-1].val["loss"])

# %% [markdown]
# It ends at {{mnist:09-i-mended-loss}} nats, and the healthy run on the same scans at {{mnist:09-i-healthy-loss}}.

# %% [markdown]
# ## 5 Fourth family: bookkeeping
#
# Four suspects and four cases are left. In case J the model is at fault. In cases G, K and L the model is well and its
# samples or numbers are not; they stand under Going deeper.
#
# `model.train()` puts a PyTorch model into training mode, `model.eval()` into evaluation mode. Two common kinds of layer act
# differently in each. *Dropout* sets numbers to 0 at random in training mode and does nothing in evaluation mode. *Batch
# normalisation* takes from each number a mean and divides by a standard deviation, then stretches and shifts the result by two
# learned numbers: mean and deviation are in training mode those of the batch at hand, in evaluation mode running averages that
# it kept during training.
#
# ### Case J: sorted by class

# %%
model_j, history_j = bugs.train("J", images, val)
beside({"healthy": healthy_history, "case J": history_j})

# %% [markdown]
# A little worse than healthy, by some nats. The pictures, drawn in evaluation mode, accuse nobody:

# %%
rows({"originals": x, "reconstructions": model_j.reconstruct(x), "samples": drawn(model_j)})

# %% [markdown]
# But its author noticed something: in training mode the loss depends on the *order* of the images. `running_loss` puts the
# finished model into training mode and computes its loss as training does, in batches of 100.


# %%
def running_loss(model, x):
    model = copy.deepcopy(model).train()  # a copy: in training mode a look at images moves the running averages
    with torch.no_grad():
        bounds = torch.cat([objectives.elbo(model, batch).elbo for batch in x.split(100)])
    return -bounds.mean().item()


losses = {}
for name, model in (("healthy", healthy), ("case J", model_j)):
    losses[f"{name}, mixed"] = running_loss(model, val.x)
    losses[f"{name}, sorted by class"] = running_loss(model, val.x[val.y.argsort()])
plotting.bars(list(losses), list(losses.values()), xlabel="running loss of the same 1,000 images (nats)")

# %% [markdown]
# The healthy model does not care about the order. Case J loses tens of nats when the images come sorted. Which of the four
# suspects can do that?

# %%
guess["J"] = ""

# %% [markdown]
# **Measure.** Take one image, and encode it twice in training mode: among 99 images of its own class, and among 99
# mixed ones. Its code should be the same.

# %%
first, others = val.x[:1], val[1:]
kin, mixed = others.x[others.y == val.y[0]][:99], others.x[:99]
with torch.no_grad():
    for name, model in (("healthy", healthy), ("case J", model_j)):
        model = copy.deepcopy(model).train()
        moved = model.encode(torch.cat([first, kin]))[0][0] - model.encode(torch.cat([first, mixed]))[0][0]
        print(f"{name}: mu moves by up to {moved.abs().max():.2f}")
claim("09-j-mixed", losses["case J, mixed"], world=world, tolerance=4)
claim("09-j-sorted", losses["case J, sorted by class"], world=world, tolerance=20)
assert moved.abs().max() > 0.5

# %% [markdown]
# The prior has a spread of 1, and here the neighbours alone move a code by more than half of that. So in training mode the
# $q$ of an image depends on its batch, and so does its bound. Each of these bounds is a valid one, for any $q$ gives one;
# but the number of an image is now a matter of its company, and the training maximises other bounds than the one that is
# reported in evaluation mode, where $q$ comes from running averages. In numbers: {{mnist:09-j-mixed}} nats mixed and
# {{mnist:09-j-sorted}} sorted.

# %% tags=["nbval-check-output"]
bugs.reveal("J", guess["J"])

# %% [markdown]
# Inside the network, too, batch normalisation lets an image depend on its neighbours. On $\mu$ and $\log \sigma^2$ it
# also forces the same mean and the same spread on every batch, which is the KL's business. (A fixed spread of $\mu$ keeps the
# KL above a floor, and with that aim batch normalisation of $\mu$ has been published as a cure of collapse, the subject of
# lesson 10. Here nobody asked for it.)
#
# **Check.** Without that layer the order must not matter, and the nats that were missing must be back.

# %%
mended_j, _ = bugs.train("J", images, val, mended=True)
order = running_loss(mended_j, val.x[val.y.argsort()]) - running_loss(mended_j, val.x)
print(f"mended, sorted less mixed: {order:+.1f} nats")
bounds_j = {"case J": evaluate(model_j, val).elbo, "mended": evaluate(mended_j, val).elbo}
claim("09-j-elbo", bounds_j["case J"], world=world, tolerance=2.5)
claim("09-j-mended-elbo", bounds_j["mended"], world=world, tolerance=2.5)
assert abs(order) < 3 and bounds_j["case J"] < min(healthy_result.elbo, bounds_j["mended"]) - 2

# %% [markdown]
# The bound, in evaluation mode, rises from {{mnist:09-j-elbo}} to {{mnist:09-j-mended-elbo}} nats.

# %% [markdown]
# ## 6 The table, and a checklist
#
# All twelve, for the day when one of your own models misbehaves. (The table names the culprits of G, K and L as well: to find
# them yourself, do these cases first, under Going deeper.)

# %%
bugs.diagnosis_table()

# %% [markdown]
# Each measurement is cheap, uses code that is not under suspicion, and comes out differently for different suspects.
# Before you trust a VAE of your own:
#
# 1. **First loss.** Is the reconstruction of an untrained network near 784 $\log 2$, that is, $\log 2$ nats for each
#    binary pixel? (If the last bias starts at the log odds of the mean image, it begins near the cost of biased coins
#    instead, which lesson 07 computes.)
# 2. **Parts.** Do loss, reconstruction and KL add up with the weight that you chose, in training and in validation?
# 3. **Second source.** Does another function give the same KL and the same bound?
# 4. **Exact world.** Does the bound stay below a known $\log p(x)$, and reach it with the exact posterior?
# 5. **Ranges.** Do logits and $\mu$ take both signs, and is no $\sigma$ stuck at the end of a range? Is the noise
#    standard normal?
# 6. **Extremes.** Is the loss finite at logits of $\pm 100$?
# 7. **One image.** Does its result depend on its neighbours, on the order, on the batch size, on the mode?
# 8. **Too good.** A number that is better than expected gets the same scrutiny as one that is worse.

# %% [markdown]
# ## 7 In your own words
#
# Your colleague's VAE has a KL of 0.3 nats, and its samples all look alike. Which suspects come to mind, and what do you measure
# first, and why? Answer in four to six sentences.

# %% exercise="09-collapse"

# %% [markdown]
# ## 8 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("09", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("09")

# %%
exercises.progress("09")

# %% [markdown]
# ## Summary
#
# > $$\text{loss} = \frac1B \textstyle\sum_b \Big( \sum_i -\log p(x_{bi} \mid z_b) + \sum_d \mathrm{KL}_{bd} \Big),
# > \qquad \text{first reconstruction} \approx 784 \log 2$$
# >
# > $$\mathbb E[\text{bound}] \le \log p(x),
# > \qquad \text{equal if } q(z) = p(z \mid x) \text{ and } \tfrac{z - \mu}{\sigma} \sim \mathcal N(0, I)$$
# >
# > $$\text{weight of the KL} = \frac{\text{loss} - \text{reconstruction}}{\mathrm{KL}},
# > \qquad \mathrm{KL}\big(\mathcal N(1, 1) \,\Vert\, \mathcal N(0, 1)\big) = \tfrac12$$
# >
# > Symptom, suspect, measurement, code: in this order. A measurement is good if it comes out differently for different suspects
# > and does not rely on the code under suspicion.

# %%
plotting.summary("09")

# %% [markdown]
# **Sources.** The last line of each `reveal` names where the mistake, or a close relative of it, was public. D. P. Kingma and M.
# Welling, [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014, for the loss that all cases should
# have had. S. Ioffe and C. Szegedy, [*Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
# Shift*](https://arxiv.org/abs/1502.03167), ICML 2015, sections 3 and 3.1, on training and inference. N. Srivastava and others,
# [*Dropout: A Simple Way to Prevent Neural Networks from Overfitting*](https://jmlr.org/papers/v15/srivastava14a.html), JMLR
# 15, 2014. Q. Zhu and others, [*A Batch Normalized Inference Network Keeps the KL Vanishing
# Away*](https://arxiv.org/abs/2004.12585), ACL 2020, for batch normalisation as a cure. Case F and the shared noise of lesson 05
# are from the second text of lesson 00.
#
# **Next:** [10 Rate, distortion and collapse](10_rate_distortion_collapse.ipynb) asks what a code costs and what it is worth.
# Before that, run the checklist on your own model of [lesson 07](07_your_first_vae.ipynb).

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.

# %% [markdown]
# ### Case G: good numbers, bad samples
#
# The model of case G *is* the healthy one. Only its author's samples differ from yours.

# %%
torch.manual_seed(1)
yours = healthy.sample(12)
torch.manual_seed(1)
rows({"your samples": yours, "case G": broken.sample_g(healthy, 12)})

# %% [markdown]
# Each is the bolder twin of yours: what was grey is ink, and what was faint stands out. Name your suspect.

# %%
guess["G"] = ""

# %% [markdown]
# **Measure.** The decoder is fine, so look at what it is fed. A hook writes down the codes that reach it, whoever sent them.

# %%
codes = []
hook = healthy.decoder.register_forward_pre_hook(lambda module, inputs: codes.append(inputs[0]))
with torch.no_grad():
    _ = broken.sample_g(healthy, 5000)
hook.remove()
claim("09-g-spread", codes[0].std(), world="any", tolerance=0.03, unit="", digits=2)

# %% [markdown]
# Is that much? Compare lengths. The codes that the decoder was trained on are draws from $q(z \mid x)$; take the length that
# 95 in 100 of them stay under, and count who goes beyond.

# %%
with torch.no_grad():
    torch.manual_seed(0)
    lengths = broken.draw(*healthy.encode(val.x)).norm(dim=1)
for name, drawn_codes in (("g", codes[0]), ("prior", torch.randn(5000, 10))):
    beyond = 100 * (drawn_codes.norm(dim=1) > lengths.quantile(0.95)).float().mean()
    claim(f"09-{name}-beyond", beyond, world=world, tolerance=5 if name == "g" else 1.5, unit="%", digits=0)

# %% [markdown]
# Codes of the prior have a spread of 1; these have {{any:09-g-spread}}, so their length grows by half, and
# {{mnist:09-g-beyond}}% of them lie farther out than 95 in 100 of the codes that the decoder was trained on. Of the prior's
# codes {{mnist:09-prior-beyond}}% do.

# %% tags=["nbval-check-output"]
bugs.reveal("G", guess["G"])

# %% [markdown]
# **Check.** Bold means that many pixels are surely ink. Count those above 0.9 in 500 images of the same seed.

# %%
bold = {}
for name, sample in (("yours", VAE.sample), ("case G", broken.sample_g), ("mended", bugs.mend("G"))):
    torch.manual_seed(1)
    bold[name] = 100 * (sample(healthy, 500) > 0.9).float().mean().item()
claim("09-g-bold", bold["case G"], world=world, tolerance=2, unit="%")
claim("09-g-mended-bold", bold["mended"], world=world, tolerance=1, unit="%")
assert bold["mended"] == bold["yours"] < bold["case G"] / 1.5

# %% [markdown]
# In case G {{mnist:09-g-bold}}% of the pixels are that sure. Corrected, its samples are yours, with
# {{mnist:09-g-mended-bold}}%.

# %% [markdown]
# ### Case K: two numbers for one model
#
# This model has a layer of *dropout*, which in training mode sets each number to 0 with a given probability and scales up
# the others to make up for it; in evaluation mode it does nothing. Nothing is wrong with the model. Its author trains
# it, and then calls an evaluation of their own, three times, on the validation images.

# %%
model_k, history_k = bugs.train("K", images, val)
torch.manual_seed(0)
calls = [-broken.evaluate_k(model_k, val.x) for _ in range(3)]
print(f"validation curve, last value: {history_k.val['loss'][-1]:.1f} nats")
print("their evaluation:", [round(value, 1) for value in calls])
claim("09-k-curve", history_k.val["loss"][-1], world=world, tolerance=2.5)
claim("09-k-script", calls[0], world=world, tolerance=3)

# %% [markdown]
# {{mnist:09-k-curve}} nats in the curve and {{mnist:09-k-script}} from the script. The three calls scatter a little, but not by
# that much, so noise is no excuse.

# %%
guess["K"] = ""

# %% [markdown]
# **Measure.** The mode *while* the number is made, written down by a hook, and the number again by `evaluate`, which
# switches to evaluation mode.

# %%
modes = []
hook = model_k.encoder.register_forward_pre_hook(lambda module, inputs: modes.append(module.training))
_ = broken.evaluate_k(model_k, val.x)
hook.remove()
print(
    f"training mode while the number is made: {modes[0]}; in evaluation mode it is {-evaluate(model_k, val).elbo:.1f} nats"
)
assert modes[0]

# %% tags=["nbval-check-output"]
bugs.reveal("K", guess["K"])

# %% [markdown]
# ### Your turn (optional): leave no trace
#
# Such a function may have no line about the mode at all:
#
# ```python
# def mean_elbo(model, x, bounds_of):
#     return bounds_of(model, x).mean()
# ```
#
# `bounds_of(model, x)` gives the bound of each example, `[B]`. Return their mean, one number, taken in evaluation mode and
# without a gradient. Afterwards the model must be in the mode that it was in, whichever that is.

# %% exercise="09-evaluation"

# %% [markdown]
# **Check.** The number of your function must lie near the last value of the validation curve, and the mode must stay.

# %%
for mode in (False, True):
    model_k.train(mode)
    number = -mean_elbo(model_k, val.x, lambda model, x: objectives.elbo(model, x).elbo)
    print(f"{number:.1f} nats; training mode before: {mode}, after: {model_k.training}")
claim("09-k-mended", number, world=world, tolerance=2.5)

# %% [markdown]
# It is {{mnist:09-k-mended}} nats.
#
# ### Case L: too good with many draws
#
# One suspect is left, so you know the name. Do you see how it works? The author writes the bound of many draws (lesson 11
# is about it) for the healthy model, from log weights $\log p(x \mid z) - \log \frac{q(z \mid x)}{p(z)}$. With one draw it is
# the ELBO, with more it must rise a little and stay below $\log p(x)$. Here are 200 images, beside the package's own function:

# %%
some, draws, theirs, honest = val.x[:200], (1, 5, 20, 100), [], []
for k in draws:
    torch.manual_seed(0)
    theirs.append(broken.evaluate_l(healthy, some, k))
    with torch.no_grad():
        honest.append(objectives.iwae_bound(healthy, some, k=k).mean())
curves = {"case L": torch.tensor(theirs), "healthy": torch.stack(honest)}
plotting.lines(draws, curves, xlabel="draws for each image", ylabel="mean bound (nats)")

# %% [markdown]
# With one draw the two agree, so every test of the ELBO passes. Which kind of mistake leaves a mean of differences as it is, and
# shows only when exponentials of them are added?

# %%
guess["L"] = ""

# %% [markdown]
# **Measure.** The checklist asks whether the result of an image depends on its neighbours. The same 50 images with 20 draws,
# together and one at a time:

# %%
torch.manual_seed(0)
together = broken.evaluate_l(healthy, some[:50], 20)
alone = sum(broken.evaluate_l(healthy, some[i : i + 1], 20) for i in range(50)) / 50
print(f"together {together:.1f} nats, one at a time {alone:.1f}")
assert together > alone + 0.5 and abs(theirs[0] - honest[0]) < 1.5 < theirs[-1] - honest[-1]
claim("09-l-above", theirs[-1] - honest[-1], world=world, tolerance=1.0)

# %% tags=["nbval-check-output"]
bugs.reveal("L", guess["L"])

# %% [markdown]
# A `[B]` minus a `[B, 1]` is a `[B, B]`: every image's reconstruction less every image's price. The mean of all these pairs is
# still the mean of the differences, so the ELBO survives (with the same draws to the last digit). But within one image the two
# parts of a log weight go up and down together, and between two images they don't. Pairs scatter more, and the logarithm of a
# mean of exponentials rewards scatter: with 100 draws they lie {{mnist:09-l-above}} nats above the honest bound. One line finds
# it: `assert log_w.shape == (k, len(x))` before the sum.

# %% [markdown]
# ### Your turn (optional): every image counts once
#
# A last slip of evaluations, without a case: only the means of the batches are at hand, and somebody averages them.
#
# ```python
# def mean_over_images(means, counts):
#     return means.mean()
# ```
#
# `means` `[N]` holds the mean ELBO of each of N batches in nats, `counts` `[N]` their numbers of images. Return the mean over
# all images, one number.

# %% exercise="09-batch-means"

# %% [markdown]
# **Check.** Of 1,000 images in batches of 999, the last one stands alone. With your mean, 999 and 100 must agree to within the
# noise of the draws. (The cell uses your `mean_elbo` of case K.)

# %%
mended, plain = {}, {}
for size in (100, 999):
    torch.manual_seed(0)
    batches = val.x.split(size)
    means = torch.stack([mean_elbo(healthy, batch, lambda m, x: objectives.elbo(m, x).elbo) for batch in batches])
    plain[size] = means.mean().item()
    mended[size] = mean_over_images(means, torch.tensor([len(batch) for batch in batches])).item()
print(f"batches of 100: {mended[100]:.1f}, batches of 999: {mended[999]:.1f}")
assert abs(mended[100] - mended[999]) < 1.5
claim("09-means-right", mended[100], world=world, tolerance=2.5)
claim("09-means-wrong", plain[999], world=world, tolerance=6)

# %% [markdown]
# The mean is {{mnist:09-means-right}}; the mean of the two batches' means would be {{mnist:09-means-wrong}}. The mistake may
# flatter or hurt: it depends on the one last image.

# %% [markdown]
# ### The same on pen digits
#
# | section | what (nats, unless it says otherwise) | MNIST | pen digits |
# |---|---|---|---|
# | 2 | A: loss at the end | {{mnist:09-a-loss}} | {{pen:09-a-loss}} |
# | 2 | first reconstruction: healthy; `ash`; `hazel` | {{mnist:09-healthy-first-loss}}; {{mnist:09-ash-first-loss}}; {{mnist:09-hazel-first-loss}} | {{pen:09-healthy-first-loss}}; {{pen:09-ash-first-loss}}; {{pen:09-hazel-first-loss}} |
# | 2 | B: true KL; printed KL | {{mnist:09-b-true-kl}}; {{mnist:09-b-printed-kl}} | {{pen:09-b-true-kl}}; {{pen:09-b-printed-kl}} |
# | 2 | ELBO: B; healthy; with your loss | {{mnist:09-b-elbo}}; {{mnist:09-healthy-elbo}}; {{mnist:09-mended-elbo}} | {{pen:09-b-elbo}}; {{pen:09-healthy-elbo}}; {{pen:09-mended-elbo}} |
# | 2 | C: validation loss less training loss; corrected | {{mnist:09-c-gap}}; {{mnist:09-c-mended-gap}} | {{pen:09-c-gap}}; {{pen:09-c-mended-gap}} |
# | 3 | D: $\sigma$ that the KL is told | {{mnist:09-d-sigma}} | {{pen:09-d-sigma}} |
# | 3 | E: size of the noise; mean $\sigma$ | {{mnist:09-e-scale}}; {{mnist:09-e-sigma}} | {{pen:09-e-scale}}; {{pen:09-e-sigma}} |
# | 3 | D: printed loss; ELBO | {{mnist:09-d-printed}}; {{mnist:09-d-elbo}} | {{pen:09-d-printed}}; {{pen:09-d-elbo}} |
# | 3 | E: printed loss; ELBO | {{mnist:09-e-printed}}; {{mnist:09-e-elbo}} | {{pen:09-e-printed}}; {{pen:09-e-elbo}} |
# | 3 | D corrected: printed loss; ELBO | {{mnist:09-d-mended-printed}}; {{mnist:09-d-mended-elbo}} | {{pen:09-d-mended-printed}}; {{pen:09-d-mended-elbo}} |
# | 3 | E corrected: printed loss; ELBO | {{mnist:09-e-mended-printed}}; {{mnist:09-e-mended-elbo}} | {{pen:09-e-mended-printed}}; {{pen:09-e-mended-elbo}} |
# | 3 | F: largest upward pull at $\mu$ (nats per unit) | {{mnist:09-f-push}} | {{pen:09-f-push}} |
# | 3 | F: ELBO; corrected | {{mnist:09-f-elbo}}; {{mnist:09-f-mended-elbo}} | {{pen:09-f-elbo}}; {{pen:09-f-mended-elbo}} |
# | 4 | H: best loss possible; its loss; between them | {{mnist:09-h-best}}; {{mnist:09-h-loss}}; {{mnist:09-h-left}} | {{pen:09-h-best}}; {{pen:09-h-loss}}; {{pen:09-h-left}} |
# | 4 | H: outputs below 0.01 (%) | {{mnist:09-h-white}} | {{pen:09-h-white}} |
# | 4 | I corrected: loss on scans; healthy | {{mnist:09-i-mended-loss}}; {{mnist:09-i-healthy-loss}} | {{pen:09-i-mended-loss}}; {{pen:09-i-healthy-loss}} |
# | 5 | J: loss mixed; sorted | {{mnist:09-j-mixed}}; {{mnist:09-j-sorted}} | {{pen:09-j-mixed}}; {{pen:09-j-sorted}} |
# | 5 | J: ELBO; corrected | {{mnist:09-j-elbo}}; {{mnist:09-j-mended-elbo}} | {{pen:09-j-elbo}}; {{pen:09-j-mended-elbo}} |
# | deeper | codes farther out than 95 in 100: G; prior (%) | {{mnist:09-g-beyond}}; {{mnist:09-prior-beyond}} | {{pen:09-g-beyond}}; {{pen:09-prior-beyond}} |
# | deeper | G: pixels above 0.9; corrected (%) | {{mnist:09-g-bold}}; {{mnist:09-g-mended-bold}} | {{pen:09-g-bold}}; {{pen:09-g-mended-bold}} |
# | deeper | K: curve; script; your function | {{mnist:09-k-curve}}; {{mnist:09-k-script}}; {{mnist:09-k-mended}} | {{pen:09-k-curve}}; {{pen:09-k-script}}; {{pen:09-k-mended}} |
# | deeper | L: above the honest bound, 100 draws | {{mnist:09-l-above}} | {{pen:09-l-above}} |
# | deeper | mean ELBO of all images; mean of two batches' means | {{mnist:09-means-right}}; {{mnist:09-means-wrong}} | {{pen:09-means-right}}; {{pen:09-means-wrong}} |
