# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 11 How good is it?
#
# A VAE is trained on a bound. How far below $\log p(x)$ does it lie? You measure that first where the truth is known, then for a
# trained network, with error bars. Then you test the order of a published table. The lesson ends with a warning: a good
# likelihood and good pictures are two different things.

# %% [markdown]
# **After this lesson you can**
# - estimate $\log p(x)$ of a trained VAE, and say how far off the estimate is,
# - say why the importance-weighted bound is too low, and by how much,
# - tell an encoder that has over-fitted from a decoder that has,
# - compare two models by a paired difference with its standard error,
# - say what a likelihood does not tell about pictures.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the ELBO, its gap, and the bound with $k$ draws of its section 5) and
# [lesson 07](07_your_first_vae.ipynb) (training a VAE, binarised pixels). Means, variances and standard errors.
#
# **Time:** A cell that trains networks, or loads what it trained before, says how long it takes. The numbers in the text are
# MNIST's; those of the pen digits stand in a table at the end.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $k$ | draws of $z$ for each example | `k` | |
# | $\log w$ | log weight of a draw, $\log p(x, z) - \log q(z)$ | `log_w` | `[k, B]` |
# | $\log p(x)$ | log marginal | `log_px` | one number, or `[B]` |
# | $\mathcal L_k$ | the bound with $k$ draws | `bound` | one number, or `[B]` |
# | $r$ | relative weight $w / p(x)$, whose mean is 1 | `r` | as the weights |
# | $R$ | mean of $k$ relative weights | `R` | one for each outcome |
# | $v$ | relative variance of the weights, $\mathrm{Var}(w) / p(x)^2$ | `v` | one number |
# | $a$, $c$ | shift and width of $q$, in standard deviations of the posterior | `a`, `c` | one number each |
# | $s$ | share of a draw, $w_j / \sum_i w_i$ | `shares` | `[k, B]` |
# | $n(x)$ | probability of an image under pure noise | `log_noise` | one number |

# %% [markdown]
# ## 1 The ladder, and the question
#
# Lesson 04 built a ladder of bounds. Draw $k$ codes from $q$, average their weights
# $w = p(x, z) / q(z)$, and take the logarithm:
#
# $$\mathcal L_k = \mathbb E\left[\log \frac1k \sum_{j=1}^k w(z_j)\right],
# \qquad \mathcal L_1 \le \mathcal L_2 \le \dots \le \log p(x).$$
#
# $\mathcal L_1$ is the ELBO. With large $k$ the bound gets close to $\log p(x)$. *How* close? For a network $\mathcal L_k$ is all
# that you can compute, so find out where the truth is known.
#
# The world is the linear-Gaussian one with one latent number and three observed ones. We ignore its known posterior and take
# a poor $q$: its mean is 1.5 posterior standard deviations off, and it is 1.5 times too wide.

# %%
import math

import torch
from torch.distributions import Independent, Multinomial, Normal, kl_divergence

from vae_course import exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian
from vae_course.derivations import Derivation, standard_error

_ = torch.manual_seed(0)

W = torch.tensor([[1.0], [0.5], [-0.8]], dtype=torch.float64)
line = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.7)
x = torch.tensor([[0.9, 0.1, -0.6]], dtype=torch.float64)
m, sd = line.posterior(x).mean, line.posterior(x).variance.sqrt()
poor = line.with_posterior(m + 1.5 * sd, 2 * (1.5 * sd).log())  # mean and log variance of q
log_px = line.log_marginal(x)
print(f"log p(x) = {log_px.item():.3f} nats")

# %% [markdown]
# ### Your turn: the bound from log weights
#
# An image has weights such as $e^{-100}$, so they come as logarithms. Write the bound from them. It has to survive log
# weights of $-600$, where `exp` gives 0 in float32, the type that networks use.

# %% exercise="11-iwae-bound"

# %% [markdown]
# One call gives one noisy value of the bound. To see its expectation, take half a million draws and cut them into groups of $k$:
# each group gives a value. Predict: with $q$ this poor, how many draws bring the bound to within 0.1 nats of $\log p(x)$?

# %%
ks = [1, 2, 4, 8, 16, 32, 64, 128, 256]
log_w = objectives.log_weights(poor, x, k=2**19)[:, 0]
groups = [log_w.view(-1, k).T for k in ks]
bound = torch.stack([iwae_bound(group).mean() for group in groups])
curves = {"log p(x)": log_px.expand(len(ks)), "bound": bound}
claim("11-poor-elbo-error", log_px - bound[0], world="any", tolerance=0.02, digits=2)
claim("11-poor-error-8", log_px - bound[3], world="any", tolerance=0.01, digits=2)
plotting.lines(ks, curves, xlabel="draws k", ylabel="nats", logx=True, markers=True)

# %% [markdown]
# The ELBO misses {{any:11-poor-elbo-error}} nats. With 8 draws {{any:11-poor-error-8}} nats are missing, just about
# what you were asked for.

# %% [markdown]
# ## 2 By how much is it too low?
#
# Divide each weight by the truth, $r = w / p(x)$. Lesson 04 showed that the weights average to $p(x)$, so $\mathbb E_q[r] = 1$.
# Let $R$ be the mean of $k$ of them. Then $\frac1k \sum_j w_j = p(x) \, R$, and the error of the bound is
#
# $$\log p(x) - \mathcal L_k = -\mathbb E[\log R].$$
#
# **Line 1**: $\mathbb E[R] = 1$ for any $k$. **Line 2**: the variance of a mean of
# $k$ independent draws is a $k$-th of the variance of one,
#
# $$\mathbb E[(R - 1)^2] = \frac{v}{k}, \qquad v = \mathbb E_q[(r - 1)^2] = \frac{\mathrm{Var}(w)}{p(x)^2}.$$
#
# To compute expectations **without any noise**, go back to the urns of lesson 04, where a red ball was seen and $q$ was bad. With
# three codes, $k$ draws can fall in a few ways only. `falls` lists them with their probabilities and their $R$.

# %%
p_x_z = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]], dtype=torch.float64)
urns = DiscreteWorld(torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), p_x_z)
q = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
r = urns.joint()[:, 0] / q / urns.marginal()[0]


def falls(k):
    """Every way in which k draws fall on the urns: probabilities [M], and the mean relative weight R [M] of each."""
    few = torch.cartesian_prod(*[torch.arange(k + 1, dtype=torch.float64)] * 2)
    few = few[few.sum(1) <= k]
    counts = torch.cat([few, k - few.sum(1, keepdim=True)], 1)
    return Multinomial(k, q).log_prob(counts).exp(), counts @ r / k


bias, k = Derivation("The bias of the bound with k draws"), 5
probability, R = falls(k)
v = q @ (r - 1) ** 2
bias.step("E[R] = 1, k = 5", probability @ R, 1.0)
bias.step("E[(R - 1)^2] = v / k", probability @ (R - 1) ** 2, v / k)

# %% [markdown]
# Now the logarithm. With $R = 1 + d$ its series begins $\log(1 + d) = d - d^2 / 2 + \dots$ The first term has expectation 0 by
# line 1, the second is half of line 2. The expectations of the terms that follow shrink at least as fast as $1 / k^2$ (if they
# are finite; Going deeper shows it for the next two), so to first order
#
# $$\boxed{\;\log p(x) - \mathcal L_k \;\approx\; \frac{v}{2k}, \qquad v = \frac{\mathrm{Var}(w)}{p(x)^2}\;}$$
#
# The bound is **biased low**, because the logarithm bends downwards, and the bias falls like $1/k$. Here are the exact errors of
# the urns beside the formula. On two logarithmic axes $1 / k$ is a straight line.

# %%
many = [1, 2, 5, 10, 20, 50, 100, 200, 500]
exact = []
for k in many:
    probability, R = falls(k)
    exact.append(-(probability @ R.log()).item())
claim("11-urns-v", v, world="any", tolerance=0.005, digits=2, unit="")
ratio = torch.tensor(exact) / (v / (2 * torch.tensor(many)))
claim("11-urns-ratio-1", ratio[0], world="any", tolerance=0.005, digits=2, unit="times the first order")
claim("11-urns-ratio-100", ratio[6], world="any", tolerance=0.002, digits=3, unit="times the first order")
curves = {"error of L_k": exact, "v / (2k)": v / (2 * torch.tensor(many))}
plotting.lines(many, curves, xlabel="draws k", ylabel="log p(x) - L_k (nats)", logx=True, logy=True, markers=True)

# %% [markdown]
# From a few draws on, the two lines cannot be told apart: ten times the draws, a tenth of the error. For the urns $v$ is
# {{any:11-urns-v}}. At $k = 1$ the true error is only {{any:11-urns-ratio-1}} times the formula, at $k = 100$
# {{any:11-urns-ratio-100}} times.

# %% [markdown]
# ### How large is v?
#
# The weights scatter because $q$ is not the posterior: by Bayes' rule $r = p(z \mid x) / q(z)$. **Line 1** writes
# $1 + v$ as a second moment. **Line 2** is what that means for densities, and **line 3** its value for two Gaussians in
# one dimension. $a$ is the shift of $q$ and $c$ its width, both in standard deviations of the posterior:
#
# $$1 + v = \mathbb E_q[r^2] = \int \frac{p(z \mid x)^2}{q(z)} \, dz = \frac{c^2}{\sqrt{2 c^2 - 1}} \,
# \exp\left(\frac{a^2}{2 c^2 - 1}\right).$$
#
# Going deeper completes the square for the last step.

# %%
spread = Derivation("The relative variance of the weights")
spread.step("1 + v = E_q[r^2], urns", 1 + v, q @ r**2)
z = torch.linspace(-12, 12, 24001, dtype=torch.float64)
log_post, log_q = Normal(m[0], sd[0]).log_prob(z), poor.posterior(x).log_prob(z.view(-1, 1, 1))[:, 0]
density = torch.trapezoid((2 * log_post - log_q).exp(), z)
r2 = (2 * (log_w - log_px)).exp()
spread.step("E_q[r^2] = integral of p(z|x)^2 / q", r2.mean(), density, standard_error=standard_error(r2))


def relative_variance(a, c):
    return c**2 / math.sqrt(2 * c**2 - 1) * math.exp(a**2 / (2 * c**2 - 1)) - 1


spread.step("integral = c^2 / sqrt(2c^2 - 1) exp(...)", density, 1 + relative_variance(1.5, 1.5), how="quadrature")

# %% [markdown]
# Look at the root. If $q$ has half the posterior's variance or less, $2 c^2 \le 1$ and the integral is **infinite**. A
# $q$ that is too wide wastes draws; one that is too narrow misses what it should have weighed most. The bound still
# converges, but more slowly than $1/k$, and $v / (2k)$, being infinite, no longer says how fast.
#
# If posterior and $q$ both factorise, with the same misfit in each of $D$ dimensions, $r$ is a product of $D$ independent
# factors, so its second moment is a product too:
#
# $$1 + v_D = (1 + v_1)^D$$
#
# Take a good $q$: half a standard deviation off, 20% too wide. How many draws does it need for an error of 0.1 nats in 1 to 50
# dimensions, by the first order, $k = v / 0.2$? Predict the shape of the curve.

# %%
mild = 1 + relative_variance(0.5, 1.2)
dims = torch.arange(1, 51)
needed = (mild**dims - 1) / 0.2
claim("11-mild", mild, world="any", tolerance=0.002, digits=2, unit="times the draws for each dimension")
claim("11-needed-20", needed[19], world="any", tolerance=1, digits=0, unit="draws")
claim("11-needed-50", needed[49], world="any", tolerance=100, digits=0, unit="draws")
plotting.lines(dims, {"k": needed}, xlabel="latent dimensions", ylabel="k for 0.1 nats, first order", logy=True)

# %% [markdown]
# By the first order, {{any:11-needed-20}} draws are enough in 20 dimensions, and in 50 it takes {{any:11-needed-50}}: each
# further dimension multiplies the draws by {{any:11-mild}}. The true need is smaller there, since the first order holds only
# once $k$ is large (Going deeper measures it), but the warning stands.

# %% [markdown]
# ### Your turn: how many draws count?
#
# For a network you do not know $p(x)$, so you cannot compute $r$. But you can look at the **shares** of the draws,
# $s_j = w_j / \sum_i w_i$. If one draw holds nearly all of the weight, $k$ draws are worth little more than one.
# The **effective sample size** counts them:
#
# $$\mathrm{ESS} = \frac{(\sum_j w_j)^2}{\sum_j w_j^2} = \frac{1}{\sum_j s_j^2}.$$
#
# It runs from 1, when one draw holds everything, to $k$, when all weigh the same.

# %% exercise="11-effective-sample-size"

# %% [markdown]
# For many draws $\mathrm{ESS} \approx k / (1 + v)$, and at the posterior itself, where all weights are $p(x)$, it is $k$ (Going
# deeper checks both).

# %% [markdown]
# ## 3 Move q yourself
#
# You choose the shift and the width of $q$ in the posterior's standard deviations, and the number of draws. On the left lie the
# log weights, with their mean, the ELBO. On the right the bound climbs towards $\log p(x)$; the dotted line is the first order.
#
# 1. Set the shift to 0 and the width to 1. What happens to the histogram, and why?
# 2. Keep the shift at 1.5, and compare the widths 1 and 1.9. Which gives the better ELBO ($\log_2 k = 0$)? Which the
#    better bound at $\log_2 k = 5$? (The bound in the picture is an estimate: where it has arrived, noise can lift it above
#    $\log p(x)$.)
# 3. Shift 0, width 0.5: the histogram grows a tail to the right. What do those rare draws do to the dotted line?

# %%
from vae_course.widgets.bound_playground import BoundPlayground

BoundPlayground()

# %% [markdown]
# If nothing moves here, this picture shows a $q$ that is too narrow and to one side. For the second question the cell also
# looks up which width has the smallest $v$ at a shift of 1.5.

# %%
from vae_course.studies.importance_weights import ladder
from vae_course.widgets.bound_playground import render

widths = torch.linspace(0.75, 3.0, 226).tolist()
best = min(widths, key=lambda width: relative_variance(1.5, width))
claim("11-best-width", best, world="any", tolerance=0.02, digits=1, unit="standard deviations")
claim(
    "11-best-width-v", relative_variance(1.5, best), world="any", tolerance=0.01, digits=2, unit="for v at this width"
)
claim("11-width-1-v", relative_variance(1.5, 1.0), world="any", tolerance=0.01, digits=2, unit="for v at width 1")
render(ladder(1.0, 0.5, 6))  # shift 1, width 0.5, k = 2^6

# %% [markdown]
# The histogram ends on the right in a thin tail: codes which $q$ hardly ever draws and which would weigh a great deal.
# Nothing else on the left warns you that the variance is infinite. The answers to the three questions:
#
# 1. All log weights are $\log p(x)$, so the histogram is a single bar: $q$ is the posterior.
# 2. The ELBO is best at width 1, for every shift, because the gap is $\mathrm{KL} = (c^2 + a^2 - 1) / 2 - \log c$. With
#    many draws $v$ decides, and it is smallest near width {{any:11-best-width}}: {{any:11-best-width-v}}, against
#    {{any:11-width-1-v}} at width 1. So the order turns round: it pays to be wide enough to reach the posterior.
# 3. The dotted line disappears: $2 c^2 = 0.5$, so the variance is infinite.

# %% [markdown]
# ## 4 log p(x) of a trained model
#
# Now a network. It is that of the paper that introduced this bound: 784-200-200-50-200-200-784 with tanh, trained on pixels
# that are drawn anew as 0 or 1 for each batch. The model is shown 150,000 images, three epochs of MNIST. The first time this
# takes about ten seconds.

# %%
from vae_course import data
from vae_course.studies.replicate.iwae import network
from vae_course.training import Recipe, fit_or_load

splits = data.load("auto")
world, train = splits.name, splits.train
pixel_means, SHOWN = train.x.mean(0), 150_000
epochs = round(SHOWN / len(train))
print(f"{world}: {epochs} epochs of {len(train):,} images")
settings = {"images": train, "transform": data.dynamic_binarize, "batch_size": 100, "lr": 4e-3}
plain = Recipe(
    name=f"vae-1-{world}",
    build=lambda: network(pixel_means),
    loss=objectives.negative_elbo,
    epochs=epochs,
    **settings,
)
vae, _ = fit_or_load(plain)

# %% [markdown]
# `log_marginal` gives the mean of the bound over a data set with its standard error, here for the first 1,000 test images, with
# their pixels drawn once. Predict: will 200 draws gain about 0.5, 5 or 50 nats over one?

# %%
from vae_course.evaluation import log_marginal, log_marginal_each

test = data.binarize(splits.test, seed=2)[:1000]
ks = [1, 5, 20, 50, 200]
estimates = [log_marginal(vae, test, k=k) for k in ks]
for k, (mean, error) in zip(ks, estimates, strict=True):
    print(f"k = {k:3}: {mean:.2f} ± {error:.2f} nats")
values = [mean for mean, _ in estimates]
axes = {"xlabel": "draws k", "ylabel": "bound on log p(x) (nats)"}
claim("11-vae-elbo", values[0], world=world, tolerance=1.0)
claim("11-vae-200", values[-1], world=world, tolerance=1.0)
claim("11-vae-gain", values[-1] - values[0], world=world, tolerance=0.6)
claim("11-vae-last-step", values[-1] - values[-2], world=world, tolerance=0.15, digits=2)
claim("11-vae-error", estimates[-1][1], world=world, tolerance=0.1, digits=2)
plotting.lines(ks, {"bound": values}, logx=True, markers=True, **axes)

# %% [markdown]
# From 1 to 200 draws the bound rises from {{mnist:11-vae-elbo}} nats to {{mnist:11-vae-200}}. So at least
# {{mnist:11-vae-gain}} nats that look like the decoder's fault in the ELBO are the fault of $q$: of the encoder, and of the
# Gaussian's shape, which no encoder can change. The curve is not flat: from 50 to 200 draws it still gains
# {{mnist:11-vae-last-step}} nats.
# **State $k$ with each estimate.** Its expectation is a lower bound for any $k$, so on average you never flatter the model.

# %% [markdown]
# ### Two kinds of noise
#
# The standard error of this mean is {{mnist:11-vae-error}} nats. It has two sources: other images, and other draws. Which is the
# larger? Repeat the measurement on the same images with other draws. And how many of 200 draws count?

# %%
repeated = torch.tensor([log_marginal(vae, test[:200], k=50, seed=seed)[0] for seed in range(5)])
_, over_images = log_marginal(vae, test[:200], k=50)
print("five repetitions:", [round(value, 2) for value in repeated.tolist()])
claim("11-noise-draws", repeated.std(), world=world, tolerance=0.08, digits=2)
claim("11-noise-images", over_images, world=world, tolerance=0.4)
with torch.no_grad():
    ess = effective_sample_size(objectives.log_weights(vae, test.x[:200], k=200))
claim("11-vae-ess", ess.median(), world=world, tolerance=4.0, unit="of 200 draws, for the middle image")

# %% [markdown]
# With 200 images and 50 draws, other draws move the mean by {{mnist:11-noise-draws}} nats, other images would move it by
# {{mnist:11-noise-images}}. Images differ far more from each other than draws do; section 6 makes use of that.
#
# For the middle image {{mnist:11-vae-ess}} of the 200 draws count. The encoder's $q$ is not the posterior, and 50 dimensions
# multiply their misfits.

# %% [markdown]
# ## 5 Who has over-fitted?
#
# Both networks of a VAE can know the training images too well, in two ways:
#
# - the **decoder** gives the training images a high $\log p(x)$ and new ones a low one;
# - the **encoder** gives the training images a good $q$ and new ones a bad one: the gap between $\log p(x)$ and the ELBO grows.
#
# The ELBO alone mixes them. To see both, train the network of lesson 07 long on few images: 2,000, pixels drawn once and kept.
# The validation images take no part in the training. This takes about fifteen seconds the first time.

# %%
from vae_course.models import VAE

few, val = data.binarize(train[:2000], seed=3), data.binarize(splits.val, seed=1)[:1000]
data_and_loss = {"images": few, "val": val, "loss": objectives.negative_elbo}
long = data_and_loss | {"build": VAE.mlp, "epochs": 120, "batch_size": 100, "lr": 2e-3, "schedule": "constant"}
greedy, history = fit_or_load(Recipe(name=f"greedy-{world}", **long))

# %%
curves = {"training": history.train["loss"], "validation": history.val["loss"]}
epoch = range(1, len(curves["training"]) + 1)
losses = torch.tensor(history.val["loss"])
claim("11-best-epoch", losses.argmin() + 1, world=world, tolerance=15, digits=0, unit="epochs")
claim("11-best-val", losses.min(), world=world, tolerance=1.5)
claim("11-last-val", losses[-1], world=world, tolerance=3.0)
claim("11-last-train", history.train["loss"][-1], world=world, tolerance=2.0)
plotting.lines(epoch, curves, xlabel="epoch", ylabel="-ELBO (nats per image)")

# %% [markdown]
# The training loss falls to {{mnist:11-last-train}} nats and would go on. The validation loss turns: it is lowest after
# {{mnist:11-best-epoch}} epochs, at {{mnist:11-best-val}}, and ends at {{mnist:11-last-val}}. This is what the three parts of
# the data are for:
#
# | part | what it decides | how often you look |
# |---|---|---|
# | training | the weights | at each step |
# | validation | what you choose: when to stop, sizes, learning rate | as often as you like |
# | test | nothing | once, for a finished model |
#
# Whatever has been used to choose is no longer a fair judge: among a hundred models, the one that looks best on the validation
# images has most likely been lucky there. (This lesson looks at the test images often, but chooses nothing by them.) Now the
# account, with $\log p(x)$ from 200 draws.

# %%
parts = {"training": few[:1000], "validation": val, "test": test}
elbos = {name: log_marginal(greedy, part, k=1)[0] for name, part in parts.items()}
marginals = {name: log_marginal(greedy, part, k=200)[0] for name, part in parts.items()}
gaps = {name: marginals[name] - elbos[name] for name in parts}
claim("11-gap-train", gaps["training"], world=world, tolerance=0.6)
claim("11-gap-test", gaps["test"], world=world, tolerance=1.5)
claim("11-decoder-overfit", marginals["training"] - marginals["test"], world=world, tolerance=3.0)
labels = [f"{name}: {what}" for name in parts for what in ("log p(x)", "ELBO")]
both = [value for name in parts for value in (marginals[name], elbos[name])]
plotting.dots(labels, both, xlabel="nats per image", highlight=labels[1::2])

# %% [markdown]
# $\log p(x)$ is {{mnist:11-decoder-overfit}} nats higher on the training images than on the test images: the decoder's
# share. And the gap between the two dots is {{mnist:11-gap-train}} nats in training but {{mnist:11-gap-test}} on test images.
# If the Gaussian's shape costs about the same in both, the difference is the encoder's.
#
# Be careful: both numbers come from the encoder's draws. Where the encoder is bad, 200 draws are not enough,
# and part of the encoder's fault is booked on the decoder. To check, keep the decoder and fit a $q$ to **each image by itself**:
# `refine` takes 150 steps of Adam on $\mu$ and $\log\sigma^2$.


# %%
def refine(model, x, steps=150):
    """The mean ELBO of q before and after it is fitted to each image by itself, decoder untouched, and that q."""
    mu, logvar = (part.detach().clone().requires_grad_() for part in model.encode(x))
    optimiser, seen = torch.optim.Adam([mu, logvar], lr=0.03), []
    for step in range(steps + 1):
        q = Normal(mu, torch.exp(0.5 * logvar))
        kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
        z = q.rsample((20 if step in (0, steps) else 1,))  # more draws where we report
        elbo = (model.likelihood(z).log_prob(x.expand(len(z), *x.shape)).mean(0) - kl).mean()
        seen.append(elbo.item())
        optimiser.zero_grad()
        (-len(x) * elbo).backward()  # a sum over the images: the q of each gets its own gradient in full
        optimiser.step()
    return seen[0], seen[-1], Independent(Normal(mu.detach(), torch.exp(0.5 * logvar.detach())), 1)


# %%
_, gains = torch.manual_seed(4), {}
for name, short in (("training", "train"), ("test", "test")):
    before, after, _ = refine(greedy, parts[name].x[:300])
    gains[short] = after - before
    claim(f"11-refine-{short}", gains[short], world=world, tolerance=3.0)
ratio = gains["test"] / gains["train"]
claim("11-refine-ratio", ratio, world=world, tolerance=3, digits=0, unit="times the gain on training images")
claim("11-refined-elbo", after, world=world, tolerance=3.0)
by_draws = log_marginal(greedy, test[:300], k=200)[0]
claim("11-refined-200", by_draws, world=world, tolerance=3.0)
claim("11-refined-lead", after - by_draws, world=world, tolerance=2.0, digits=0)

# %% [markdown]
# On training images a $q$ of its own gains {{mnist:11-refine-train}} nats. On test
# images it gains {{mnist:11-refine-test}}, about {{mnist:11-refine-ratio}} times as much. The difference is the encoder's
# over-fitting, since the decoder was not touched.
#
# On these 300 test images the ELBO of the fitted $q$ is {{mnist:11-refined-elbo}} nats, *above* the
# {{mnist:11-refined-200}} that 200 draws of the encoder's $q$ gave. Both are lower bounds: the higher one is nearer the
# truth. Of the {{mnist:11-decoder-overfit}} nats that were booked on the decoder, at least {{mnist:11-refined-lead}} belong
# to the encoder, if 200 draws miss little on training images. A large $k$ does not make up for a $q$ in the wrong place.
#
# The simplest cure, in Going deeper, is to stop at the epoch that the validation images choose.

# %% [markdown]
# ## 6 The order of a published table
#
# If $\mathcal L_k$ is closer to $\log p(x)$ than the ELBO, why not train with it? That is the **importance-weighted
# autoencoder**, IWAE. Its paper compares, for the network of section 4 on MNIST, $-\log p(x)$ of the test images when
# the ELBO is trained with $k$ draws ("VAE") and when $\mathcal L_k$ is ("IWAE"):
#
# | trained with | VAE, $k$ draws averaged | IWAE, $\mathcal L_k$ |
# |---|---|---|
# | $k = 1$ | 86.76 | the same |
# | $k = 5$ | 86.47 | 85.54 |
# | $k = 50$ | 86.35 | 84.78 |

# %% [markdown]
# ### Which draw teaches?
#
# The gradient of the bound is a weighted mean of the gradients of $\log w$, and the weights are the **shares** (Going deeper
# checks it):
#
# $$\nabla \log \frac1k \sum_j w_j = \sum_j s_j \, \nabla \log w_j, \qquad s = \mathrm{softmax}(\log w)$$
#
# A draw whose $p(x, z)$ is large compared with its $q(z)$ has a large weight and a large say. The others hardly count.

# %% [markdown]
# ### Your turn: find the error
#
# Here is a loss for an IWAE as you may find it in code. It takes the loss of each draw, `-log_w`, and weighs the losses by a
# softmax that is detached, so that only the losses carry a gradient. It runs, and its loss falls. Which draw has the largest
# share? Put it right.


# %%
def as_found(log_w):
    """One number to minimise, from the log weights [k, B]."""
    loss = -log_w
    shares = torch.softmax(loss, dim=0).detach()
    return (shares * loss).sum(dim=0).mean()


# %% exercise="11-iwae-gradient-weights"

# %% [markdown]
# See what the two losses do in the world of two hills of lesson 04, where no Gaussian fits. $q$ starts between the hills, and
# Adam minimises each loss with $k = 20$. After each step $\mathcal L_{20}$ is measured, with 2,048 groups of draws. Predict, for
# each of the two losses: does $q$ become wider or narrower?

# %%
hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7)
x_hills = torch.tensor([[2.0]], dtype=torch.float64)


def climb(loss_of, k=20, steps=80):
    """The bound after each step of Adam on mean and log variance of q, and the q at the end."""
    torch.manual_seed(10)
    place = torch.tensor([0.5, -1.0], dtype=torch.float64).requires_grad_()
    optimiser, seen = torch.optim.Adam([place], lr=0.05), []
    for _ in range(steps):
        # The same x 64 times: the mean over so many groups of k draws gives a calm gradient.
        q_world = hills.with_posterior(place[:1].expand(64, 1), place[1:].expand(64, 1))
        with torch.no_grad():  # 32 k draws for each of 64 copies, cut into 2,048 groups of k
            log_w = objectives.log_weights(q_world, x_hills.expand(64, 1), k=32 * k)
            seen.append(iwae_bound(log_w.view(k, -1)).mean())
        optimiser.zero_grad()
        loss_of(objectives.log_weights(q_world, x_hills.expand(64, 1), k=k)).backward()
        optimiser.step()
    return torch.stack(seen), place.detach()


# %%
log_px_hills = hills.log_marginal(x_hills)
(mended, q_mended), (found, q_found) = climb(iwae_loss), climb(as_found)
claim("11-climb-start", log_px_hills - found[0], world="any", tolerance=0.05, digits=2)
claim("11-climb-mended", log_px_hills - mended[-1], world="any", tolerance=0.05, digits=2)
claim("11-climb-as-found", log_px_hills - found[-1], world="any", tolerance=0.1, digits=2)
claim("11-climb-logvar-mended", q_mended[1], world="any", tolerance=0.3, unit="log variance of q at the end")
claim("11-climb-logvar-as-found", q_found[1], world="any", tolerance=0.5, unit="log variance of q at the end")
curves = {"log p(x)": log_px_hills.expand(80), "mended": mended, "as found": found}
plotting.lines(range(1, 81), curves, xlabel="step of Adam", ylabel="bound with k = 20 (nats)")

# %% [markdown]
# Both losses were "minimised". Repaired, the bound climbs from {{any:11-climb-start}} nats below $\log p(x)$ to
# {{any:11-climb-mended}} below: $q$ widens from a log variance of $-1$ to {{any:11-climb-logvar-mended}}, since one good draw
# of twenty is enough. As found, the bound **falls**, to {{any:11-climb-as-found}} below: the worst draws have the say, so $q$
# narrows to a log variance of {{any:11-climb-logvar-as-found}} and avoids bad draws.
#
# Your loss has the gradient of `objectives.negative_iwae`, which we train with from here on.

# %% [markdown]
# ### Does the order of the table show?
#
# Take the VAE of section 4 and go on with it for 100,000 images, once with the ELBO of five draws and once with $\mathcal L_5$.
# The two begin at the same weights, and see the same images in the same order. The learning rate is $10^{-3}$, smaller than
# before. Each takes about fifteen seconds the first time.

# %%
import copy

from vae_course.studies.replicate.iwae import EPOCHS, IMAGES, PUBLISHED, loss_of
from vae_course.studies.replicate.table import measure

rows, device = {row.key: row for row in PUBLISHED}, torch.device("cpu")
changes = {"lr": 1e-3, "epochs": round(100_000 / len(train)), "build": lambda: copy.deepcopy(vae)}
further = settings | changes
models, went_on, elbo = {}, {}, {}
for key in ("vae-5", "iwae-5"):
    model, _ = fit_or_load(Recipe(name=f"further-{key}-{world}", loss=loss_of(rows[key]), **further))
    went_on[key] = measure(rows[key], model, test, draws=200, device=device)
    elbo[key], models[key] = log_marginal(model, test, k=1)[0], model

# %% [markdown]
# The paper shows its networks 3,280 times 60,000 images. The model of section 4 has seen {{mnist:11-share}}% of that, and these
# two not much more. Nobody should expect the paper's numbers; the question is the *order*.

# %% [markdown]
# ### Your turn: a paired comparison
#
# All models were measured on the **same** images. An image that is hard for one is hard for the other. So form the difference
# for each image first. Its mean is the difference of the means, but its standard error is far smaller.

# %% exercise="11-standard-error"

# %%
gain, error = compare(-went_on["iwae-5"].nlls, -went_on["vae-5"].nlls)
claim("11-further-gain", gain, world=world, tolerance=0.25, digits=2)
claim("11-further-se", error, world=world, tolerance=0.02, digits=2)
assert gain > 2 * error
claim("11-further-elbo", elbo["vae-5"] - elbo["iwae-5"], world=world, tolerance=0.8)
share = epochs * len(train) / (EPOCHS * IMAGES)
claim("11-share", 100 * share, world=world, tolerance=0.0005, digits=3, unit="% of the paper's training, in section 4")
start = measure(rows["vae-1"], vae, test, draws=200, device=device)
labels = ["VAE, k = 1, where both start", "on with VAE, k = 5", "on with IWAE, k = 5"]
nlls = [start.nll, went_on["vae-5"].nll, went_on["iwae-5"].nll]
plotting.dots(labels, nlls, xlabel="-log p(x) of a test image, k = 200 (nats)", digits=2, highlight=labels[2:])

# %% [markdown]
# With the same five draws a step, training $\mathcal L_5$ gains {{mnist:11-further-gain}} ± {{mnist:11-further-se}} nats over
# training the ELBO. A standard error of {{mnist:11-vae-error}} nats, that of one mean in section 4, would have hidden it. The
# lead is many standard errors over images, though of one training each, and it is the order of the paper. (Only the last two
# dots may be compared: the first model has seen fewer images.)
#
# Could it be that the IWAE's encoder merely gives a tighter bound on an equally good model? Take the encoders away. Fit a $q$
# to each of 300 test images by itself, for both decoders by the rule of section 5, and draw from those. The cell takes some
# seconds. Predict what is left of the lead.


# %%
def by_own_q(model, x):
    """log p(x) of each image, from 200 draws of a q that is fitted to it alone: [N]."""
    twin, (_, _, q) = copy.copy(model), refine(model, x)
    twin.posterior = lambda _: q
    return log_marginal_each(twin, x, k=200, batch_size=len(x))


_ = torch.manual_seed(5)
own = {key: by_own_q(model, test.x[:300]) for key, model in models.items()}
gain, error = compare(own["iwae-5"], own["vae-5"])
claim("11-further-own-gain", gain, world=world, tolerance=0.35, digits=2)
claim("11-further-own-se", error, world=world, tolerance=0.05, digits=2)
assert gain > 2 * error
for key, what in (("vae-5", "vae"), ("iwae-5", "iwae")):
    gained = (own[key] + went_on[key].nlls[:300]).mean()
    claim(f"11-own-{what}", gained, world=world, tolerance=0.5, digits=2, unit="nats won by a q of its own")

# %% [markdown]
# Most of it: {{mnist:11-further-own-gain}} ± {{mnist:11-further-own-se}} nats. (These are 300 of the 1,000 images, so the
# numbers need not add up with the lead above.) So the model itself is the better one, decoder against decoder. The rest was the
# encoders': a $q$ of its own wins {{mnist:11-own-vae}} nats for the VAE and {{mnist:11-own-iwae}} for the IWAE.
#
# One caution. The *ELBO* of the IWAE is lower, by {{mnist:11-further-elbo}} nats. Its encoder was asked for a good set of five,
# not for one good draw. Whoever compares the two by their ELBOs finds the wrong winner.
#
# Going deeper trains both from scratch, where no such lead shows, and has the command for the whole table.

# %% [markdown]
# ## 7 Likelihood and looks
#
# A model with a better $\log p(x)$ must draw better pictures, must it not?

# %% [markdown]
# ### A good likelihood, and bad pictures
#
# Take a good model $p(x)$ and spoil it: with probability 0.99, draw pure noise $n(x)$ instead. What does it lose?
#
# $$p_{\text{mix}}(x) = 0.01 \, p(x) + 0.99 \, n(x) \;\ge\; 0.01 \, p(x)$$
#
# Take logarithms: the loss is at most $\log 100 = 4.6$ nats, whatever $x$ is. For images, let noise be a fair coin for each
# pixel, $\log n(x) = -784 \log 2$. The model of section 4 gives the test images hundreds of nats more than that, so the loss is
# $\log 100$ to all digits.

# %%
log_px_vae, log_noise = -start.nlls, -784 * math.log(2)  # log p(x) by 200 draws
log_mix = torch.logaddexp(log_px_vae + math.log(0.01), torch.full_like(log_px_vae, log_noise + math.log(0.99)))
torch.testing.assert_close(log_px_vae - log_mix, torch.full_like(log_mix, math.log(100)))
claim("11-mixture", log_mix.mean(), world=world, tolerance=1.0)
claim("11-mixture-share", 100 * math.log(100) / (log_px_vae.mean() - log_noise), world=world, tolerance=0.1, unit="%")

_ = torch.manual_seed(8)
samples, coins = torch.bernoulli(vae.sample(16)), torch.rand(16, 1, 28, 28).round()
picked = torch.where((torch.rand(16) < 0.99).view(-1, 1, 1, 1), coins, samples)
plotting.pairs(samples, picked, ncols=8, labels=("the VAE", "99 % noise"))

# %% [markdown]
# The lower rows look hopeless. Yet $\log p(x)$ falls from {{mnist:11-vae-200}} nats to {{mnist:11-mixture}} only, which is
# {{mnist:11-mixture-share}}% of the distance from noise to the VAE. A likelihood asks: what do you give to *these* images? It
# does not ask what else you draw.

# %% [markdown]
# ### Good pictures, and a bad likelihood
#
# The other way round: a model that has learned nothing but its training images by heart. It picks one of 10,000 at
# random and flips each pixel with probability 0.01.
#
# $$p_{\text{copy}}(x) = \frac1N \sum_{n=1}^N \prod_i 0.99^{[x_i = x^{(n)}_i]} \; 0.01^{[x_i \ne x^{(n)}_i]}$$
#
# With $h_n$ the number of pixels in which $x$ differs from training image $n$, each product is $0.99^{784 - h_n} \,
# 0.01^{h_n}$. These are its pictures:

# %%
memory = data.binarize(train[:10_000], seed=9).x.flatten(1)


def copier(x):
    """log p(x) of the model that copies, for images of zeros and ones: [B]."""
    x = x.flatten(1)
    h = x.sum(1, keepdim=True) + memory.sum(1) - 2 * x @ memory.T
    log_each = (784 - h) * math.log(0.99) + h * math.log(0.01)
    return torch.logsumexp(log_each.double(), 1) - math.log(len(memory))


frequency = pixel_means.clamp(1e-4, 1 - 1e-4)
biased = torch.distributions.Bernoulli(frequency).log_prob(test.x).sum((1, 2, 3)).double()
flips = (torch.rand(16, 784) < 0.01).float()
plotting.image_grid((memory[:16] - flips).abs().view(-1, 1, 28, 28), ncols=8)

# %% [markdown]
# They are the best of this lesson: real digits with a speck here and there. Predict: is the copier's $\log p(x)$ on test images
# above or below that of the VAE? And above or below that of coins with the right bias for each pixel?

# %%
on_test, on_train = copier(test.x), copier(memory[:1000])
claim("11-copier-test", on_test.mean(), world=world, tolerance=10)
claim("11-copier-train", on_train.mean(), world=world, tolerance=1.0)
claim("11-biased-coins", biased.mean(), world=world, tolerance=1.0)
names = ["fair coins", "biased coins", "copies", "VAE", "VAE with 99 % noise"]
means = [log_noise, biased.mean(), on_test.mean(), log_px_vae.mean(), log_mix.mean()]
plotting.bars(names, [-float(mean) for mean in means], xlabel="-log p(x) of a test image (nats)", highlight=["copies"])

# %% [markdown]
# It is {{mnist:11-copier-test}} nats on test images, where coins with a bias have {{mnist:11-biased-coins}}. It allows for
# about eight flipped pixels in 784, and nobody else's digit comes that close to a stored one. On its own training images it has
# {{mnist:11-copier-train}}.
#
# So the two questions are separate. Do you want to compress, or to compare densities? Measure the likelihood on images
# that took no part. Do you want pictures? Look at pictures, many of them, beside their nearest training images.

# %% [markdown]
# ## 8 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("11", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("11")

# %%
exercises.progress("11")

# %% [markdown]
# ## Summary
#
# > $$\mathcal L_k = \mathbb E\left[\log \tfrac1k \textstyle\sum_j w_j\right] \le \log p(x),
# > \qquad \log p(x) - \mathcal L_k \approx \frac{v}{2k}, \quad v = \frac{\mathrm{Var}(w)}{p(x)^2}$$
# >
# > $$1 + v = \int \frac{p(z \mid x)^2}{q(z)} \, dz, \qquad 1 + v_D = (1 + v_1)^D, \qquad v = 0 \ \text{for}\ q(z) = p(z \mid x)$$
# >
# > ($v_D$: both factorise, with the same misfit in each dimension.)
# >
# > $$\mathrm{ESS} = \frac{1}{\sum_j s_j^2} \approx \frac{k}{1 + v},
# > \qquad \nabla \mathcal L_k = \mathbb E\Big[\textstyle\sum_j s_j \nabla \log w_j\Big], \qquad s = \mathrm{softmax}(\log w)$$
# >
# > $$\text{difference of two models} = \bar \delta \pm \frac{\mathrm{sd}(\delta)}{\sqrt N},
# > \qquad \delta_n = \log p_A(x_n) - \log p_B(x_n)$$
# >
# > $$\log\big(0.01 \, p(x) + 0.99 \, n(x)\big) \ge \log p(x) - \log 100$$
# >
# > State $k$, the split, the binarisation and a standard error with each number. With many draws, a $q$ that is too
# > narrow is worse than one that is too wide. A likelihood does not see what else a model draws.

# %%
plotting.summary("11")

# %% [markdown]
# **Sources.** Y. Burda, R. Grosse and R. Salakhutdinov, [*Importance Weighted Autoencoders*](https://arxiv.org/abs/1509.00519),
# ICLR 2016, for the bound, its gradient, the schedule and the table. L. Theis, A. van den Oord and M. Bethge, [*A Note on the
# Evaluation of Generative Models*](https://arxiv.org/abs/1511.01844), ICLR 2016, section 3, for likelihood against looks. Y. Wu,
# Y. Burda, R. Salakhutdinov and R. Grosse, [*On the Quantitative Analysis of Decoder-Based Generative
# Models*](https://arxiv.org/abs/1611.04273), ICLR 2017, and C. Cremer, X. Li and D. Duvenaud, [*Inference Suboptimality in
# Variational Autoencoders*](https://arxiv.org/abs/1801.03558), ICML 2018, on how much of the gap is the encoder's.
#
# **Next:** [12 What VAEs are used for](12_what_vaes_are_used_for.ipynb). Nats divided by log 2 are bits, and bits can
# be counted: there the bound becomes the size of a file.

# %% [markdown]
# ## Going deeper
#
# ### In your own words
#
# A friend reports: "My new model beats yours by 2 nats on test images, so its samples must look better." Answer in four
# to six sentences, with one example for each direction in which this goes wrong.

# %% exercise="11-likelihood-and-looks"

# %% [markdown]
# ### Why the rest is small
#
# Section 2 stopped after two terms of the series. **Lines 3 and 4** split $\log(1 + d)$ into these and an exact rest:
#
# $$\log(1 + d) = d - \frac{d^2}{2} + \rho(d), \qquad \rho(d) = \int_0^d \frac{t^2}{1 + t} \, dt.$$
#
# Both sides are 0 at $d = 0$, so it is enough that they have the same slope (line 3, by sympy). Line 4 computes the integral on a
# grid, for each outcome of five draws from the urns. **Line 5** takes the expectation:
#
# $$\log p(x) - \mathcal L_k = \frac{v}{2k} - \mathbb E[\rho(R - 1)].$$
#
# The rest starts with $d^3 / 3 - d^4 / 4$. **Lines 6 and 7** are the third and fourth moments of a mean of $k$ draws, with
# $m_3$ and $m_4$ those of a single $r - 1$. Both shrink like $1 / k^2$, one power faster than the main term:
#
# $$\mathbb E[d^3] = \frac{m_3}{k^2}, \qquad \mathbb E[d^4] = \frac{3 v^2}{k^2} + \frac{m_4 - 3 v^2}{k^3}.$$
#
# (S. Nowozin, [*Debiasing Evidence Approximations: On Importance-weighted Autoencoders and Jackknife Variational
# Inference*](https://openreview.net/forum?id=HyZoi-WRb), ICLR 2018, has the bias in all powers of 1/k.)

# %%
import sympy

k = 5
probability, R = falls(k)
u = sympy.Symbol("d", real=True)
bias.algebra("slopes: 1 / (1 + d) = 1 - d + d^2 / (1 + d)", sympy.diff(sympy.log(1 + u), u), 1 - u + u**2 / (1 + u))
d = R - 1
t = d.unsqueeze(1) * torch.linspace(0, 1, 4001, dtype=torch.float64)
rest = torch.trapezoid(t**2 / (1 + t), t)
bias.step("log(1 + d) = d - d^2 / 2 + rho(d)", torch.log1p(d), d - d**2 / 2 + rest, how="quadrature")

# %%
missing = urns.marginal()[0].log() - probability @ (urns.marginal()[0] * R).log()
bias.step("log p(x) - L_k = v / (2k) - E[rho]", missing, v / (2 * k) - probability @ rest, how="quadrature")
m3, m4 = q @ (r - 1) ** 3, q @ (r - 1) ** 4
bias.step("E[d^3] = m3 / k^2", probability @ d**3, m3 / k**2)
bias.step("E[d^4] = 3 v^2 / k^2 + (m4 - 3 v^2) / k^3", probability @ d**4, 3 * v**2 / k**2 + (m4 - 3 * v**2) / k**3)
claim("11-urns-third", probability @ d**3 / 3, world="any", tolerance=0.002, digits=3)
claim("11-urns-fourth", probability @ d**4 / 4, world="any", tolerance=0.002, digits=3)
claim("11-urns-ratio-5", missing / (v / (2 * k)), world="any", tolerance=0.005, digits=2, unit="times the first order")

# %% [markdown]
# The terms after $d^4$ have moments that shrink at least as fast as $1 / k^3$, provided that they are finite. (For the
# urns all are.) "Faster" speaks of large $k$: at $k = 5$, $\mathbb E[d^4] / 4$ = {{any:11-urns-fourth}} is still larger
# than $\mathbb E[d^3] / 3$ = {{any:11-urns-third}}, and the true error overshoots: it is {{any:11-urns-ratio-5}} times
# $v / (2k)$. (No more than a hint: with so few draws $R$ can exceed 2, where the series of the logarithm does not converge,
# so its terms can't be added up.)

# %% [markdown]
# ### The integral of two Gaussians
#
# Line 3 of "How large is v?" completes a square. Measure $z$ in standard deviations from the posterior's mean, so that the
# integrand is $\frac{c}{\sqrt{2 \pi}}$ times the exponential of
#
# $$-z^2 + \frac{(z - a)^2}{2 c^2} = -\frac{2 c^2 - 1}{2 c^2} \left(z + \frac{a}{2 c^2 - 1}\right)^2 + \frac{a^2}{2 c^2 - 1}.$$
#
# If $2 c^2 > 1$, the square integrates to $c \sqrt{2 \pi} / \sqrt{2 c^2 - 1}$, and the last term is left as the factor
# $\exp(\dots)$.

# %% [markdown]
# ### The first order, with the poor q
#
# Plain averages of $\log R$ are too noisy for errors of a few thousandths of a nat. But $\mathbb E[R - 1] = 0$, so we may add it:
# $-\mathbb E[\log R] = \mathbb E[R - 1 - \log R]$, the bracket of lessons 03 and 04. Each of its terms is zero or more,
# and most of the noise is gone.

# %%
errors = []
for group in groups:
    log_R = iwae_bound(group) - log_px
    errors.append((log_R.exp() - 1 - log_R).mean())
v_poor, draws = relative_variance(1.5, 1.5), [len(group) for group in groups]
claim("11-poor-v", v_poor, world="any", tolerance=0.005, digits=2, unit="")
claim("11-poor-ratio-64", errors[6] * 128 / v_poor, world="any", tolerance=0.05, digits=2, unit="times the first order")
curves = {"error of L_k": torch.stack(errors), "v / (2k)": v_poor / (2 * torch.tensor(draws))}
plotting.lines(draws, curves, xlabel="draws k", ylabel="log p(x) - L_k (nats)", logx=True, logy=True, markers=True)

# %% [markdown]
# For few draws the error is larger than the first order says; $q$ is poor, and the higher orders count. Then the lines meet: for
# $v$ = {{any:11-poor-v}}, the error at $k = 64$ is {{any:11-poor-ratio-64}} times $v / (2k)$.

# %% [markdown]
# ### How many draws count, checked
#
# $\frac1k \sum_j w_j$ is close to $p(x)$ for many draws and $\frac1k \sum_j w_j^2$ close to $(1 + v) \, p(x)^2$, hence
# $\mathrm{ESS} \approx k / (1 + v)$. And if $q(z) = p(z \mid x)$, each weight is $p(x)$, whatever was drawn: **lines 1 to 3** say
# so of the log weights, of the bound with seven draws, which has no noise, and of the ESS.

# %%
claim("11-poor-ess", effective_sample_size(groups[-1]).mean(), world="any", tolerance=2, unit="of 256 draws")
claim("11-poor-ess-formula", 256 / (1 + v_poor), world="any", tolerance=0.1, unit="= k / (1 + v)")

equal = Derivation("At the true posterior")
log_w_true = objectives.log_weights(line, x, k=7)
equal.step("log w = log p(x) at each draw", log_w_true, line.log_marginal(x))
equal.step("the bound with 7 draws = log p(x)", iwae_bound(log_w_true), log_px)
equal.step("effective sample size = k", effective_sample_size(log_w_true), 7.0)

# %% [markdown]
# For the poor $q$ of section 1, {{any:11-poor-ess}} of the 256 draws count, and the formula says {{any:11-poor-ess-formula}}.

# %% [markdown]
# ### Many dimensions, measured
#
# **Line 4** of "How large is v?" checks the product of second moments, with draws in two dimensions.

# %%
from torch.distributions import Chi2, MultivariateNormal

mean, variance = torch.full((2,), 0.5, dtype=torch.float64), torch.full((2,), 1.2**2, dtype=torch.float64)
post = MultivariateNormal(0 * mean, torch.eye(2, dtype=torch.float64))
q_two = MultivariateNormal(mean, variance.diag())
z = q_two.sample((200_000,))
r2 = (2 * (post.log_prob(z) - q_two.log_prob(z))).exp()
spread.step("1 + v_2 = (1 + v_1)^2", r2.mean(), mild**2, standard_error=standard_error(r2))

# %% [markdown]
# Does the first order hold in many dimensions? Measure the error with as many draws as it asks for in 20 dimensions, and in 50
# with only a third of them.


# %%
def mild_log_r(dim, shape, a=0.5, c=1.2):
    """Log relative weights of the mild q in dim dimensions, in an array of this shape."""
    along = torch.randn(shape) + a * c / (c**2 - 1) * math.sqrt(dim)
    distance2 = along**2 + Chi2(torch.tensor(dim - 1.0)).sample(shape)
    at_point = math.log(c) + a**2 / (2 * (c**2 - 1))
    return dim * at_point - (c**2 - 1) / 2 * distance2


_ = torch.manual_seed(3)
for dim, draws, repeats in ((20, 185, 4000), (50, 14_913, 300)):
    log_R = iwae_bound(mild_log_r(dim, (draws, repeats)).double())
    print(f"{dim} dimensions, {draws:,} draws: {-log_R.mean():.2f} ± {standard_error(log_R):.2f} nats are missing")
    claim(f"11-error-{dim}", -log_R.mean(), world="any", tolerance=0.03 if dim == 20 else 0.08, digits=2)

# %% [markdown]
# In both cases the first order asks for too many. In 20 dimensions {{any:11-error-20}} nats are missing where it says
# 0.1; in 50 a third of its draws should leave three times 0.1 nats, and they leave about {{any:11-error-50}}. The
# higher moments of $r$ grow with $D$ as well, so the first order needs ever more draws before it holds.
#
# A dimension that carries nothing costs nothing, if the encoder has learned to answer with the prior there: then $q$, the prior
# and the posterior are one and the same.
#
# Why does `mild_log_r` need so few random numbers? Each $z_i = a + c \, \varepsilon_i$. Completing the square once more gives
#
# $$\log r = D \left(\log c + \frac{a^2}{2 (c^2 - 1)}\right) -
# \frac{c^2 - 1}{2} \sum_i \left(\varepsilon_i + \frac{a c}{c^2 - 1}\right)^2,$$
#
# which depends on nothing but the squared distance of $\varepsilon$ from one point. So a draw needs two random numbers, not
# $D$: a normal one along the line to that point, and a $\chi^2$ across.

# %% [markdown]
# ### Stop in time
#
# `patience=10` ends the training of section 5 when ten epochs brought nothing better on the validation images, and restores the
# best weights. This takes about ten seconds the first time.

# %%
stopped, _ = fit_or_load(Recipe(name=f"stopped-{world}", patience=10, **long))
claim("11-train-greedy", marginals["training"], world=world, tolerance=2.0)
claim("11-test-greedy", marginals["test"], world=world, tolerance=3.0)
claim("11-test-stopped", log_marginal(stopped, test, k=200)[0], world=world, tolerance=1.5)
claim("11-train-images", len(train), world=world, tolerance=0, digits=0, unit="images")

# %% [markdown]
# On test images $\log p(x)$ is {{mnist:11-test-greedy}} nats for the long training and {{mnist:11-test-stopped}} for
# the one that was stopped. Compare with the {{mnist:11-vae-200}} of the model in section 4, which learned from
# {{mnist:11-train-images}} different images. It is not a clean comparison, since the network, the learning rate and the
# binarisation differ too. But images are the likeliest reason: so many are hard to learn by heart.
#
# The copier of section 7 has {{mnist:11-copier-train}} on its training images, where even this over-fitted VAE has only
# {{mnist:11-train-greedy}} on its own.

# %% [markdown]
# ### The gradient of the bound
#
# **Line 1** differentiates the logarithm of a sum of two weights, $w_1 = e^f$ and $w_2 = e^g$, with respect to a parameter
# $\theta$ that both depend on. **Line 2** checks six draws and two parameters, mean and log variance of $q$, through
# reparameterised draws whose noise $\varepsilon$ is held fixed. The parameters of a network are reached from there by the chain
# rule.

# %%
gradient = Derivation("The gradient of the bound")
theta = sympy.Symbol("theta", real=True)
f, g = sympy.Function("f")(theta), sympy.Function("g")(theta)
w_1, w_2 = sympy.exp(f), sympy.exp(g)
two = (w_1 * f.diff(theta) + w_2 * g.diff(theta)) / (w_1 + w_2)
gradient.algebra("slope of log(w1 + w2) = s1 f' + s2 g'", sympy.log(w_1 + w_2).diff(theta), two)

place = torch.tensor([1.0, -0.5], dtype=torch.float64)  # mean and log variance of q
eps = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def log_weights_at(place):
    z = (place[0] + torch.exp(0.5 * place[1]) * eps).unsqueeze(1)
    log_q = Normal(place[0], torch.exp(0.5 * place[1])).log_prob(z[:, 0])
    return line.prior().log_prob(z) + line.likelihood(z).log_prob(x[0]) - log_q


whole = torch.autograd.functional.jacobian(lambda p: iwae_bound(log_weights_at(p).unsqueeze(1))[0], place)
single = torch.autograd.functional.jacobian(log_weights_at, place)
shares = torch.softmax(log_weights_at(place), 0)
gradient.step("gradient of the bound = sum_j s_j grad log w_j", whole, shares @ single)

# %% [markdown]
# ### The table from scratch
#
# Train two more models: the ELBO with five draws, and $\mathcal L_5$, with the same start, images and schedule as the model of
# section 4. Each takes about twenty seconds the first time.

# %%
models = {"vae-1": vae}
for key in ("vae-5", "iwae-5"):
    recipe = Recipe(
        name=f"{key}-{world}", build=lambda: network(pixel_means), loss=loss_of(rows[key]), epochs=epochs, **settings
    )
    models[key], _ = fit_or_load(recipe)

# %% [markdown]
# At {{mnist:11-share}}% of the paper's training, does the order of the table show?

# %%
from vae_course.studies.replicate.table import seconds_per_step, table

results = {key: measure(rows[key], models[key], test, draws=200, device=device) for key in models}
print(table(list(results.values())))

# %% [markdown]
# The columns: $-\log p(x)$ here with its standard error and as published, then **active units**, dimensions whose
# encoder mean has a variance above 0.01 over the images, here and published. Ours are many more: so early, most
# dimensions have not been switched off yet. The last column is a row's $-\log p(x)$ minus that of the first row, paired, so
# below zero is better. (The published columns are for MNIST. If you use pen digits, only the order can be compared.)

# %%
each = {key: -result.nlls for key, result in results.items()}
gain, error = compare(each["iwae-5"], each["vae-1"])
claim("11-iwae-over-vae-1", gain, world=world, tolerance=0.7, digits=2)
claim("11-iwae-over-vae-1-se", error, world=world, tolerance=0.03, digits=2)
unpaired = math.hypot(standard_error(each["iwae-5"]), standard_error(each["vae-1"]))
claim("11-unpaired-se", unpaired, world=world, tolerance=0.2)
gain, error = compare(each["iwae-5"], each["vae-5"])
claim("11-iwae-over-vae-5", gain, world=world, tolerance=0.6, digits=2)
claim("11-iwae-over-vae-5-se", error, world=world, tolerance=0.03, digits=2)

# %% [markdown]
# IWAE with $k = 5$ beats the VAE with $k = 1$ by {{mnist:11-iwae-over-vae-1}} ± {{mnist:11-iwae-over-vae-1-se}} nats. Without
# pairing the standard error would be {{mnist:11-unpaired-se}}, and little could be said.
#
# But is it the *bound* that helps, or only having five draws? The fair rival is the VAE with $k = 5$. IWAE's lead over it is
# {{mnist:11-iwae-over-vae-5}} ± {{mnist:11-iwae-over-vae-5-se}} nats, where the paper has 0.93. At this share of the training a
# lead like the paper's **does not show**: what has helped so far is above all to have more draws, and not to have them inside
# the logarithm. (The standard error over images knows of one training only. Another seed would move the difference too, and may
# turn its sign; this lesson does not measure by how much.) A guess at the reason, in keeping with the experiment of section 6:
# early in a training, the decoder learns what digits look like, and both losses teach it that. The bound would matter later,
# when the shape of the posterior is what is left to gain.
#
# The full schedule (eight learning rates, 3,280 epochs, batches of 20) is one command. It says first how long it will
# take, goes on where it was interrupted, and prints the table at its end:
#
# ```
# vae-course replicate iwae --full
# ```
#
# `--epochs 4` or `--steps 1000` runs the beginning only, `--only iwae-5` a single row. How long would it take on your machine?

# %%
steps = EPOCHS * IMAGES // 20
for key in ("vae-1", "iwae-5", "iwae-50"):
    hours = steps * seconds_per_step(rows[key], train[:20], device) / 3600
    print(f"{rows[key].name}: {steps:,} steps, about {hours:,.0f} hours on this processor")

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (bias, spread, equal, gradient):
    display(derivation.summary())

# %% [markdown]
# ### The same on pen digits
#
# | section | what (nats, unless it says otherwise) | MNIST | pen digits |
# |---|---|---|---|
# | 4 | bound with 1 draw; with 200; the gain | {{mnist:11-vae-elbo}}; {{mnist:11-vae-200}}; {{mnist:11-vae-gain}} | {{pen:11-vae-elbo}}; {{pen:11-vae-200}}; {{pen:11-vae-gain}} |
# | 4 | from 50 to 200 draws; standard error | {{mnist:11-vae-last-step}}; {{mnist:11-vae-error}} | {{pen:11-vae-last-step}}; {{pen:11-vae-error}} |
# | 4 | noise of 50 draws; of 200 images | {{mnist:11-noise-draws}}; {{mnist:11-noise-images}} | {{pen:11-noise-draws}}; {{pen:11-noise-images}} |
# | 4 | effective sample size (of 200 draws) | {{mnist:11-vae-ess}} | {{pen:11-vae-ess}} |
# | 5 | loss at the end: training; validation | {{mnist:11-last-train}}; {{mnist:11-last-val}} | {{pen:11-last-train}}; {{pen:11-last-val}} |
# | 5 | lowest validation loss; its epoch | {{mnist:11-best-val}}; {{mnist:11-best-epoch}} | {{pen:11-best-val}}; {{pen:11-best-epoch}} |
# | 5 | training over test: $\log p(x)$ | {{mnist:11-decoder-overfit}} | {{pen:11-decoder-overfit}} |
# | 5 | gap: training; test | {{mnist:11-gap-train}}; {{mnist:11-gap-test}} | {{pen:11-gap-train}}; {{pen:11-gap-test}} |
# | 5 | gain of a $q$ of its own: training; test; how many times as much | {{mnist:11-refine-train}}; {{mnist:11-refine-test}}; {{mnist:11-refine-ratio}} | {{pen:11-refine-train}}; {{pen:11-refine-test}}; {{pen:11-refine-ratio}} |
# | 5 | 300 test images: ELBO of their own $q$; encoder's 200 draws; lead | {{mnist:11-refined-elbo}}; {{mnist:11-refined-200}}; {{mnist:11-refined-lead}} | {{pen:11-refined-elbo}}; {{pen:11-refined-200}}; {{pen:11-refined-lead}} |
# | 6 | share of the paper's training (%) | {{mnist:11-share}} | {{pen:11-share}} |
# | 6 | gain of $\mathcal L_5$ over the ELBO; standard error | {{mnist:11-further-gain}}; {{mnist:11-further-se}} | {{pen:11-further-gain}}; {{pen:11-further-se}} |
# | 6 | with a $q$ for each image; standard error | {{mnist:11-further-own-gain}}; {{mnist:11-further-own-se}} | {{pen:11-further-own-gain}}; {{pen:11-further-own-se}} |
# | 6 | what a $q$ of its own wins: VAE; IWAE | {{mnist:11-own-vae}}; {{mnist:11-own-iwae}} | {{pen:11-own-vae}}; {{pen:11-own-iwae}} |
# | 6 | ELBO of the VAE above that of the IWAE | {{mnist:11-further-elbo}} | {{pen:11-further-elbo}} |
# | 7 | the VAE with 99% noise; share of the distance from noise (%) | {{mnist:11-mixture}}; {{mnist:11-mixture-share}} | {{pen:11-mixture}}; {{pen:11-mixture-share}} |
# | 7 | copies: test; training; biased coins: test | {{mnist:11-copier-test}}; {{mnist:11-copier-train}}; {{mnist:11-biased-coins}} | {{pen:11-copier-test}}; {{pen:11-copier-train}}; {{pen:11-biased-coins}} |
# | deeper | over-fitted: training; test; stopped: test | {{mnist:11-train-greedy}}; {{mnist:11-test-greedy}}; {{mnist:11-test-stopped}} | {{pen:11-train-greedy}}; {{pen:11-test-greedy}}; {{pen:11-test-stopped}} |
# | deeper | different training images | {{mnist:11-train-images}} | {{pen:11-train-images}} |
# | deeper | IWAE, $k = 5$, over VAE, $k = 1$; standard error; unpaired | {{mnist:11-iwae-over-vae-1}}; {{mnist:11-iwae-over-vae-1-se}}; {{mnist:11-unpaired-se}} | {{pen:11-iwae-over-vae-1}}; {{pen:11-iwae-over-vae-1-se}}; {{pen:11-unpaired-se}} |
# | deeper | IWAE, $k = 5$, over VAE, $k = 5$; standard error | {{mnist:11-iwae-over-vae-5}}; {{mnist:11-iwae-over-vae-5-se}} | {{pen:11-iwae-over-vae-5}}; {{pen:11-iwae-over-vae-5-se}} |
