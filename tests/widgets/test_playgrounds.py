"""The playgrounds: what all have in common is held for each of them here, once; below it what each has of its own."""

import dataclasses
import functools
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch.distributions import Cauchy, Distribution, Normal, StudentT, Uniform

from tests.support.old_widgets import unknown_to_7_7_1
from vae_course.evaluation import active_units, evaluate, kl_per_dim
from vae_course.exact import GridWorld
from vae_course.hierarchies import TwoLevelVAE
from vae_course.latent_diffusion import CodeDenoiser, DiffusionPrior
from vae_course.models import VAE
from vae_course.plotting.images import walk
from vae_course.studies import flow_fit, latent_generators
from vae_course.studies.capstone.acceptance import Acceptance, AcceptanceFinding, Relation
from vae_course.studies.capstone.acceptance import Test as Tested
from vae_course.studies.capstone.card import Headline
from vae_course.studies.gaussian_fit import LOG_VARIANCES, MEANS, bimodal, bound, climb, forward_kl, optimum, reverse_kl
from vae_course.studies.gradient_noise import Setting, score_variance
from vae_course.studies.importance_weights import DRAWS as WEIGHTS
from vae_course.studies.importance_weights import LOG2_KS, ladder
from vae_course.studies.levels import reader
from vae_course.studies.likelihood_costs import PUBLISHED, UNITS, Loss
from vae_course.studies.two_hills import bimodal_world, slice_at, two_hills
from vae_course.widgets import (
    bound_playground,
    diffusion_playground,
    elbo_playground,
    flow_playground,
    gradient_playground,
    kl_playground,
    likelihood_playground,
    playground,
    rotation_playground,
    world_playground,
)
from vae_course.widgets.beta_playground import BetaPlayground, curve
from vae_course.widgets.bound_playground import BoundPlayground
from vae_course.widgets.codebook_playground import CodebookPlayground
from vae_course.widgets.diffusion_playground import DiffusionPlayground
from vae_course.widgets.dimension_dashboard import REACH, DimensionDashboard
from vae_course.widgets.elbo_playground import ELBOPlayground
from vae_course.widgets.explorer import LatentExplorer
from vae_course.widgets.flow_playground import KINDS, STARTS, FlowPlayground
from vae_course.widgets.gradient_playground import GradientPlayground
from vae_course.widgets.kl_playground import KLPlayground
from vae_course.widgets.latent_generator_playground import STEPS, LatentGeneratorPlayground
from vae_course.widgets.levels_playground import CHOICES, LevelsPlayground
from vae_course.widgets.likelihood_playground import SIGMAS, LikelihoodPlayground
from vae_course.widgets.pictures import mosaic, png, to_png
from vae_course.widgets.playground import STEP, Playground
from vae_course.widgets.report_card import ReportCard
from vae_course.widgets.rotation_playground import RotationPlayground, turn
from vae_course.widgets.world_playground import SHOWN, WorldPlayground

pytestmark = pytest.mark.usefixtures("one_thread_only")

FEW_UPDATES = 12
IMAGES = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0)).round()


def vae(seed: int) -> VAE:
    torch.manual_seed(seed)
    return VAE.mlp(3, hidden=(8,))


MODELS = {4.0: vae(0), 0.5: vae(1), 1.0: vae(2)}


def levels(seed: int = 0) -> LevelsPlayground:
    """Two untrained levels and an untrained reader; its larger weights make it read different digits."""
    torch.manual_seed(seed)
    model, read = TwoLevelVAE.mlp((3, 2), hidden=(8, 5)), reader(5)
    larger(model.decoder, read)
    return LevelsPlayground(model, IMAGES, read)


def larger(*modules: torch.nn.Module) -> None:
    """Untrained weights so large that outputs differ."""
    with torch.no_grad():
        for module in modules:
            for weights in module.parameters():
                weights *= 5


def untrained_prior(latent_dim: int = 3, n_classes: int = 10) -> DiffusionPrior:
    """A prior that heeds its class, although nothing has trained it."""
    torch.manual_seed(0)
    denoiser = CodeDenoiser(latent_dim, hidden=8, n_blocks=1, n_classes=n_classes)
    torch.nn.init.normal_(denoiser.last.weight)
    return DiffusionPrior(denoiser, scale=0.5)


def generator(*, reads: bool = True) -> LatentGeneratorPlayground:
    """An untrained VAE, prior and reader."""
    model, prior, read = vae(0), untrained_prior(), reader(5)
    larger(model.decoder, read)
    return LatentGeneratorPlayground(model, prior, read if reads else None)


def report_card(folder: str = ".") -> ReportCard:
    """A card of one finding that holds and one that does not."""
    findings = (
        AcceptanceFinding(Tested.TOTAL, 1.0, Relation.EQUAL, 1.0, 0.01),
        AcceptanceFinding(Tested.ELBO, -3.0, Relation.EQUAL, -7.0, 0.01, unit="nats", fix="Look at it."),
    )
    found, headline = Acceptance(findings, 7.0, 5.3, 0.1), Headline("lead", 0.2, 0.02, 0.1)
    return ReportCard("compress", headline, found, bits={"with the weights": 20.5}, folder=folder)


# How to make one; for each control another value than at the start; and where a slider begins and ends.
PLAYGROUNDS: dict[str, tuple[Callable[[], Playground], dict[str, Any], dict[str, tuple[float, float]]]] = {
    "world": (WorldPlayground, {"x": 2.0, "sigma": 1.6}, {"x": (-2.0, 8.0), "sigma": (0.2, 2.0)}),
    "bound": (
        BoundPlayground,
        {"shift": 0.0, "width": 1.0, "log2_k": 8.0},
        {"shift": (-3.0, 3.0), "width": (0.3, 3.0), "log2_k": LOG2_KS},
    ),
    "elbo": (ELBOPlayground, {"mu": 0.5, "logvar": -1.0}, {"mu": MEANS, "logvar": LOG_VARIANCES}),
    "kl": (
        KLPlayground,
        {"mean": 1.0, "log_std": -1.0, "direction": "forward"},
        {"mean": (-4.0, 4.0), "log_std": (-2.0, 1.5)},
    ),
    "gradient": (GradientPlayground, {"dim": 10, "n_draws": 5, "distance": 0.5, "baseline": True}, {}),
    "likelihood": (
        LikelihoodPlayground,
        {"pixel": 0.0, "sigma": 0.1},
        {"pixel": (0.0, 1.0), "sigma": SIGMAS},
    ),
    "codebook": (CodebookPlayground, {"steps": 10, "n_codes": 8, "decay": 0.5, "spread": 2.0}, {}),
    "rotation": (RotationPlayground, {"angle": 30.0}, {"angle": (0.0, 90.0)}),
    "flow": (FlowPlayground, {"steps": 2.0, "kind": "spline", "target": "banana"}, {}),
    "levels": (levels, {"image": 3, "level": "top", "luck": 2}, {}),
    "generator": (generator, {"weight": 1.0, "n_steps": 3, "draws": 2}, {"weight": (0.0, 3.0)}),
    "diffusion": (
        DiffusionPlayground,
        {"time": 0.5, "n_steps": 3, "schedule": "cosine", "variance": "best"},
        {"time": (0.0, 1.0)},
    ),
    "beta": (lambda: BetaPlayground(MODELS, IMAGES), {"beta": 4.0}, {}),
    "dashboard": (
        lambda: DimensionDashboard({"first": vae(0), "second": vae(1)}, IMAGES),
        {"model": "second", "image": 3, "value": 2.0},
        {"value": (-REACH, REACH)},
    ),
    "card": (report_card, {"acceptance": 2, "measurement": 4, "errors": 1}, {}),
    "explorer": (lambda: LatentExplorer(vae(0)), {0: 1.0, 2: -1.5}, {0: (-3.0, 3.0)}),
}
# What the static picture of each says.
TOLD = {
    "world": "x = 0.00, sigma = 0.70",
    "bound": "log p(x) is -2.00 nats",
    "elbo": "prior: ELBO -3.88, gap 1.79; best: ELBO -2.56",
    "kl": "KL(q || p) from the left ends at N(-2.00, 0.35²)",
    "gradient": "D = 2, L = 1",
    "likelihood": "Price of a pixel of 0.50",
    "codebook": "After 0 steps: 600 points, 16 codes",
    "rotation": "Codes turned by 0 degrees: code 1 to (2.00, 0.00) and code 2 to (0.00, 0.70)",
    "flow": "q, Gaussian, over the true posterior",
    "levels": "12 images in 3 rows of 4, labelled image, copy: ",
    "generator": "10 images in 6 rows, with 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 over the columns: noise 1, ",
    "diffusion": "10 bars with an area of 9.41 nats; under the line they tend to, 3.81",
    "beta": "beta 0.5: R ",
    "dashboard": "KL in nats of dimension",
    "card": "Report card, compress. lead: 0.200 nats",
    "explorer": "z[0], z[1], z[2]",
}


@pytest.fixture(autouse=True, scope="module")
def quick_fits() -> Iterator[None]:
    """Flows are fitted in few updates: what is shown of a fit is tested here, not the fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow_playground, "fit", functools.partial(flow_fit.fit, updates=FEW_UPDATES))
        flow_playground.view.cache_clear()
        yield
    flow_playground.view.cache_clear()


@pytest.fixture(params=PLAYGROUNDS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def shown(name: str) -> Playground:
    return PLAYGROUNDS[name][0]()


def sight(shown: Playground) -> tuple[bytes, str]:
    return shown.picture.value, shown.status.value


# ------------------------------------------------------------------------------------------------ all of them


def test_every_playground_is_here():
    made = {type(make()) for make, _, _ in PLAYGROUNDS.values()}
    assert made == set(Playground.__subclasses__())


def test_each_control_moves_picture_and_words(name: str, shown: Playground):
    seen = [sight(shown)]
    for key, value in PLAYGROUNDS[name][1].items():
        shown.controls[key].value = value
        seen.append(sight(shown))
        assert shown.values[key] == value and shown.error.value == ""
    assert len({bytes(picture) for picture, _ in seen}) == len(seen)
    # The direction of the KL changes the picture, and not q.
    assert len({words for _, words in seen}) == len(seen) - (name == "kl")
    assert name == "explorer" or 'role="status"' in shown.status.value


def test_sliders_reach_what_they_should_and_take_the_keyboard(name: str, shown: Playground):
    assert all(control.description for control in shown.controls.values())
    for key, reach in PLAYGROUNDS[name][2].items():
        control = shown.controls[key]
        assert (control.min, control.max) == reach and control.continuous_update
        assert control.step == (1.0 if key in ("log2_k", "angle") else STEP)


def test_reset_draws_the_start_once(name: str, shown: Playground, monkeypatch: pytest.MonkeyPatch):
    first = sight(shown)
    for key, value in PLAYGROUNDS[name][1].items():
        shown.controls[key].value = value
    drawn = []
    redraw = shown.redraw
    monkeypatch.setattr(shown, "redraw", lambda: drawn.append(1) or redraw())
    # Reset moves q and codes, and leaves what was chosen from a menu.
    for key in {"model", "image", "direction"} & set(shown.controls):
        shown.controls[key].value = shown.start[key]
    drawn.clear()
    shown.buttons["Reset"].click() if "Reset" in shown.buttons else shown.reset()
    assert sight(shown) == first and drawn == [1] and shown.error.value == ""


def test_an_error_is_shown_in_place_and_goes_away(name: str, shown: Playground, monkeypatch: pytest.MonkeyPatch):
    key, value = next(iter(PLAYGROUNDS[name][1].items()))
    before = shown.controls[key].value
    with monkeypatch.context() as patch:
        patch.setattr(shown, "redraw", lambda: 1 / 0)
        shown.controls[key].value = value
        assert "ZeroDivisionError" in shown.error.value and shown.error.layout.display == ""
    shown.controls[key].value = before
    assert shown.error.value == "" and shown.error.layout.display == "none"


@pytest.mark.parametrize("label", ["Descend", "Climb", "Go to the optimum", "New draw", "Reset"])
def test_a_button_that_fails_says_so_in_place(label: str, monkeypatch: pytest.MonkeyPatch):
    make = {"Descend": KLPlayground, "New draw": GradientPlayground}.get(label, ELBOPlayground)
    shown = make()
    monkeypatch.setattr(shown, "redraw", lambda: 1 / 0)
    shown.buttons[label].click()
    assert "failed. ZeroDivisionError" in shown.error.value


def test_a_value_that_the_browser_rounds_to_a_step_stays_exact(name: str, shown: Playground):
    if not PLAYGROUNDS[name][2] or name == "dashboard":
        return
    key = next(iter(PLAYGROUNDS[name][2]))
    shown.place({key: 0.512})
    exact, step = sight(shown), shown.controls[key].step
    rounded = round(0.512 / step) * step
    shown.controls[key].value = rounded
    assert shown.values[key] == 0.512 and sight(shown) == exact
    shown.controls[key].value = rounded + step
    assert shown.values[key] == rounded + step and sight(shown) != exact


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("world", {"x": 9}, "x is 9: this playground goes from -2 to 8"),
        ("world", {"sigma": math.nan}, "sigma is nan"),
        ("bound", {"width": 9}, "width is 9: this playground goes from 0.3 to 3"),
        ("elbo", {"mu": 7}, "mu is 7: this playground goes from -3 to 3"),
        ("elbo", {"logvar": math.nan}, "logvar is nan"),
        ("kl", {"mean": math.nan}, "two finite numbers"),
        ("gradient", {"dim": 7}, "dim is 7: this playground has 1, 2, 3, 5, 10, 20, 50"),
        ("likelihood", {"pixel": 1.5}, "pixel is 1.5: this playground goes from 0 to 1"),
        ("likelihood", {"sigma": 0.0}, "sigma is 0"),
        ("codebook", {"n_codes": 3}, "n_codes is 3: this playground has 2, 4, 8, 16, 32"),
        ("diffusion", {"n_steps": 4}, "n_steps is 4: this playground has 1, 2, 3, 5"),
        ("diffusion", {"time": 1.5}, "time is 1.5: this playground goes from 0 to 1"),
        ("flow", {"steps": 9.0}, "steps is 9.0: this playground goes from 0 to 8"),
        ("flow", {"kind": "coupling"}, "kind is coupling: this playground has affine, planar, spline"),
        ("levels", {"level": "middle"}, "level is middle: this playground has neither, bottom, top, both"),
        ("levels", {"image": 20}, "image is 20: this playground has 0, 1, 2"),
        ("generator", {"weight": 3.5}, "weight is 3.5: this playground goes from 0 to 3"),
        ("generator", {"weight": math.nan}, "weight is nan"),
        ("generator", {"n_steps": 5}, "n_steps is 5: this playground has 1, 2, 3, 4, 6"),
        ("beta", {"beta": 3.0}, "beta is 3.0: this playground has 0.5, 1, 4"),
    ],
)
def test_what_the_controls_cannot_show_is_named(name: str, value: dict[str, Any], said: str):
    shown = PLAYGROUNDS[name][0]()
    kept = dict(shown.values)
    with pytest.raises(ValueError, match=said):
        shown.go(**value)
    assert shown.values == kept


def test_the_stand_in_is_a_picture_with_words(name: str, shown: Playground):
    if name not in ("beta", "dashboard", "explorer"):  # these show where they are, the others their start
        key, value = next(iter(PLAYGROUNDS[name][1].items()))
        shown.controls[key].value = value
    bundle, metadata = shown._repr_mimebundle_()
    assert bundle["image/png"] and TOLD[name] in bundle["text/plain"]
    assert "text/html" not in bundle and metadata["image/png"]["alt"] == bundle["text/plain"]


def test_nothing_is_set_that_ipywidgets_7_7_1_would_ignore(shown: Playground):
    assert unknown_to_7_7_1(shown) == []


# ------------------------------------------------------------------------------------------------ worlds


def test_the_picture_holds_every_hill_that_the_sliders_reach():
    for x in (-2.0, 8.0):
        for sigma in (0.2, 2.0):
            assert all(abs(place) < SHOWN for place in slice_at(x, sigma).hills)


def test_the_words_and_the_picture_of_a_world_state_the_same_numbers():
    value = slice_at(2.0, 0.7)
    said = world_playground.in_words(value)
    assert said == "p(x) = 0.1240. The posterior has 2 hills, at z = -1.58 and 1.11."
    assert "The posterior has one hill, at z = " in world_playground.in_words(slice_at(0.0, 0.7))
    fig = world_playground.render(value)
    assert fig.alt.startswith("x = 2.00, sigma = 0.70: ") and "area p(x) = 0.124" in fig.alt
    assert fig.axes[0].get_xlim() == (-SHOWN, SHOWN)


def test_another_decoder_can_be_brought_and_its_errors_are_told():
    shown = WorldPlayground(lambda z: z.unsqueeze(-1))
    assert len(shown.value.hills) == 1
    shown.f = lambda z: 1 / 0
    shown.x.value = 1.0
    assert "ZeroDivisionError" in shown.error.value
    shown.f = two_hills
    shown.go(x=5.0, sigma=0.3)
    assert (shown.x.value, shown.sigma.value) == (5.0, 0.3) and "2 hills" in shown.status.value


# ------------------------------------------------------------------------------------------------ bounds


def test_words_and_picture_of_a_bound_state_the_same_numbers():
    value = ladder(1.5, 1.5, 3)
    said = bound_playground.in_words(value)
    assert f"L_8 = {value.bound:.3f}" in said and "log p(x) = -2.00" in said
    assert "infinite" in bound_playground.in_words(ladder(0.0, 0.5, 3))
    fig = bound_playground.render(value)
    assert f"at k = 8 it is {value.bound:.2f}" in fig.alt and f"{value.bound:.2f}" in fig.axes[1].get_title(loc="left")
    assert f"{WEIGHTS:,}" in fig.axes[0].get_title(loc="left")


def test_a_q_and_a_number_of_draws_can_be_chosen_from_code():
    shown = BoundPlayground()
    assert (shown.value.shift, shown.value.width, shown.value.k) == (1.5, 1.5, 8)
    shown.go(shift=0.0, width=2.0, log2_k=5)
    assert (shown.value.shift, shown.value.width, shown.value.k) == (0.0, 2.0, 32)
    shown.go(shift=0.0, width=1.0, log2_k=8)
    assert "Effective sample size 256.0 of 256" in shown.status.value


# ------------------------------------------------------------------------------------------------ codes turned


def test_words_and_picture_of_a_turn_state_the_numbers_of_the_account():
    value = turn(45.0)
    said, fig = rotation_playground.in_words(value), rotation_playground.render(value)
    assert "45 degrees. True posterior: ELBO -4.8624 nats, total correlation 0.000, gap of factor 1 0.00" in said
    assert "Diagonal q: ELBO -5.2037, total correlation 0.012, MIG 0.00" in said
    assert "code 1 to (1.41, -0.49) and code 2 to (1.41, 0.49)" in fig.alt
    assert "ELBO (nats) -4.862 with the true posterior, -5.204 with a diagonal q" in fig.alt


def test_the_curves_end_at_the_angle_and_stay_within_their_axes():
    for angle in (0.0, 1.5, 45.0, 90.0):
        fig = rotation_playground.render(turn(angle))
        for ax in fig.axes[1:]:
            low, high = ax.get_ylim()
            for line in ax.lines:
                assert line.get_xdata()[-1] == angle
                assert all(low <= y <= high for y in line.get_ydata())


def test_an_angle_is_gone_to_and_one_beyond_the_dial_is_named():
    shown = RotationPlayground()
    shown.go(angle=90.0)
    assert shown.angle.value == 90.0 and "gap of factor 1 1.08" in shown.status.value
    with pytest.raises(ValueError, match="from 0 to 90"):
        shown.go(angle=91.0)


# ------------------------------------------------------------------------------------------------ diffusion


def test_words_of_a_diffusion_model_state_its_bound_and_its_gap():
    value = diffusion_playground.view(10, "linear log-SNR", "small")
    lost = -value.terms.elbo.item()
    said = diffusion_playground.in_words(value)
    assert f"= {lost:.3f} nats" in said and "gap 5.602" in said and "to the steps from t = 1 to 1.00" in said
    half = dataclasses.replace(value, time=0.3)
    assert (
        f"{value.terms.steps[3:].sum().item():.3f} fall to the steps from t = 1 to 0.30"
        in diffusion_playground.in_words(half)
    )
    best = diffusion_playground.view(10, "linear log-SNR", "best")
    assert best.terms.elbo > value.terms.elbo and torch.equal(best.limit, value.limit)


@pytest.mark.parametrize("schedule", diffusion_playground.SCHEDULES)
def test_points_on_both_ways_have_the_spread_of_noise_and_of_data(schedule: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(diffusion_playground, "POINTS", 4000)
    value = diffusion_playground.view.__wrapped__(100, schedule, "large")
    expected = math.sqrt(1 + 0.25**2)
    for way in (value.there, value.back.flip(0)):
        assert way[0].std().item() == pytest.approx(expected, rel=0.05)
        assert way[-1].std().item() == pytest.approx(1, rel=0.05)
        middle = torch.sigmoid(torch.tensor(0.0)).sqrt()  # alpha where both schedules have a log-SNR of 0
        assert way[len(way) // 2].std().item() == pytest.approx(math.sqrt(middle**2 * expected**2 + 0.5), rel=0.05)


def test_the_method_of_the_diffusion_playground_is_a_move():
    shown = DiffusionPlayground()
    shown.go(time=0.25, n_steps=5, schedule="cosine", variance="large")
    assert shown.values == {"time": 0.25, "n_steps": 5, "schedule": "cosine", "variance": "large"}
    assert "T = 5:" in shown.status.value


# ------------------------------------------------------------------------------------------------ flows


def test_words_and_picture_of_a_flow_state_the_numbers_of_the_fit():
    value = flow_playground.view("two hills", "planar", 2)
    found, said = value.fit, flow_playground.in_words(value)
    assert (
        f"planar, 2 steps, start 1 of {STARTS}: ELBO {found.elbo:.3f} + gap {found.gap:.3f} = log p(x) = -2.087" in said
    )
    assert f"The best Gaussian leaves {flow_playground.view('two hills', 'planar', 0).fit.gap:.3f} nats" in said
    assert f"ELBO {found.elbo:.3f}, gap {found.gap:.3f}" in flow_playground.render(value).alt


@pytest.mark.parametrize(
    ("target", "kind", "name"), [("two hills", "spline", "spline"), ("banana", "spline", "coupling")]
)
def test_what_is_drawn_is_the_density_of_the_fit_and_the_paths_of_its_steps(target: str, kind: str, name: str):
    value = flow_playground.view(target, kind, 2)
    assert value.fit.name == f"{name}, 2 steps"
    z = value.places.unsqueeze(-1) if target == "two hills" else value.places
    assert torch.equal(value.q, value.fit.density(z)) and torch.equal(value.posterior, value.fit.target.density(z))
    assert len(value.stages) == 4  # z_0, the Gaussian step, and two more
    start, end = (stage.reshape(-1, value.fit.target.dim) for stage in (value.stages[0], value.stages[-1]))
    torch.testing.assert_close(value.fit.flow(start)[0], end)


def test_a_sentence_says_that_a_fit_runs_and_only_where_it_has_not_run_yet(monkeypatch: pytest.MonkeyPatch):
    shown, said = FlowPlayground(), []
    say = shown.say
    monkeypatch.setattr(shown, "say", lambda words: said.append(words) or say(words))
    shown.steps.value = 3.0
    assert said[0] == "Fitting a q with 3 steps, which takes a few seconds ..." and said[1].startswith(
        "planar, 3 steps"
    )
    shown.steps.value = 0.0
    said.clear()
    shown.steps.value = 3.0
    assert len(said) == 1 and not shown.steps.continuous_update


def test_another_start_is_counted_changes_the_fit_and_comes_round_to_the_first():
    shown = FlowPlayground()
    shown.another_start()
    assert (
        "The best Gaussian needs no start. Gaussian: ELBO" in shown.status.value and "start 2" not in shown.status.value
    )
    shown.go(steps=1.0)
    assert f"planar, 1 step, start 2 of {STARTS}" in shown.status.value
    second = shown.picture.value
    for _ in range(STARTS):
        shown.buttons["Another start"].click()
    assert shown.picture.value == second and "needs no start" not in shown.status.value
    shown.buttons["Another start"].click()
    assert shown.picture.value != second and "start 3" in shown.status.value
    shown.reset()
    assert shown.seed == 0 and shown.steps.value == 0.0


def test_every_kind_is_one_of_the_study_s_on_the_line_and_in_the_plane():
    for dim in (1, 2):
        assert {names[dim - 1] for names in KINDS.values()} == set(flow_fit.KINDS[dim])


# ------------------------------------------------------------------------------------------------ two levels


def test_what_is_frozen_stays_and_the_words_count_what_the_picture_shows():
    shown = levels()
    shown.go(level="neither")
    value = shown.value
    assert all(torch.allclose(picture, value.copy, atol=1e-4) for picture in value.pictures)
    assert value.same == 10 and "Image 0, draws 0, freeze both: 10 of 10 new pictures" in shown.status.value
    for level in ("bottom", "top", "both"):
        shown.go(level=level)
        value = shown.value
        assert not any(torch.allclose(picture, value.copy, atol=1e-4) for picture in value.pictures)
        torch.testing.assert_close(value.copy, shown.model.decode_mean(shown.z1[0]))
        assert value.same == sum(digit == value.read[0] for digit in value.read[1:])
        assert f"{value.same} of 10 new pictures are read as a {value.read[0]}" in shown.status.value
        titles = [text.get_text() for text in shown.draw(value).axes[0].texts]
        assert titles == ["image", f"copy: {value.read[0]}", *map(str, value.read[1:])]


def test_other_draws_are_other_pictures_of_the_same_codes():
    shown = levels()
    before = shown.value
    shown.luck.value = 1
    after = shown.value
    assert torch.equal(before.copy, after.copy) and not torch.equal(before.pictures, after.pictures)
    assert shown.go(luck=0) is None and torch.equal(shown.value.pictures, before.pictures)


def test_no_image_is_named():
    with pytest.raises(ValueError, match="images is empty"):
        LevelsPlayground(TwoLevelVAE.mlp((3, 2), hidden=(8, 5)), IMAGES[:0], reader(5))
    assert set(CHOICES.values()) == {"neither", "bottom", "top", "both"}


# ------------------------------------------------------------------------------------------------ generators on codes


@pytest.mark.parametrize("setting", [(0.0, 16, 0), (1.5, 3, 4)])
def test_the_grid_is_that_of_the_study_and_what_is_read_wrong_lies_on_a_tint(setting: tuple[float, int, int]):
    shown = generator()
    shown.go(weight=setting[0], n_steps=setting[1], draws=setting[2])
    value, (weight, n_steps, seed) = shown.value, setting
    settings = {"n": 6, "weight": weight, "n_steps": n_steps, "seed": seed}
    grid = latent_generators.class_grid(shown.model, shown.prior, **settings)
    torch.testing.assert_close(value.pictures.flatten(0, 1), grid)
    right = latent_generators.read_right(shown.read, grid, torch.arange(10).repeat_interleave(6))
    assert 0 < right < 1 and value.right.double().mean() == pytest.approx(right)
    said = (
        f"w = {weight:.2f}, {n_steps} steps, draws {seed}: {round(60 * right)} of 60 pictures are read as their class. "
    )
    assert said in shown.status.value
    rows = [f"noise {k + 1}, {int((~value.right[:, k]).sum())} on a tint" for k in range(6)]
    fig = shown.draw(value)
    assert fig.alt.endswith(": " + "; ".join(rows) + ".") and shown.picture.value == png(fig)
    assert shown.picture.layout.width == f"{fig.get_figwidth() * fig.dpi:.0f}px"


def test_the_words_tell_the_spread_of_the_codes_with_and_without_guidance():
    shown = generator(reads=False)
    shown.go(weight=2.0, n_steps=4, draws=1)
    with_guidance, without = (
        latent_generators.class_spread(latent_generators.class_codes(shown.prior, n=6, weight=w, n_steps=4, seed=1))
        for w in (2.0, 0.0)
    )
    assert with_guidance != without
    assert (
        f"w = 2.00, 4 steps, draws 1: {with_guidance[1]:.0%} of the variance of the codes lies within classes,"
        f" {without[1]:.0%} without guidance; within a class they spread {with_guidance[0] / without[0]:.2f} times as far as"
        " without." in shown.status.value
    )
    assert shown.value.right is None and "tint" not in shown.static().alt and "are read" not in shown.status.value
    shown.go(weight=0.0, n_steps=1)
    assert "1 step, " in shown.status.value and "spread 1.00 times" in shown.status.value
    assert STEPS[0] == 1 and STEPS[-1] == 32


def test_other_noise_goes_on_and_comes_round():
    shown = generator()
    first = sight(shown)
    shown.buttons["Other noise"].click()
    assert shown.draws.value == 1 and sight(shown) != first and shown.error.value == ""
    shown.go(draws=19)
    shown.buttons["Other noise"].click()
    assert sight(shown) == first


@pytest.mark.parametrize(
    ("prior", "said"),
    [(untrained_prior(4), "have 4 numbers and the model's 3"), (untrained_prior(n_classes=0), "knows no classes")],
)
def test_a_prior_that_does_not_fit_is_named(prior: DiffusionPrior, said: str):
    with pytest.raises(ValueError, match=said):
        LatentGeneratorPlayground(vae(0), prior)


# ------------------------------------------------------------------------------------------------ the ELBO


def gaussian_world() -> tuple[GridWorld, torch.Tensor]:
    """Its posterior at x = 1 is N(1/2, 1/2), within the sliders' reach."""
    return GridWorld(lambda z: z.unsqueeze(-1), 1.0, half_width=20.0, n_points=1001), torch.ones(
        1, 1, dtype=torch.float64
    )


def test_the_picture_names_every_q_with_its_numbers():
    fig = elbo_playground.picture(*bimodal_world(), {"prior": (0.0, 0.0), "right": (1.05, -2.65)})
    assert "log p(x) is -2.09 nats" in fig.alt
    assert "prior: ELBO -3.88, gap 1.79; right: ELBO -2.56, gap 0.48" in fig.alt
    with Image.open(io.BytesIO(png(fig))) as image:
        assert image.format == "PNG" and image.size == (700, 340)


def test_the_words_give_the_account_of_the_q_that_is_shown():
    shown = ELBOPlayground()
    assert "log p(x) = -2.09 nats, whatever q is. ELBO -3.88 + gap 1.79 = -2.09. Here q is" in shown.status.value
    shown.go(mu=0.5, logvar=-1.0)
    assert shown.value == bound(shown.world, shown.x, 0.5, -1.0)
    assert elbo_playground.in_words(shown.value) in shown.status.value
    assert shown.picture.value == png(elbo_playground.picture(shown.world, shown.x, {"q": (0.5, -1.0)}))


def test_buttons_go_to_the_optimum_and_uphill():
    shown = ELBOPlayground()
    shown.buttons["Go to the optimum"].click()
    assert shown.value == optimum(shown.world, shown.x) and "best Gaussian" in shown.status.value
    shown.mu.value, shown.logvar.value = 1.05, -2.6
    assert shown.value == optimum(shown.world, shown.x), "the browser's rounding is no move"
    shown.mu.value = -2.0
    assert "best" not in shown.status.value
    shown.buttons["Reset"].click()
    shown.mu.value = -2.0
    shown.buttons["Climb"].click()
    assert shown.value == climb(shown.world, shown.x, -2.0, 0.0) and "No small step" in shown.status.value


def test_another_world_can_be_brought():
    shown = ELBOPlayground(*gaussian_world())
    shown.buttons["Go to the optimum"].click()
    assert shown.value.gap < 1e-4


# ------------------------------------------------------------------------------------------------ the KL


def test_the_picture_shows_the_integrand_of_the_direction():
    reverse, forward = (kl_playground.render(bimodal(), 0.0, 0.0, way) for way in ("reverse", "forward"))
    assert "integrand of KL(q || p)" in reverse.alt and "integrand of KL(p || q)" in forward.alt
    area = float(reverse.alt.split("range is ")[1].split()[0])
    assert area == pytest.approx(float(reverse_kl(bimodal(), 0.0, 0.0)), abs=0.01)


def test_the_numbers_are_both_directions_of_the_kl():
    shown = KLPlayground()
    assert f"KL(q || p) = {float(reverse_kl(bimodal(), 0.0, 0.0)):.3f} nats" in shown.numbers.value
    assert f"KL(p || q) = {float(forward_kl(bimodal(), 0.0, 0.0)):.3f} nats" in shown.numbers.value
    before = shown.numbers.value
    shown.direction.value = "forward"
    assert shown.numbers.value == before
    shown.mean.value = 1.0
    assert shown.numbers.value != before and "N(1.00, 1.00²)" in shown.status.value
    with Image.open(io.BytesIO(shown.picture.value)) as image:
        assert image.format == "PNG" and image.size == (470, 390)


def test_descend_moves_the_sliders_and_says_what_it_gained():
    shown = KLPlayground()
    shown.buttons["Descend"].click()
    assert shown.mean.value == pytest.approx(2.0, abs=1e-3)
    assert "took KL(q || p) from 6.524 to 0.511 nats" in shown.status.value
    assert "lies 60% of p" in shown.status.value
    shown.direction.value = "forward"
    assert "took KL(q || p)" in shown.status.value
    shown.buttons["Descend"].click()
    assert shown.log_std.value == pytest.approx(math.log(float(bimodal().stddev)), abs=1e-3)


def test_the_start_of_a_descent_stays_in_sight_until_q_is_moved(monkeypatch: pytest.MonkeyPatch):
    shown, drawn, original = KLPlayground(), [], kl_playground.render
    monkeypatch.setattr(
        kl_playground, "render", lambda *args, start=None: drawn.append(start) or original(*args, start=start)
    )
    shown.descend()
    shown.direction.value = "forward"
    shown.mean.value = 1.0
    assert drawn == [(0.0, 0.0), (0.0, 0.0), None]


def test_q_can_be_placed_from_code_beyond_the_sliders():
    shown = KLPlayground()
    shown.go_to(7.0, 2.0)
    assert (shown.mean.value, shown.log_std.value) == shown.q == (7.0, 2.0)


@pytest.mark.parametrize("p", [Normal(0.5, 1.0), StudentT(5.0)])
def test_another_p_can_be_given(p: Distribution):
    shown = KLPlayground(p)
    shown.log_std.value = 0.5
    shown.buttons["Descend"].click()
    assert shown.error.value == "" and shown.mean.value == pytest.approx(float(p.mean), abs=1e-3)


# ------------------------------------------------------------------------------------------------ gradients


def test_the_picture_depends_on_everything_and_is_told_in_words():
    start = Setting()
    settings = [start, Setting(3), Setting(2, 2), Setting(2, 1, 0.25), Setting(2, 1, 0.0, True)]
    figures = [gradient_playground.picture(setting) for setting in settings]
    pictures = [png(figure) for figure in (*figures, gradient_playground.picture(start, seed=1))]
    assert len(set(pictures)) == 6
    with Image.open(io.BytesIO(pictures[0])) as image:
        assert image.format == "PNG" and image.size == (700, 360)
    fig = gradient_playground.picture(Setting(5, 10, 0.5, True))
    assert fig.alt.startswith("D = 5, L = 10, distance 0.5, with baseline.")
    assert "true gradient -0.50" in fig.alt and "pathwise: mean -0." in fig.alt


def test_the_words_hold_measured_and_exact_numbers():
    words = gradient_playground.in_words(Setting(20))
    assert "132 exact" in words and "Ratio:" in words and "132.0 exact" in words
    assert words != gradient_playground.in_words(Setting(20), seed=1)


def test_new_draw_changes_the_noise_only_and_reset_brings_the_first_back():
    shown = GradientPlayground()
    assert shown.value == Setting(2, 1, 0.0, False)
    shown.go(**vars(Setting(50, 100, 2.0, True)))
    assert shown.value == Setting(50, 100, 2.0, True) and shown.baseline.value
    shown.buttons["New draw"].click()
    picture = gradient_playground.picture(shown.value, seed=1)
    assert shown.value == Setting(50, 100, 2.0, True) and shown.picture.value == png(picture)
    shown.buttons["Reset"].click()
    assert shown.picture.value == png(gradient_playground.picture(Setting()))


def test_the_lessons_question_has_the_answers_that_it_gives():
    """The least draws on the slider that bring the standard deviation to 3 or below, in 50 dimensions."""

    def least(counts, *, baseline):
        return next(n for n in counts if score_variance(Setting(50, n, 0.0, baseline)) <= 9)

    draws = gradient_playground.DRAWS
    assert [value for _, value in GradientPlayground().n_draws.options] == list(draws)
    assert [least(draws, baseline=False), least(draws, baseline=True)] == [100, 5]
    assert [least(range(1, 101), baseline=False), least(range(1, 101), baseline=True)] == [78, 3]


# ------------------------------------------------------------------------------------------------ likelihoods


def test_the_price_picture_says_each_lowest_point():
    fig = likelihood_playground.price_picture(0.5, 0.25)
    assert "cross-entropy is lowest at 0.50, 0.69 nats" in fig.alt
    assert "Gaussian is lowest at 0.50, -0.47 nats" in fig.alt


@pytest.mark.parametrize("pixel", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_every_setting_of_the_sliders_can_be_drawn(pixel: float, sigma: float):
    with Image.open(io.BytesIO(png(likelihood_playground.price_picture(pixel, sigma)))) as image:
        assert image.format == "PNG" and image.size == (700, 320)


def test_the_beta_picture_puts_yours_below_the_published():
    fig = likelihood_playground.beta_picture(Loss("mean", "mean"), 0.25)
    assert fig.alt.endswith("second text 0.627; yours 39.2.")


def test_words_give_the_sigma_that_says_the_same():
    in_words = likelihood_playground.beta_in_words
    assert in_words(Loss("mean", "sum"), 0.25) == "Effective beta 784."
    assert "sigma^2 = 392" in in_words(Loss("mean", "sum", unit=UNITS[1]), 0.25)
    # Whichever sigma the error is read with, the same loss is the same honest ELBO.
    assert "sigma^2 = 392" in in_words(Loss("mean", "sum", unit=UNITS[2]), 0.1)


def test_it_starts_with_a_grey_pixel_and_the_elbo_and_follows_its_sliders():
    shown = LikelihoodPlayground()
    assert (shown.pixel.value, shown.sigma.value) == (0.5, 0.25) and shown.loss == PUBLISHED["the ELBO"]
    assert "Effective beta 1." in shown.beta_status.value
    shown.go(pixel=1.0, sigma=0.1)
    assert shown.picture.value == png(likelihood_playground.price_picture(1.0, 0.1))
    assert likelihood_playground.price_in_words(1.0, 0.1) in shown.status.value


def test_sigma_moves_beta_where_the_error_is_read_with_it():
    shown = LikelihoodPlayground()
    shown.controls["unit"].value = UNITS[2]
    shown.sigma.value = 0.5
    assert "Effective beta 2." in shown.beta_status.value


@pytest.mark.parametrize("field", asdict(Loss("sum", "sum")))
def test_every_field_moves_beta(field: str):
    shown = LikelihoodPlayground()
    shown.choose("second text")
    shown.controls["kl"].value = "mean, summed over batch"
    before, prices = shown.beta.value, shown.picture.value
    others = {"reconstruction": "sum", "kl": "sum", "weight": 0.5, "pixels": 9, "latents": 7, "batch": 3}
    shown.controls[field].value = others.get(field, UNITS[2])
    assert shown.beta.value != before and shown.picture.value == prices and shown.error.value == ""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_loss_fills_in_all_fields_and_draws_once(name: str, monkeypatch: pytest.MonkeyPatch):
    shown, calls = LikelihoodPlayground(), []
    monkeypatch.setattr(likelihood_playground, "png", lambda figure: calls.append(figure) or b"")
    shown.choose(name)
    assert shown.loss == PUBLISHED[name] and len(calls) == 1


def test_the_menu_of_published_losses_works_as_the_method_does():
    shown = LikelihoodPlayground()
    shown.known.value = "mean and sum"
    assert shown.loss == PUBLISHED["mean and sum"] and "Effective beta 784." in shown.beta_status.value


def test_an_impossible_entry_is_told_in_place_and_goes_away():
    shown = LikelihoodPlayground()
    good = shown.beta.value
    shown.controls["pixels"].value = 0
    assert "pixels is 0" in shown.error.value and shown.error.layout.display == "" and shown.beta.value == good
    shown.controls["pixels"].value = 784
    assert shown.error.value == "" and shown.error.layout.display == "none"


# ------------------------------------------------------------------------------------------------ codebooks


def dead(shown: CodebookPlayground) -> int:
    return int(shown.value.dead.sum())


def test_the_words_of_a_codebook_are_its_numbers():
    shown = CodebookPlayground()
    shown.go(steps=20)
    book = shown.value
    assert f"Perplexity {book.perplexity:.1f} of 16; {dead(shown)} dead codes." in shown.status.value
    assert f"Distortion {book.distortion:.3f}" in shown.status.value


def test_revived_codes_are_in_use_and_walk_on_from_where_they_were_put():
    shown = CodebookPlayground()
    shown.steps.value = 20
    before, distortion = dead(shown), shown.value.distortion
    shown.buttons["Revive"].click()
    assert before > 0 and dead(shown) == 0 and shown.value.distortion < distortion
    assert f"{before} codes revived." in shown.status.value and shown.error.value == ""
    revived = shown.value.codes
    shown.buttons["Step"].click()
    assert shown.steps.value == 21 and "revived" not in shown.status.value
    assert torch.equal(shown.value.codes, CodebookPlayground.compute(shown, **shown.values).codes)
    assert 0 < float((shown.value.codes - revived).norm(dim=1).max()) < 2
    shown.buttons["Revive"].click()
    assert "No code is dead." in shown.status.value


def test_a_step_before_the_revival_and_another_codebook_know_nothing_of_it():
    shown = CodebookPlayground()
    shown.steps.value = 20
    shown.revive()
    shown.steps.value = 19
    assert dead(shown) > 0
    shown.steps.value = 20
    assert dead(shown) == 0
    shown.decay.value = 0.5
    shown.decay.value = 0.8
    assert dead(shown) > 0 and shown.revived == ()


def test_the_last_step_is_said_to_be_the_last():
    shown = CodebookPlayground()
    shown.go(steps=39)
    shown.step()
    assert shown.values["steps"] == 40 and "last" not in shown.status.value
    shown.step()
    assert shown.values["steps"] == 40 and "That was the last step." in shown.status.value


# ------------------------------------------------------------------------------------------------ betas


def test_the_slider_runs_through_the_betas_in_order_and_starts_at_one():
    shown = BetaPlayground(MODELS, IMAGES)
    assert [value for _, value in shown.beta.options] == [0.5, 1.0, 4.0] and shown.beta.value == 1.0


@pytest.mark.parametrize("beta", MODELS)
def test_each_part_follows_the_slider(beta: float):
    shown = BetaPlayground(MODELS, IMAGES)
    shown.beta.value = 0.5 if beta != 0.5 else 4.0
    shown.beta.value = beta
    result = evaluate(MODELS[beta], IMAGES)
    assert (
        f"beta {beta:g}: rate {result.rate:.1f}, distortion {result.distortion:.1f}, ELBO {result.elbo:.1f} nats,"
        f" {active_units(MODELS[beta], IMAGES)} active units." in shown.status.value
    )
    assert shown.picture.value == png(curve(shown.results, beta))
    assert shown.copies.value == to_png(mosaic(MODELS[beta].reconstruct(IMAGES[:12])))


def test_where_nothing_can_be_computed_the_curve_stands_above_what_the_model_makes():
    shown = BetaPlayground(MODELS, IMAGES)
    shown.go(beta=4.0)
    above, below = shown.stills()
    assert png(above) == shown.picture.value
    assert below.alt == "Rows of 12 images: originals; copies; samples. Copies and samples are those of beta 4."
    (alone,) = WorldPlayground().stills()
    assert png(alone) == WorldPlayground().picture.value


def test_the_same_codes_are_decoded_by_each_model():
    shown = BetaPlayground(MODELS, IMAGES)
    first = shown.samples.value
    shown.go(beta=4.0)
    assert shown.samples.value != first
    shown.go(beta=1.0)
    assert shown.samples.value == first


def test_a_mosaic_is_filled_row_by_row():
    picture = mosaic(torch.arange(5.0).view(5, 1, 1, 1) / 4, ncols=3)
    assert picture.tolist() == [[0, 0.25, 0.5], [0.75, 1, 0]]


# ------------------------------------------------------------------------------------------------ dimensions


@pytest.fixture
def dashboard() -> DimensionDashboard:
    return DimensionDashboard({"first": vae(0), "second": vae(1)}, IMAGES)


def decoded(model: VAE, code: torch.Tensor) -> bytes:
    return to_png(model.decode_mean(code[None]).detach()[0])


def test_the_dashboard_begins_with_the_dearest_dimension_and_the_code_of_the_image(dashboard: DimensionDashboard):
    model = dashboard.models["first"]
    kl, code = kl_per_dim(model, IMAGES), model.posterior(IMAGES[:1]).mean[0].detach()
    d = int(kl.argmax())
    assert dashboard.dim.value == d and dashboard.value.value == pytest.approx(float(code[d]), abs=0.03)
    assert f"KL {float(kl[d]):.2f} nats" in dashboard.status.value
    assert f"{active_units(model, IMAGES)} of 3 dimensions are active" in dashboard.status.value
    assert dashboard.picture.value == decoded(model, code)


def test_moving_the_slider_changes_that_entry_of_the_code_alone(dashboard: DimensionDashboard):
    model, code = dashboard.models["first"], dashboard.encoded.clone()
    dashboard.value.value = 2.0
    code[dashboard.dim.value] = 2.0
    assert dashboard.picture.value == decoded(model, code)
    assert "= 2.00" in dashboard.status.value


def test_another_dimension_starts_from_the_code_again(dashboard: DimensionDashboard):
    dashboard.value.value = 2.0
    dashboard.dim.value = next(d for _, d in dashboard.dim.options if d != dashboard.dim.value)
    assert dashboard.picture.value == decoded(dashboard.models["first"], dashboard.encoded)
    dashboard.show("second", 2, -1.0, image=3)
    code = dashboard.models["second"].posterior(IMAGES[3:4]).mean[0].detach().clone()
    code[2] = -1.0
    assert dashboard.picture.value == decoded(dashboard.models["second"], code)
    assert dashboard.bars.value == png(dashboard.static()) and dashboard.values["dim"] == 2


def test_a_walk_moves_one_entry_from_end_to_end():
    codes = walk(torch.tensor([0.3, 0.4]), 1)
    assert codes[:, 0].tolist() == pytest.approx([0.3] * 7) and (codes[0, 1], codes[-1, 1]) == (-REACH, REACH)


# ------------------------------------------------------------------------------------------------ report card


def test_a_card_says_its_points_and_is_saved_as_it_is_shown(tmp_path: Path):
    shown = report_card(str(tmp_path))
    shown.go(errors=3, report=1)
    assert "Own points: 4 of 20." in shown.status.value and "1 of 2 tests hold" in shown.status.value
    shown.buttons["Reset"].click()
    assert "Own points: 0 of 20." in shown.status.value
    shown.go(errors=3, report=1)
    shown.buttons["Save"].click()
    assert "Saved as report_card.json and report_card.md" in shown.status.value and shown.error.value == ""
    assert json.loads((tmp_path / "report_card.json").read_text())["own points"]["errors"] == 3
    assert "4 of 20 points" in (tmp_path / "report_card.md").read_text()


def test_a_card_that_can_not_be_saved_says_why_in_place(tmp_path: Path):
    shown = report_card(str(tmp_path / "nowhere"))
    shown.buttons["Save"].click()
    assert "There is no folder" in shown.error.value and "Saved" not in shown.status.value


# ------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ELBOPlayground(gaussian_world()[0]), "together with one of its points"),
        (lambda: ELBOPlayground(x=gaussian_world()[1]), "together with one of its points"),
        (lambda: ELBOPlayground(gaussian_world()[0], torch.ones(2, 1)), "give one point"),
        (lambda: KLPlayground(3.0), "give a torch distribution"),
        (lambda: KLPlayground(Normal(torch.zeros(2), torch.ones(2))), "batch .2."),
        (lambda: KLPlayground(Cauchy(0.0, 1.0)), "finite mean"),
        (lambda: KLPlayground(Uniform(0.0, 1.0)), "zero in places"),
        (lambda: KLPlayground(Uniform(0.0, 1.0, validate_args=False)), "zero in places"),
        (lambda: LikelihoodPlayground().choose("mine"), "There is no loss 'mine'"),
        (lambda: BetaPlayground({1.0: MODELS[1.0]}, IMAGES), "There are 1 models"),
        (lambda: BetaPlayground(MODELS, IMAGES[:3]), "3 images"),
        (lambda: DimensionDashboard({}, IMAGES), "There are 0 models"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("b", 0, 0.0), "model is b: this playground has a"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("a", 3, 0.0), "dim is 3: choose a number from 0 to 2"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("a", 0, 9.0), "value is 9"),
        (lambda: DimensionDashboard({"a": vae(0)}, IMAGES).show("a", 0, 0.0, image=20), "image is 20"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make: Callable[[], object], said: str):
    with pytest.raises((ValueError, TypeError), match=said):
        make()


def test_pictures_are_drawn_on_one_thread(monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(playground, "png", lambda figure: seen.append(torch.get_num_threads()) or b"")
    torch.set_num_threads(2)
    shown = WorldPlayground()
    shown.x.value = 1.0
    assert seen == [1, 1] and torch.get_num_threads() == 2
