# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 00 Start here
#
# This course teaches you variational autoencoders (VAEs) by building them. In this first lesson you check that your
# machine is ready, look inside a finished VAE, and learn how the exercises work.

# %% [markdown]
# **After this lesson you can**
# - say what the encoder and the decoder of a VAE take in and give back,
# - walk through a latent space and explain what you see,
# - use the course's checks, hints and worked answers.
#
# **You need first:** Python, and a little PyTorch (what a tensor is, what its shape is). No probability yet.
#
# **Time:** A cell takes a few seconds at most, apart from the first download of MNIST.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x$ | an image | `x` | `[1, 28, 28]`, or `[B, 1, 28, 28]` for a batch of $B$ images |
# | $z$ | a code: the few numbers that stand for an image | `z` | `[2]`, or `[B, 2]` for a batch |
# | $\mu$ | the code that the encoder proposes for an image | `mu` | `[B, 2]` |
# | $y$ | the class of an image, 0 to 9 | `y` | `[B]` |

# %% [markdown]
# ## 1 Is everything here?
#
# A notebook is a list of cells. To run one, click it and press Shift+Enter. The next cell asks the course's doctor
# what it finds on this machine. Each line names what was found; if something is missing, the line says how to get it.

# %%
from vae_course.tools import doctor

doctor.run()

# %% [markdown]
# Lines marked *optional* may stay as they are: the lessons run without them. If a line is marked *missing*, do what it
# says, restart the kernel (menu *Kernel*, *Restart*), and run the cell again.

# %% [markdown]
# ## 2 A first picture
#
# Somebody has trained a small VAE on handwritten digits and saved its weights. Load it and put it into an explorer.
# The model has two sliders, because its **code** $z$ has two numbers: we call it a two-dimensional **latent space**.

# %%
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentExplorer

model = load_pretrained("mnist-2d")
LatentExplorer(model)

# %% [markdown]
# Drag a slider, or click it and press the arrow keys. The picture follows.
#
# Before you read on, try three things:
# 1. Find a clear 0, and a clear 1. Note their codes.
# 2. Move from one to the other in small steps. Which shapes lie between them?
# 3. Press *Random* a few times. Each press draws two new numbers. Do you always get a digit?

# %% [markdown]
# ## 3 Two functions
#
# What you are moving is the input of a function. A VAE consists of two functions, and the explorer uses only one:
#
# - the **decoder** takes a code and gives back an image, $z \mapsto x$;
# - the **encoder** takes an image and gives back a code, $x \mapsto \mu$.
#
# Here is the decoder without any widget. `decode_mean` takes codes `[B, 2]` and returns images `[B, 1, 28, 28]`.

# %%
import torch

z = torch.tensor([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]])
with torch.no_grad():
    x = model.decode_mean(z)
print("codes ", tuple(z.shape))
print("images", tuple(x.shape), "from", tuple(z.shape), "numbers")

# %%
from vae_course import plotting

plotting.image_grid(x, ncols=3, titles=["z = (0, 0)", "z = (1.5, 0)", "z = (0, 1.5)"])

# %% [markdown]
# The decoder never looks anything up: it computes 784 pixels from two numbers. So you can draw the middle of the plane at
# once. The grid is finer near the centre, where most codes lie. Predict: will neighbours look alike, or will each picture be
# a surprise?

# %%
plotting.manifold(model.decode_mean, n=15)

# %% [markdown]
# Neighbours look alike, and almost every place shows something like a digit. A model
# that only compresses images may put their codes anywhere, and leaves holes between them (you will see them in lesson
# 01). The training of a VAE draws the codes together and spreads each of them out, so that few holes are left near the
# centre. Lessons 02 to 06 derive how, line by line.

# %% [markdown]
# ## 4 Real digits
#
# To see the encoder at work you need images. `data.load("auto")` uses MNIST, 70,000 handwritten digits, if it is on
# this machine or can be downloaded. Without MNIST it uses **pen digits**, which the course draws itself, and says so.
# Everything in the course runs with both.

# %%
from vae_course import data

splits = data.load("auto")
print(
    f"{splits.name}: {len(splits.train):,} images to train, {len(splits.val):,} to validate, {len(splits.test):,} to test"
)

# %% [markdown]
# The three parts have fixed roles. A model learns from the first, we make choices with the second, and we look at the
# third once, at the end. Here are thirty digits of the second part.

# %%
images = splits.val[:1000]
plotting.image_grid(images.x[:30], ncols=10)

# %% [markdown]
# Now the encoder. It turns each image into a code. The cell loads the model that was trained on the digits that you have.

# %%
model = load_pretrained(f"{splits.name}-2d")
with torch.no_grad():
    mu, _ = model.encode(images.x)
print("images", tuple(images.x.shape), "become codes", tuple(mu.shape))

# %% [markdown]
# The encoder returns two things, and you keep the first, $\mu$. What the second is for, lesson 03 explains. Predict:
# the encoder has never seen a label. Will the codes of equal digits still lie together?

# %%
plotting.latent_scatter(mu, images.y)

# %% [markdown]
# Most classes form a region of their own, though nobody told the model that there are ten. Some regions overlap, above
# all those of digits that look alike, such as 4 and 9 on MNIST: two numbers are too few to keep all of them apart.
#
# Now give the explorer these images as well. *Encode this digit* shows an image beside its reconstruction: encoded to
# two numbers, and decoded again.

# %%
LatentExplorer(model, images)

# %% [markdown]
# The reconstruction may keep the class, but not every stroke: two numbers cannot carry every detail of 784 pixels. But two
# numbers are also a place in a plane, which can be drawn. The **latent pad** puts the scatter plot and the decoder together.
# Drag the big dot from class to class, or click the plane and use the arrow keys. What do you see on the border between two
# classes, and what far outside, where no dots are?

# %%
from vae_course.widgets import LatentPad

LatentPad(model, images)

# %% [markdown]
# On a border one shape bends into the other, or the two blur into one. Far outside the picture hardly changes
# any more. The network goes on computing, and its outputs only grow in size; the last step squeezes them into grey levels
# between 0 and 1, and there black stays black and white stays white. No image of the training lay so far out, so what
# you see there was never compared with a digit.

# %% [markdown]
# ## 5 How the exercises work
#
# You learn by writing code. Each exercise has a box that says what to do, a cell for your answer, and a check. We try
# it on a tiny one: **walking from one code to another**.
#
# Take a code $z_{\text{start}}$ and a code $z_{\text{end}}$. A walk of $n$ codes on the straight line between them visits
#
# $$z_i = z_{\text{start}} + t_i \, (z_{\text{end}} - z_{\text{start}}), \qquad t_i = \frac{i}{n - 1},
# \qquad i = 0, \dots, n - 1.$$
#
# At $i = 0$ you stand on the start, at $i = n - 1$ on the end.
#
# First, fail on purpose. This answer forgets where the walk starts:

# %%
from vae_course import exercises


def walk_that_fails(z_start, z_end, steps):
    t = torch.linspace(0, 1, steps).unsqueeze(1)
    return t * (z_end - z_start)


course_walk = exercises.check("00-interpolate", walk_that_fails)

# %% [markdown]
# The check recognises this mistake and tells you what happened. Below stand three hints, each behind the one before it. A
# number after the id, such as 2, opens another one first:

# %%
exercises.hint("00-interpolate")

# %% [markdown]
# Now it is your turn.

# %% exercise="00-interpolate"

# %% [markdown]
# What the check hands back is a promise: **you are never stuck behind an exercise.** If your function does not pass yet,
# the course's own answer takes its place, and the cells below run. When yours passes, yours is used.
#
# Use it: walk from the code of the first 0 among the images to the code of the first 1 and decode each code on the way.

# %%
first, second = int((images.y == 0).nonzero()[0]), int((images.y == 1).nonzero()[0])
walk = interpolate(mu[first], mu[second], 11)
with torch.no_grad():
    steps = model.decode_mean(walk)
plotting.image_grid(steps, ncols=11)

# %% [markdown]
# The picture at the left is the reconstruction of the 0, the picture at the right that of the 1. Between them the strokes
# bend, open and close, and other digits may lie on the way. Compare that with mixing the two images, pixel by pixel:

# %%
t = torch.linspace(0, 1, 11).reshape(11, 1, 1, 1)
plotting.image_grid((1 - t) * images.x[first] + t * images.x[second], ncols=11)

# %% [markdown]
# Here the 0 fades out while the 1 fades in, and in the middle you see both at once. A walk through codes is not
# a walk through pixels.

# %% [markdown]
# ## 6 A second exercise: the average digit
#
# A class is spread over a region of the plane. Its centre is the average of the codes of all its images. Decoding it
# shows what the model takes for the typical digit of that class.

# %% exercise="00-codes"

# %% [markdown]
# Predict which of the ten will not look like its own class. A hint: find the class in the scatter plot whose region is
# split in two, or has another class in its middle.

# %%
centres = torch.stack([average_code(mu, images.y, digit) for digit in range(10)])
with torch.no_grad():
    typical = model.decode_mean(centres)
plotting.image_grid(typical, ncols=10, titles=[str(digit) for digit in range(10)])

# %% [markdown]
# Where the centre of a class lies in the region of another, the decoder shows that other digit, or a blur of both. On
# MNIST look at the 5: its codes form two groups, and the centre between them belongs to other digits.

# %% [markdown]
# ## 7 An exercise in words
#
# Some exercises ask for an explanation. No program marks them: in a class, a person reads your answer. On your own,
# compare it with the worked answer, `exercises.solution("00-why")`.

# %% exercise="00-why"

# %% [markdown]
# ## 8 The way ahead
#
# | part | lessons | question |
# |---|---|---|
# | I Why | 00, 01 | What does an ordinary autoencoder lack? |
# | II Deriving the ELBO | 02 to 06 | Where does the loss of a VAE come from, line by line? |
# | III VAEs at work | 07 to 12 | How do you train one, see inside it, repair it, measure it, use it? |
# | IV Beyond | 13 to 19 | What lies beyond the plain VAE? |
#
# **A short way through**: 00, 04, 07 and 08, then whatever interests you. Lesson 04 names what it takes from 02 and 03.
# Each lesson has a main path; what stands under "Going deeper" at its end can wait.
#
# Two habits will help you on the way. **Predict before you run**: say what you expect, then look. And **change things**:
# every cell is yours. To undo what you did, run the notebook from the top.
#
# An exercise that you have passed is remembered on this machine, also when you restart. This is how far you have come:

# %%
exercises.progress()

# %% [markdown]
# ### The letters of the course
#
# Here are the names that several lessons share, in formulas and in code, with the lesson that explains each. There are fewer
# letters than ideas, so a lesson may use one of them for something of its own, or another letter for the same thing; it says so
# where it does. Most names are new to you now; come back to this table when a letter has slipped your mind.

# %%
from vae_course import notation

notation.show()

# %% [markdown]
# A shape in square brackets counts along each axis, such as 784 pixels for each of $B$ images. A distribution has two
# shapes: the batch, one distribution for each example, and the event, the shape of one draw.

# %% [markdown]
# ## 9 Quiz
#
# Four questions. Pick an answer and read the reply, also for the choices that you did not take (on the keyboard: Tab
# goes from choice to choice, Space picks). If you see no buttons, type `quizzes.answer("00", 1, "b")` in a cell to
# answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("00")

# %%
exercises.progress("00")

# %% [markdown]
# ## Summary
#
# > - A VAE has an **encoder**, $x \mapsto \mu$, and a **decoder**, $z \mapsto x$.
# > - The **code** $z$ has far fewer numbers than the image: here 2 instead of 784.
# > - Neighbouring codes decode to similar images, and near the centre almost no place is empty.
# > - A straight walk between two codes: $z_i = z_{\text{start}} + t_i (z_{\text{end}} - z_{\text{start}})$, $t_i = i / (n-1)$.
# > - `exercises.check`, `exercises.hint`, `exercises.solution`: nobody is ever stuck.

# %%
plotting.summary("00")

# %% [markdown]
# **Sources.** D. P. Kingma and M. Welling, [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014 (its
# figure 4 is a plane of digits like the one above). MNIST: Y. LeCun, C. Cortes and C. J. C. Burges. Two texts on the web gave the
# first push to this course, and several lessons look closely at their formulas and their code: *Generative AI 4: Variational
# Autoencoders (VAEs)*, of 25 September 2024, and *Variational Autoencoders*, a blog post of 18 July 2020. Later lessons call them
# the first and the second text.
#
# **Next:** [01 Autoencoders](01_autoencoders.ipynb): compress digits to two numbers, and find out what such a model lacks.
