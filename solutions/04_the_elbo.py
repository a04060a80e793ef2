# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 The ELBO
#
# Lesson 03 ended with a number that you can compute without the posterior, and with an unknown constant. Here the constant
# gets its name, $\log p(x)$, and the number becomes the **evidence lower bound**, or ELBO: it never lies above $\log p(x)$.
# You derive it twice, and then meet it as the lowest rung of a ladder of bounds.

# %% [markdown]
# **After this lesson you can**
# - derive the ELBO by Jensen's inequality and from a KL, and say how importance weighting raises it,
# - say what lies between the bound and $\log p(x)$, and when it vanishes,
# - say what changes when $q$ moves, and what when the model moves,
# - write the ELBO in two forms and say what each of their terms rewards,
# - spot a lost sign in a published loss, and show what it does.
#
# **You need first:** [lesson 02](02_latent_variable_models.ipynb) (prior, likelihood, posterior, the exact worlds) and
# [lesson 03](03_kl_and_variational_inference.ipynb) (the KL, its form for Gaussians, and variational inference).
#
# **Time:** No cell takes longer than 5 seconds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x$ | what is observed | `x` | a whole number in the world of urns, else `[B, X]` |
# | $z$ | the code behind it | `z` | 0, 1, 2 in the world of urns; `[G]` on a grid; `[L, B, D]` for $L$ draws |
# | $p(x, z)$ | joint: prior times likelihood | `joint`, `log_joint` | `[K]`; `[G]`; `[L, B]` |
# | $\log p(x)$ | log marginal, also called the evidence | `log_px` | one number, or `[B]` |
# | $q(z)$ | a distribution over codes that we choose | `q`, `log_q` | `[K]`; `[G]`; `[L, B]` |
# | $\mu, \log \sigma^2$ | mean and log variance of a Gaussian $q$ | `mu`, `logvar` | `[B, D]` each |
# | $w$ | weight $p(x, z) / q(z)$ | `w`, `log_w` | as the joint |
# | $\log p(x \mid z)$ | log-likelihood | `log_px_z` | `[G]`; `[L, B]` |
# | $\mathrm{KL}(q \,\Vert\, p(z))$ | divergence of $q$ from the prior | `kl` | `[B]` |
# | $\mathcal L(q)$ | the ELBO of $q$ | `elbo` | one number, or `[B]` |
# | $\theta, \phi$ | parameters of the model; those of the network that gives $q$ | | |

# %% [markdown]
# ## 1 What we want, and one free choice
#
# A latent-variable model draws a code $z$ from the prior $p(z)$ and then $x$ from the likelihood $p(x \mid z)$. How
# probable is the $x$ that we see?
#
# $$p(x) = \int p(x, z) \, dz, \qquad p(x, z) = p(z) \, p(x \mid z).$$
#
# With 20 latent dimensions and a neural network for $p(x \mid z)$, nobody can compute this integral. So we begin where the
# integral is a sum of three terms.

# %%
import math

import sympy
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from vae_course import exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian
from vae_course.derivations import Derivation, standard_error

_ = torch.manual_seed(0)

# %% [markdown]
# **The world of urns.** There are three urns, $z = 0, 1, 2$. Somebody picks one with probabilities 0.5, 0.3 and 0.2, and
# draws a ball from it: red ($x = 0$) or blue ($x = 1$). Urn 0 holds 10% red balls, urn 1 50%, urn 2 80%. You see a
# red ball, but not the urn.
#
# Now the free choice. Take **any** distribution $q(z)$ over the codes, good or bad. For now it shall give some probability
# to each code that can produce $x$. Take a bad one: after seeing a red ball it still bets on urn 0. Its **weights** compare
# the joint with it, code by code:
#
# $$w(z) = \frac{p(x, z)}{q(z)}.$$

# %% tags=["nbval-check-output"]
p_z = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
p_x_z = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]], dtype=torch.float64)
urns = DiscreteWorld(p_z, p_x_z)
x_urns = 0
joint = urns.joint()[:, x_urns]
q = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
w = joint / q
for z in range(3):
    print(f"urn {z}: p(x, z) = {joint[z]:.2f}, q(z) = {q[z]:.1f}, w(z) = {w[z]:.3f}")

# %% [markdown]
# The joint adds up to $p(x) = 0.36$: in 36 of 100 games the ball is red. Divided by that sum it is the posterior
# $p(z \mid x)$. A weight is high where $q$ gives less than the joint asks for: here at urn 2.

# %% [markdown]
# ## 2 First derivation: Jensen's inequality
#
# A `Derivation` computes both sides of each line and stops the notebook if they differ. Where one side is a mean over draws, the
# two may lie up to four standard errors apart.
#
# **Line 1** is what marginalising means: the probability of red is a sum over the urns. **Line 2** multiplies and divides
# each term by $q(z)$. What was a plain sum becomes an expectation under $q$. **Line 3** takes logarithms, because $p(x)$ of an
# image is far too small a number to work with:
#
# $$p(x) = \sum_z p(z) \, p(x \mid z), \qquad \sum_z p(x, z) = \sum_z q(z) \, \frac{p(x, z)}{q(z)} = \mathbb E_{q}[w(z)],
# \qquad \log p(x) = \log \mathbb E_q[w(z)].$$

# %%
jensen = Derivation("The ELBO by Jensen's inequality")
jensen.step("p(x) = sum_z p(z) p(x|z)", urns.marginal()[x_urns], sum(p_z[k] * p_x_z[k, x_urns] for k in range(3)))
jensen.step("sum_z p(x, z) = E_q[w(z)]", joint.sum(), q @ w)
log_px_urns = urns.marginal()[x_urns].log()
jensen.step("log p(x) = log E_q[w(z)]", log_px_urns, torch.logsumexp(q.log() + w.log(), 0))

# %% [markdown]
# The expectation sits inside the logarithm, and a few draws estimate a mean without bias, but not the logarithm of a mean.
# It would be convenient to swap the two.
#
# Predict: is the mean of the logarithms, $\mathbb E_q[\log w]$, larger than the logarithm of the mean, smaller, or equal?

# %%
from vae_course.plotting.elbo import jensen as jensen_picture

jensen_picture(w, q)

# %% [markdown]
# Each dot is one urn; the larger its area, the larger $q(z)$. The upper diamond sits on the curve above the mean weight: it
# is $\log \mathbb E_q[w] = \log p(x)$. The lower diamond is the weighted mean of the dots' heights, $\mathbb E_q[\log w]$.
# The orange bar is what swapping costs: the logarithm bends downwards, so the mean of the logarithms is the smaller one.
#
# This is Jensen's inequality from lesson 03. The dashed line is the **tangent** at the mean $m = \mathbb E_q[w]$, and a curve
# that bends downwards lies below its tangents.
#
# $$t(w) = \log m + \frac{w - m}{m} \;\ge\; \log w \quad \text{for every } w > 0.$$
#
# **Line 4**: the mean of the tangent is the height of the curve at $m$, because $w - m$ averages to zero:
#
# $$\mathbb E_q[t(w)] = \log m = \log \mathbb E_q[w].$$
#
# **Line 5** subtracts $\mathbb E_q[\log w]$ on both sides. With $r = w / m$, the difference $t(w) - \log w$ is the bracket of
# lesson 03, $r - 1 - \log r$, which is never negative:
#
# $$\log \mathbb E_q[w] - \mathbb E_q[\log w] = \mathbb E_q[\, r - 1 - \log r \,] \;\ge\; 0.$$

# %%
m = q @ w
tangent = m.log() + (w - m) / m
jensen.step("E_q[t(w)] = log E_q[w]", q @ tangent, m.log())
r = w / m
terms = r - 1 - r.log()
jensen.step("log E_q[w] - E_q[log w] = E_q[r - 1 - log r]", m.log() - q @ w.log(), q @ terms)
assert (tangent >= w.log()).all() and (terms >= 0).all()

# %% [markdown]
# So $\mathbb E_q[\log w]$ is a lower bound on $\log p(x)$. It has a name: the ELBO of $q$.
#
# $$\boxed{\;\log p(x) \;\ge\; \mathcal L(q) = \mathbb E_q\big[\log p(x, z) - \log q(z)\big]\;}$$
#
# **Line 6** checks with sympy that $\log w$ is what stands in this bracket. **Line 7** compares $\mathbb E_q[\log w]$ with the
# package's `elbo`.

# %%
P, X, Q = sympy.symbols("p_z p_x_z q", positive=True)  # p(z), p(x | z) and q(z) for one z
apart = sympy.log(P) + sympy.log(X) - sympy.log(Q)
jensen.algebra("log w = log p(z) + log p(x|z) - log q(z)", sympy.log(P * X / Q), apart)
jensen.step("E_q[log w] = ELBO", q @ w.log(), urns.elbo(x_urns, q))
claim("04-urns-log-px", log_px_urns, world="any", tolerance=0.005, digits=2)
claim("04-urns-elbo", urns.elbo(x_urns, q), world="any", tolerance=0.005, digits=2)

# %% [markdown]
# For the urns, $\log p(x)$ is {{any:04-urns-log-px}} nats and the bound with our bad $q$ is {{any:04-urns-elbo}}.

# %% [markdown]
# ### The same with an integral
#
# Nothing in lines 1 to 7 needed the codes to be few. Replace the sum by an integral, and they hold for a continuous $z$.
# **The world of two hills** is the one at the end of lesson 03. Two regions of $z$ explain the same $x$:
#
# $$z \sim \mathcal N(0, 1), \qquad x = z^2 + \tfrac12 z + 0.7 \cdot \text{noise}.$$
#
# We see $x = 2$. Both $z \approx 1.2$ and $z \approx -1.7$ give $z^2 + \frac12 z \approx 2$. As $q$ take the prior,
# $\mathcal N(0, 1)$. `integrate` sums over a fine grid (quadrature), and **line 8** is lines 1 to 3 in one,
# $\log p(x) = \log \int q(z) \, w(z) \, dz$; its left side sums over another, coarser grid.

# %%
hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7, half_width=20.0, n_points=2001)
x_hills = torch.tensor([[2.0]], dtype=torch.float64)
mean, log_variance = torch.zeros(2, 1, 1, dtype=torch.float64)


def integrate(values):
    return values.sum(-1) * hills.step


log_q_hills = Normal(mean, torch.exp(0.5 * log_variance)).log_prob(hills.grid)[0]
log_w_hills = hills.log_joint(x_hills)[0] - log_q_hills
log_px_hills = GridWorld(hills.f, hills.sigma, n_points=801).log_marginal(x_hills)[0]
inside = integrate(log_q_hills.exp() * log_w_hills.exp())
jensen.step("log p(x) = log of the integral of q w", log_px_hills, inside.log(), how="quadrature")

# %% [markdown]
# ### Your turn: the bound on tables
#
# Write the ELBO of one observation for any tables. One trap: a $q$ may give a code the probability zero. Such a code is
# never drawn, so it contributes nothing, yet $0 \cdot \log 0$ is `nan` on a computer.

# %% exercise="04-elbo-discrete"

# %% [markdown]
# Try it on five choices of $q$. Predict: which of them comes closest to $\log p(x)$? Does any reach it?

# %%
posterior = urns.posterior()[x_urns]
choices = {
    "our bad q": q,
    "uniform": torch.full((3,), 1 / 3, dtype=torch.float64),
    "prior": p_z,
    "surely urn 2": torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64),
    "posterior": posterior,
}
bounds = [elbo_discrete(p_z, p_x_z, choice, x_urns) for choice in choices.values()]
values = torch.stack([*bounds, log_px_urns])
plotting.dots([*choices, "log p(x)"], values, xlabel="nats", highlight=["log p(x)"], digits=3)

# %% [markdown]
# One choice reaches $\log p(x)$: the posterior. The others stay below. Betting everything on the most likely urn is worse
# than the uniform $q$. It also breaks the condition of section 1, for it leaves out urns that can produce a red ball. Its mean
# weight $\mathbb E_q[w]$ adds up a part of the joint only and is smaller than $p(x)$, so the bound holds all the more.
#
# When does the gap of line 5 vanish? Each of its brackets must be zero, so the weight must be the same at every code, and
# $q$ proportional to the joint: that is the posterior.

# %% [markdown]
# ## 3 Second derivation: expand the KL to the posterior
#
# Start from the other end. Lesson 03 measured how far a $q$ is from the posterior by a KL, and found that this KL differs
# from a computable $F(q)$ by a constant. Now look at the constant. **Line 1** is the definition of the KL, **line 2** Bayes'
# rule in logarithms:
#
# $$\mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big) = \mathbb E_q\big[\log q(z) - \log p(z \mid x)\big],
# \qquad \log p(z \mid x) = \log p(x, z) - \log p(x).$$
#
# **Line 3** puts line 2 into line 1. **Line 4** takes $\log p(x)$ out of the expectation, for it does not depend on $z$:
#
# $$\mathrm{KL} = \mathbb E_q\big[\log q(z) - \log p(x, z) + \log p(x)\big]
# = \mathbb E_q\big[\log q(z) - \log p(x, z)\big] + \log p(x).$$

# %%
expansion = Derivation("The ELBO by expanding the KL to the posterior")
kl_post = kl_divergence(Categorical(q), Categorical(posterior))
expansion.step("KL(q || p(z|x)) = E_q[log q - log p(z|x)]", kl_post, q @ (q.log() - posterior.log()))
expansion.step("log p(z|x) = log p(x, z) - log p(x)", posterior.log(), joint.log() - log_px_urns)
inside = q @ (q.log() - joint.log() + log_px_urns)
expansion.step("KL(q || p(z|x)) = E_q[log q - log p(x, z) + log p(x)]", kl_post, inside)
outside = q @ (q.log() - joint.log()) + log_px_urns
expansion.step("E_q[... + log p(x)] = E_q[log q - log p(x, z)] + log p(x)", inside, outside)

# %% [markdown]
# The expectation that is left is the $F(q)$ of lesson 03, and it is minus the ELBO. The constant is $\log p(x)$. **Line 5**
# moves the expectation to the other side:
#
# $$\boxed{\;\log p(x) = \mathcal L(q) + \mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big)\;}$$
#
# **Line 6** notes what this says about section 2: Jensen's gap *is* that KL.

# %%
expansion.step("log p(x) = ELBO + KL(q || p(z|x))", log_px_urns, urns.elbo(x_urns, q) + kl_post)
expansion.step("Jensen's gap = KL(q || p(z|x))", q @ terms, kl_post)
claim("04-urns-gap", kl_post, world="any", tolerance=0.005, digits=2)

# %% [markdown]
# No inequality was used. The bound follows at the end, because a KL is never negative, and zero only where its two
# distributions are equal. So
#
# - $\mathcal L(q) \le \log p(x)$ for each $q$, with equality for $q(z) = p(z \mid x)$ and no other;
# - the gap, here {{any:04-urns-gap}} nats, measures how far $q$ is from the posterior.
#
# If $q$ moves, what the ELBO gains the gap loses, and their sum stays. The model gives $x$ its probability; $q$ has no say in
# it.

# %% [markdown]
# ### What moves when the model moves
#
# Training moves the model too. Write $\theta$ for its parameters:
# $\log p_\theta(x) = \mathcal L(q, \theta) + \mathrm{KL}\big(q(z) \,\Vert\, p_\theta(z \mid x)\big)$. Hold $q$ still and
# take a step in $\theta$ that raises the ELBO. Predict: must $\log p_\theta(x)$ rise as well?
#
# The smallest example has one latent and one observed number, $x = z + \sigma \varepsilon$, and one parameter,
# $\theta = \sigma^2$. We see $x = 1$, and $q$ is the prior. Here the ELBO is a formula, and so are the posterior and
# $p_\theta(x) = \mathcal N(x; 0, 1 + \sigma^2)$.


# %%
def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def posterior_of(x, variance):
    return Normal(x / (1 + variance), (variance / (1 + variance)).sqrt())


def bound_of_model(q, x, variance):
    """Reconstruction minus KL, in closed form."""
    missed = (x - q.mean).square() + q.variance
    price = kl_divergence(q, Normal(0.0 * q.mean, 1.0))
    return -0.5 * ((2 * math.pi * variance).log() + missed / variance) - price


before_after = numbers(0.5, 2.0)
prior = Normal(numbers(0.0), 1.0)
log_p = Normal(0.0, (1 + before_after).sqrt()).log_prob(numbers(1.0))
bounds = bound_of_model(prior, 1.0, before_after)
model_gap = kl_divergence(prior, posterior_of(1.0, before_after))
moves = Derivation("What moves when the model moves")
moves.step("log p(x) = ELBO + KL(q || p(z|x)), sigma^2 = 0.5 and 2", log_p, bounds + model_gap)
for name, values in (("elbo", bounds), ("log-p", log_p)):
    for at, word in enumerate(("before", "after")):
        claim(f"04-moves-{name}-{word}", values[at], world="any", tolerance=0.005, unit=word, digits=2)

# %% [markdown]
# It need not. From $\sigma^2 = 0.5$ to 2 the ELBO rises from {{any:04-moves-elbo-before}} to {{any:04-moves-elbo-after}}
# nats, while $\log p_\theta(x)$ *falls* from {{any:04-moves-log-p-before}} to {{any:04-moves-log-p-after}}. The gradient of
# the ELBO has two parts,
#
# $$\nabla_\theta \mathcal L = \nabla_\theta \log p_\theta(x)
# - \nabla_\theta \mathrm{KL}\big(q(z) \,\Vert\, p_\theta(z \mid x)\big),$$
#
# and this step gains by the second alone: it bends the posterior towards $q$, and the model pays for it.
#
# When is a step safe? When the gap was zero before it. The gap can't go below zero, so whatever the ELBO gains then,
# $\log p_\theta(x)$ gains at least as much. The **EM algorithm** takes such steps only. E step: set $q$ to the posterior, so
# that the bound touches $\log p_\theta(x)$. M step: hold $q$ still and go to the top of the bound. Watch two rounds of it at
# $x = 2$, from $\sigma^2 = 12$.

# %%
variance = torch.linspace(1.8, 14, 400, dtype=torch.float64)
curves = {"log p(x)": Normal(0.0, (1 + variance).sqrt()).log_prob(numbers(2.0))}
at, touched = numbers(12.0), []
for name in ("first bound", "second bound"):
    q_model = posterior_of(2.0, at)  # E step
    curves[name] = bound_of_model(q_model, 2.0, variance)
    touching = Normal(0.0, (1 + at).sqrt()).log_prob(numbers(2.0))
    moves.step(f"the {name} touches log p(x)", bound_of_model(q_model, 2.0, at), touching)
    touched.append((at.item(), touching.item()))
    at = (2.0 - q_model.mean).square() + q_model.variance  # M step: the top of this bound
fig = plotting.lines(variance, curves, xlabel="sigma^2, the model's parameter", ylabel="nats, for x = 2")
fig.axes[0].plot(*zip(*touched, strict=True), "o", color="black")
fig

# %% [markdown]
# Each bound touches $\log p_\theta(x)$ once, at the dot where its round began, and lies below it everywhere else. Its top
# lies nearer to the top of the curve, and there the next bound takes over.
#
# A VAE takes neither step to its end: it moves the model and $q$ together, a little each time. Nor does it search for the $q$
# of each image. One network, the encoder with parameters $\phi$, reads an image and returns its $q$. That is
# **amortised inference**:

# %%
from vae_course.plotting.worlds import graphical_model

graphical_model(parameters=True)

# %% [markdown]
# The solid arrows are the model, the dashed ones the way back. $\theta$ and $\phi$ stand outside the plate: all images share
# them. The bound of one image reads
#
# $$\mathcal L(\theta, \phi) = \mathbb E_{q_\phi(z \mid x)}\big[\log p_\theta(x, z) - \log q_\phi(z \mid x)\big].$$
#
# **From here on the course drops both letters** unless they are what it is about. A bare $q(z)$, as in this lesson, is any
# distribution that we choose for the $x$ at hand.
#
# Two things keep the encoder's $q$ away from the posterior. Its Gaussian family may not hold it (the **approximation gap**).
# And the encoder may not return the best member of that family for each image (the **amortisation gap**). Lesson 11 measures
# the second.

# %% [markdown]
# ### In any dimension
#
# **The linear-Gaussian world**, $z \sim \mathcal N(0, I)$ and $x = W z + b + \sigma \cdot \text{noise}$, has as many latent
# dimensions as you like, and everything in it is known in closed form. Take two latent dimensions, three observed ones, and
# $B = 4$ observations at once. The $q$ is not the posterior: its mean is shifted by 0.3 and its variances are half as large
# again. Draw $L = 100{,}000$ codes from it for each observation. From now on an expectation under $q$ is a mean over these
# draws, as it will be in a VAE.

# %%
W = torch.tensor([[1.0, 0.5], [0.0, 1.0], [-0.8, 0.6]], dtype=torch.float64)
linear = LinearGaussian(W, torch.tensor([0.5, -0.5, 0.0], dtype=torch.float64), 0.7)
_, x = linear.sample(4, generator=torch.Generator().manual_seed(1))
log_px = linear.log_marginal(x)
mu = linear.posterior(x).mean + 0.3
logvar = (1.5 * linear.posterior(x).variance).log()
q_world = linear.with_posterior(mu, logvar)
q_dist = q_world.posterior(x)
z = q_dist.sample((100_000,))
log_q, log_px_z = q_dist.log_prob(z), linear.likelihood(z).log_prob(x)
log_joint = linear.prior().log_prob(z) + log_px_z
print("log_joint, log_q:", tuple(log_joint.shape), tuple(log_q.shape))

# %% [markdown]
# ### Your turn: the gap from draws
#
# Turn line 4 of this section, $\mathrm{KL} = \mathbb E_q[\log q(z) - \log p(x, z)] + \log p(x)$, into an estimate. You are
# given $\log p(x)$ and, at each draw, $\log p(x, z)$ and $\log q(z)$.

# %% exercise="04-gap"

# %% [markdown]
# **Line 7** of the second derivation holds your estimate against the KL between two Gaussians, which torch knows in closed form.

# %%
kl_post = kl_divergence(q_dist, linear.posterior(x))
error = standard_error(log_q - log_joint)
estimate = gap(log_px, log_joint, log_q)
formula = "mean of log q - log p(x, z), + log p(x) = KL(q || p(z|x))"
expansion.step(formula, estimate, kl_post, standard_error=error)

# %% [markdown]
# ## 4 Move q yourself
#
# Back to the two hills. The posterior is grey, and $q$ is a Gaussian. On the right, the black line is $\log p(x)$, the green
# column the ELBO, the hatched column the gap. Move $q$ and try these:
#
# 1. Can you push the green column through the black line?
# 2. Put $q$ on the left hill and press *Climb*, which follows the slope of the bound. Then from the right hill, and from the
#    prior (*Reset*). Where does each climb end?
# 3. Is there a setting without any gap? Press *Go to the optimum*.

# %%
from vae_course.studies.gaussian_fit import climb, optimum
from vae_course.widgets.elbo_playground import ELBOPlayground, picture

ELBOPlayground(hills, x_hills)

# %% [markdown]
# If nothing moves here, this picture shows four settings side by side: the prior, and where three climbs end.

# %%
ends = {"wide": (0.01, -0.41), "left": (-1.48, -2.50), "right": (1.03, -2.61)}
picture(hills, x_hills, {"prior": (0.0, 0.0)} | ends)

# %% [markdown]
# The black line stays; below it, what one column gains the other loses. The climbs end where the descent of lesson 03 ended, for
# climbing the bound *is* descending the KL. And even the best keeps a gap, because no Gaussian has two hills. How large?

# %%
left, best = climb(hills, x_hills, -1.0, -2.0), optimum(hills, x_hills)
claim("04-hills-gap-left", left.gap, world="any", tolerance=0.01, digits=2)
claim("04-hills-gap-best", best.gap, world="any", tolerance=0.01, digits=2)

# %% [markdown]
# The best gap, on the right hill, is {{any:04-hills-gap-best}} nats, that on the left {{any:04-hills-gap-left}}.

# %% [markdown]
# ## 5 A ladder of bounds: importance weighting
#
# The first derivation swapped the logarithm and the mean. What if we do not swap them, and estimate the mean first?
#
# **Line 1**: draws from $q$, weighted by $w$, give $p(x)$ itself on average. Lesson 02 drew codes from the prior, the special
# case $q(z) = p(z)$. Drawing from another $q$ and correcting by the weight is called **importance weighting**:
#
# $$\mathbb E_q\big[w(z)\big] = \int q(z) \, \frac{p(x, z)}{q(z)} \, dz = p(x).$$
#
# A mean of $k$ weights has the same expectation. Take the logarithm of that mean, and the expectation after that:
#
# $$\mathcal L_k = \mathbb E\left[\log \frac1k \sum_{j=1}^k w(z_j)\right], \qquad z_1, \dots, z_k \sim q.$$
#
# By Jensen's inequality it is a lower bound on $\log p(x)$, for each $k$. **Line 2**: with one draw there is nothing to
# average, and $\mathcal L_1$ is the ELBO. On the urns this needs no draws, because *all* outcomes of $k$ draws can be
# listed: $3^k$ of them. `outcomes` gives each outcome's probability and its $k$ weights.


# %%
def outcomes(k):
    """All results of k draws from the bad q: probabilities [3^k] and weights [3^k, k]."""
    index = torch.cartesian_prod(*[torch.arange(3)] * k).reshape(-1, k)
    return q[index].prod(1), w[index]


def bound_of(k):
    probability, weights = outcomes(k)
    return probability @ weights.mean(1).log()


importance = Derivation("The ELBO by importance weighting")
log_w = log_joint - log_q
error = standard_error(log_w.exp())
importance.step("E_q[w] = p(x), from draws", log_w.exp().mean(0), log_px.exp(), standard_error=error)
importance.step("L_1 = ELBO", bound_of(1), urns.elbo(x_urns, q))
print({k: round(bound_of(k).item(), 3) for k in range(1, 8)})
print("log p(x)", round(log_px_urns.item(), 3))

# %% [markdown]
# More draws, a higher bound, and never above $\log p(x)$: a ladder of bounds, with the ELBO as its lowest rung. (Going deeper
# proves that it never falls.) One question before you look. On the two hills, compare the prior with the best $q$ of
# section 4, which sits on the right hill. With one draw the best $q$ has the higher bound, by definition. Will it still be
# the better one with 50 draws?

# %%
ks = [1, 2, 5, 10, 20, 50, 100, 200]
q_hills = {"prior": (0.0, 0.0), "best for k = 1": (best.mu, best.logvar)}
ladder = {"log p(x)": log_px_hills.expand(len(ks))}
for name, (mean, log_variance) in q_hills.items():
    pair = torch.tensor([[[mean]], [[log_variance]]], dtype=torch.float64)
    many_log_w = objectives.log_weights(hills.with_posterior(*pair), x_hills, k=400_000)
    bounds = [torch.logsumexp(many_log_w.view(-1, k), 1).mean() - math.log(k) for k in ks]
    ladder[name] = torch.stack(bounds)
claim("04-hills-prior-50", ladder["prior"][5], world="any", tolerance=0.02, digits=2)
claim("04-hills-best-50", ladder["best for k = 1"][5], world="any", tolerance=0.02, digits=2)
plotting.lines(ks, ladder, xlabel="draws k", ylabel="bound (nats)", logx=True, markers=True)

# %% [markdown]
# It is not. At $k = 50$ the prior gives {{any:04-hills-prior-50}}, close to $\log p(x)$, while the best $q$ for one draw
# stays at {{any:04-hills-best-50}}: it hardly ever draws from the left hill, so it never learns what it misses. A wide
# $q$ wastes many draws, but one good draw among fifty is enough. Lesson 11 uses large $k$ to find out how good a trained VAE
# is.

# %% [markdown]
# ## 6 Two forms of the same bound
#
# The ELBO is $\mathbb E_q[\log p(x, z) - \log q(z)]$. Group its three logarithms in two ways, and you get two readings.
#
# ### Reconstruction minus KL
#
# **Line 1** splits the joint into likelihood and prior, and puts the prior beside $q$. **Line 2**: the mean under $q$ of the
# bracket is a KL again, this time to the **prior**, and for a Gaussian $q$ you have its closed form.
#
# $$\log p(x, z) - \log q(z) = \log p(x \mid z) - \big(\log q(z) - \log p(z)\big), \qquad
# \mathbb E_q[\log q(z) - \log p(z)] = \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)$$

# %%
from vae_course.distributions import gaussian_kl

forms = Derivation("The two forms of the ELBO")
left, right = sympy.log(P * X) - sympy.log(Q), sympy.log(X) - (sympy.log(Q) - sympy.log(P))
forms.algebra("log [p(z) p(x|z)] - log q = log p(x|z) - (log q - log p(z))", left, right)
log_ratio = log_q - linear.prior().log_prob(z)
kl, error = gaussian_kl(mu, logvar), standard_error(log_ratio)
forms.step("E_q[log q - log p(z)] = KL(q || p(z))", log_ratio.mean(0), kl, standard_error=error)

# %% [markdown]
# Together they are the form that VAEs are trained with:
#
# $$\mathcal L(q) = \underbrace{\mathbb E_q[\log p(x \mid z)]}_{\text{reconstruction}} -
# \underbrace{\mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)}_{\text{price of the code}}$$
#
# The first term asks for codes that explain $x$ well. The second charges for every nat by which $q$ says more than the
# prior. Do not mix up the two KLs of this lesson: the **price** is a KL to the prior $p(z)$, the **gap** a KL to the
# posterior $p(z \mid x)$. You can compute the price.

# %% [markdown]
# ### Your turn: reconstruction minus KL
#
# The reconstruction term is an expectation, estimated by $L$ draws; the KL is a formula.

# %% exercise="04-elbo"

# %% [markdown]
# **Line 3**: your function on the draws of the linear-Gaussian world, against the truth.

# %%
first, error = elbo(log_px_z, kl), standard_error(log_px_z)
forms.step("mean of log p(x|z) - KL(q || p(z)) = log p(x) - gap", first, log_px - kl_post, standard_error=error)

# %% [markdown]
# ### Joint plus entropy
#
# The other grouping leaves the joint whole. What remains, $\mathbb E_q[-\log q(z)]$, is the **entropy** of $q$, written
# $H(q)$. It measures how spread out $q$ is:
#
# $$\mathcal L(q) = \mathbb E_q[\log p(x, z)] + H(q), \qquad H(q) = \mathbb E_q[-\log q(z)]
# = \tfrac12 \sum_{d=1}^D \big(1 + \log 2\pi + \log \sigma_d^2\big) \; \text{for a Gaussian } q.$$
#
# Going deeper derives the closed form, and there you write this form of the bound yourself.

# %% [markdown]
# ### What each term wants
#
# Keep $q$ on the right hill and change its width only. Predict, for each of the four terms, whether it rises or falls as
# $q$ widens. Which pairs pull against each other?

# %%
widths = torch.linspace(-5, -1, 41, dtype=torch.float64).unsqueeze(1)
centre = torch.full_like(widths, best.mu)
log_px_z_grid = hills.likelihood(hills.grid.unsqueeze(1)).log_prob(x_hills[0])
q_grid = Normal(centre, torch.exp(0.5 * widths)).log_prob(hills.grid).exp()
reconstruction, price = integrate(q_grid * log_px_z_grid), gaussian_kl(centre, widths)
expected = integrate(q_grid * hills.log_joint(x_hills))
spread = 0.5 * (1 + math.log(2 * math.pi) + widths).sum(-1)

# %%
fig, axes = plotting.figure(1, 2, height=3.4)
panels = {
    "reconstruction minus KL": {"reconstruction": reconstruction, "ELBO": reconstruction - price, "-KL": -price},
    "joint plus entropy": {"E[log p(x, z)]": expected, "ELBO": expected + spread, "entropy": spread},
}
for ax, (title, curves) in zip(axes[0], panels.items(), strict=True):
    plotting.lines(widths[:, 0], curves, xlabel="log variance of q", ylabel="nats", title=title, ax=ax)
fig

# %% [markdown]
# The ELBO is the same curve in both panels. On the left, a narrow $q$ reconstructs well and pays a high price. On the right,
# a narrow $q$ sits where the joint is high, but its entropy is low. In both, the best width lies between.
#
# Physicists know the right panel. Call $-\log p(x, z)$ the **energy** of $z$. Then $-\mathcal L(q)$ is the mean energy minus
# the entropy: the **free energy**, which a system in equilibrium minimises. Without the entropy, the best $q$ would be a spike on
# the single most probable code.

# %% [markdown]
# ## 7 The lost sign
#
# *Generative AI 4: Variational Autoencoders (VAEs)* (25 September 2024) explains both terms well, and then writes
# down what is to be minimised:
#
# $$\text{total loss} = \mathbb E_{q}[\log p(x \mid z)] + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)$$
#
# Something is wrong with it. Which way should each term go as the model gets better?
#
# See what it does. `descend` starts with a narrow $q$ between the two hills, at $\mu = 0.5$ and $\log\sigma^2 = -2$, and
# lets Adam minimise a loss, 40 steps. It records the loss and the ELBO of the same $q$.


# %%
def as_printed(log_px_z, kl):
    return {"loss": (log_px_z + kl).mean(), "reconstruction": log_px_z.mean(), "kl": kl.mean()}


def descend(loss_of, start=(0.5, -2.0)):
    """Loss and ELBO over 40 steps of Adam on mean and log variance of q, and where they end."""
    place = torch.tensor(start, dtype=torch.float64).reshape(2, 1, 1).requires_grad_()
    optimiser, history = torch.optim.Adam([place], lr=0.05), {"loss": [], "ELBO": []}
    for _ in range(40):
        mean, log_variance = place
        density = Normal(mean, torch.exp(0.5 * log_variance)).log_prob(hills.grid).exp()
        log_px_z, kl = integrate(density * log_px_z_grid), gaussian_kl(mean, log_variance)
        loss = loss_of(log_px_z, kl)["loss"]
        history["loss"].append(loss.item())
        history["ELBO"].append((log_px_z - kl).item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return history, tuple(place.flatten().tolist())


# %% [markdown]
# Predict: the loss as printed is minimised, and it falls. What happens to the ELBO?

# %%
printed, printed_q = descend(as_printed)
curves = printed | {"log p(x)": [log_px_hills.item()] * 40}
plotting.lines(range(1, 41), curves, xlabel="step of Adam", ylabel="nats", title="minimised: the loss as printed")

# %% [markdown]
# The loss falls, as in a training that goes well. But the bound falls with it, away from $\log p(x)$. The sum rewards a low
# log-likelihood, so $q$ looks for codes that do *not* explain $x$. A log-likelihood should go up, a KL
# down. They cannot stand in one sum with the same sign.
#
# ### Your turn: find the sign
#
# Repair `as_printed`, so that its loss is a thing to minimise. Give the first part a name that says its sign: a
# *reconstruction* that adds to the loss is a **negative** log-likelihood.

# %% exercise="04-sign"

# %% [markdown]
# The same descent with your loss:

# %%
mended, mended_q = descend(total_loss)
curves = mended | {"log p(x)": [log_px_hills.item()] * 40}
plotting.lines(range(1, 41), curves, xlabel="step of Adam", ylabel="nats", title="minimised: the loss with its sign")

# %% [markdown]
# Now the loss is the mirror image of the ELBO. It falls, the bound rises towards $\log p(x)$ and stops below it, by the
# gap that no Gaussian closes. Where did the two descents lead $q$?

# %%
claim("04-sign-printed", printed["ELBO"][-1], world="any", tolerance=0.05, digits=2)
claim("04-sign-mended", mended["ELBO"][-1], world="any", tolerance=0.05, digits=2)
picture(hills, x_hills, {"start": (0.5, -2.0), "printed": printed_q, "mended": mended_q})

# %% [markdown]
# The loss as printed leads $q$ into the valley between the hills, and the ELBO down to {{any:04-sign-printed}} nats. With its
# sign, the loss leads it onto the higher hill, where the ELBO is {{any:04-sign-mended}}. In this course a name says its sign:
# `elbo` is maximised, `loss = -elbo` is minimised.

# %% [markdown]
# ## 8 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("04", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("04")

# %%
exercises.progress("04")

# %% [markdown]
# ## Summary
#
# > $$\mathcal L(q) = \mathbb E_q\big[\log p(x, z) - \log q(z)\big] \;\le\; \log p(x) \quad \text{for every } q$$
# >
# > $$\log p(x) = \mathcal L(q) + \mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big) \qquad \text{equality for } q(z) = p(z \mid
# > x)$$
# >
# > $$\mathcal L_k = \mathbb E\left[\log \tfrac1k \textstyle\sum_j w(z_j)\right], \quad w = p(x, z) / q(z),
# > \quad \mathcal L = \mathcal L_1 \le \mathcal L_2 \le \dots \le \log p(x)$$
# >
# > $$\mathcal L(q) = \mathbb E_q[\log p(x \mid z)] - \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big) =
# > \mathbb E_q[\log p(x, z)] + H(q)$$
# >
# > $$\text{loss} = -\mathcal L = -\mathbb E_q[\log p(x \mid z)] + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)$$
# >
# > Moving $q$ moves the ELBO and the gap, never $\log p(x)$. Moving the model moves all three. A log-likelihood goes up, a
# > KL goes down.

# %%
plotting.summary("04")

# %% [markdown]
# **Sources.** M. I. Jordan, Z. Ghahramani, T. S. Jaakkola and L. K. Saul, [*An Introduction to Variational Methods for
# Graphical Models*](https://doi.org/10.1023/A:1007665907178), Machine Learning 37, 1999. D. P. Kingma and M. Welling,
# [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014, section 2.2. Y. Burda, R. Grosse and R.
# Salakhutdinov, [*Importance Weighted Autoencoders*](https://arxiv.org/abs/1509.00519), ICLR 2016, section 3 and appendix A,
# for the bound with $k$ draws. R. M. Neal and G. E. Hinton, [*A View of the EM Algorithm that Justifies Incremental, Sparse,
# and Other Variants*](https://doi.org/10.1007/978-94-011-5014-9_12), in M. I. Jordan (ed.), Learning in Graphical Models, 1998,
# for the free energy and EM. A. P. Dempster, N. M. Laird and D. B. Rubin, [*Maximum Likelihood from Incomplete Data via the EM
# Algorithm*](https://doi.org/10.1111/j.2517-6161.1977.tb01600.x), JRSS B 39, 1977, for EM itself. S. Gershman and N. Goodman,
# *Amortized Inference in Probabilistic Reasoning*, CogSci 2014. C. Cremer, X. Li and D. Duvenaud, [*Inference Suboptimality in
# Variational Autoencoders*](https://arxiv.org/abs/1801.03558), ICML 2018.
#
# **Next:** [05 Gradients and reparameterisation](05_gradients_and_reparameterisation.ipynb). You can compute the bound; to
# maximise it with a network, you need its gradient through a random draw.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.

# %% [markdown]
# ### In your own words
#
# A fellow student says: "I maximised the ELBO over $q$ until it stopped rising, so now my model gives the data a higher
# probability." What do you answer, in three to five sentences?

# %% exercise="04-why-q"

# %% [markdown]
# ### The ladder never falls
#
# Can $\mathcal L_k$ fall as $k$ grows? **Line 3** of section 5's derivation checks the start on the urns: a mean of three
# weights has the expectation $p(x)$ too. **Line 4** is the trick: a mean of three weights is also the mean of the three means
# that leave one weight out.
#
# $$\frac{w_1 + w_2 + w_3}{3} = \frac13 \left( \frac{w_2 + w_3}{2} + \frac{w_1 + w_3}{2} + \frac{w_1 + w_2}{2} \right)$$
#
# So inside the logarithm stands a mean of means of two. Jensen once more: the logarithm of that mean is at least the mean of
# their logarithms. **Line 5** is the equality with its gap; each term of the expectation on the right is zero or more.
#
# $$\mathcal L_3 - \mathcal L_2 = \mathbb E\left[\log \frac{w_1 + w_2 + w_3}{3} - \frac13 \sum_{j=1}^3 \log
# \Big(\text{mean without } w_j\Big)\right] \ge 0$$

# %%
probability, weights = outcomes(3)
importance.step("E[(w1 + w2 + w3) / 3] = p(x)", probability @ weights.mean(1), urns.marginal()[x_urns])
a, b, c = sympy.symbols("w1 w2 w3", positive=True)
pairs = ((b + c) / 2 + (a + c) / 2 + (a + b) / 2) / 3
importance.algebra("mean of three = mean of the means of two", (a + b + c) / 3, pairs)
without = (weights.sum(1, keepdim=True) - weights) / 2
gains = weights.mean(1).log() - without.log().mean(1)
rise = bound_of(3) - bound_of(2)
importance.step("L_3 - L_2 = E[log mean - mean of the logs without one]", rise, probability @ gains)
assert (gains > -1e-12).all()

# %% [markdown]
# The same argument leads from any $k - 1$ to $k$. **Line 6** takes the package's `iwae_bound` with $k = 1$ to the
# linear-Gaussian world, where we know the truth: on average it is $\log p(x)$ minus the gap. Each observation is copied
# 20,000 times, so that one call gives 20,000 independent values for it.

# %%
copies = 20_000
many = linear.with_posterior(mu.repeat(copies, 1), logvar.repeat(copies, 1))
values = objectives.iwae_bound(many, x.repeat(copies, 1), k=1).reshape(copies, 4)
truth, error = log_px - kl_post, standard_error(values)
importance.step("E[iwae_bound, k = 1] = log p(x) - KL(q || p(z|x))", values.mean(0), truth, standard_error=error)

# %% [markdown]
# ### At the posterior, no noise
#
# At the true posterior, $q(z) = p(z \mid x)$, the weight is $p(x, z) / p(z \mid x) = p(x)$, whatever $z$ is. So the ELBO
# equals $\log p(x)$ not only on average: each single draw gives it exactly. **Lines 8 and 9** of section 3's derivation try
# it with a thousand draws in 2 dimensions, and in a world of 10.

# %%
generator = torch.Generator().manual_seed(2)
W10 = torch.randn(15, 10, generator=generator, dtype=torch.float64)
for world in (linear, LinearGaussian(W10, torch.zeros(15, dtype=torch.float64), 0.7)):
    _, points = world.sample(4, generator=generator)
    log_weights, dims = objectives.log_weights(world, points, k=1000), world.W.shape[1]
    expansion.step(f"log w = log p(x) at each draw, D = {dims}", log_weights, world.log_marginal(points))

# %% [markdown]
# ### Joint plus entropy
#
# The entropy of a Gaussian has a closed form. In one dimension, write $z = \mu + \sigma \varepsilon$ with a standard normal
# $\varepsilon$. **Line 4** of section 6's derivation is the density of $q$ at that place, in logarithms:
#
# $$-\log q(z) = \tfrac12 \big(\log 2\pi + \log \sigma^2 + \varepsilon^2\big).$$
#
# Its mean needs $\mathbb E[\varepsilon^2] = 1$ only. Dimensions add up. **Line 5** holds the result against the draws.
#
# $$H(q) = \tfrac12 \sum_{d=1}^D \big(1 + \log 2\pi + \log \sigma_d^2\big)$$

# %%
M, S, Eps = sympy.symbols("mu sigma eps", positive=True)
density = sympy.exp(-((M + S * Eps - M) ** 2) / (2 * S**2)) / sympy.sqrt(2 * sympy.pi * S**2)
expected = (sympy.log(2 * sympy.pi) + sympy.log(S**2) + Eps**2) / 2
forms.algebra("-log q = 1/2 (log 2 pi + log sigma^2 + eps^2)", -sympy.log(density), expected)

# %%
entropy, error = 0.5 * (1 + math.log(2 * math.pi) + logvar).sum(-1), standard_error(log_q)
forms.step("E_q[-log q] = 1/2 sum (1 + log 2 pi + logvar)", -log_q.mean(0), entropy, standard_error=error)

# %% [markdown]
# Now write the second form yourself.

# %% exercise="04-two-forms"

# %% [markdown]
# **Line 6**: your second function against the truth. Same draws, same bound, another way.

# %%
second, error = elbo_joint_entropy(log_joint, logvar), standard_error(log_joint)
forms.step("mean of log p(x, z) + H(q) = log p(x) - gap", second, log_px - kl_post, standard_error=error)

# %% [markdown]
# ### The package's ELBO
#
# From lesson 07 on you train with `objectives.elbo` of the course's package. It takes any model with a prior, a likelihood
# and a posterior, and returns three numbers for each example: `elbo`, `log_px_z`, `kl`. It must give what you derived.
#
# **Line 1**: its KL is the closed form. **Line 2**: its bound, averaged over the 20,000 copies of "The ladder never falls", is
# $\log p(x)$ minus the gap.

# %%
package = Derivation("The package's ELBO")
package.step("objectives.elbo(...).kl = KL(q || p(z))", objectives.elbo(q_world, x).kl, gaussian_kl(mu, logvar))
values = objectives.elbo(many, x.repeat(copies, 1)).elbo.reshape(copies, 4)
truth, error = log_px - kl_post, standard_error(values)
package.step("E[objectives.elbo(...).elbo] = log p(x) - gap", values.mean(0), truth, standard_error=error)

# %% [markdown]
# **Line 3**: with the same draws, it equals your own function, to the last digit.

# %%
torch.manual_seed(3)
theirs = objectives.elbo(q_world, x, n_samples=10)
torch.manual_seed(3)
few = q_dist.sample((10,))
yours = elbo(linear.likelihood(few).log_prob(x), gaussian_kl(mu, logvar))
package.step("your ELBO = the package's ELBO, same draws", yours, theirs.elbo)

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (jensen, expansion, moves, importance, forms, package):
    display(derivation.summary())
