"""Each case of lesson 09 really has the symptom that the lesson shows, and its mended line really is the mend."""

import copy
import functools
import inspect
import math
import re

import jupytext
import pytest
import torch
from torch.nn import functional as F

from vae_course import data
from vae_course.distributions import gaussian_kl
from vae_course.evaluation import evaluate
from vae_course.exact import LinearGaussian
from vae_course.models import VAE
from vae_course.objectives import elbo, iwae_bound
from vae_course.studies import bugs
from vae_course.studies.bugs import broken, runs
from vae_course.tools.authoring import settings
from vae_course.training import TrainingError

LETTERS = "ABCDEFGHIJKL"


@pytest.fixture(scope="module")
def images():
    return data.load("pen", limit=4000).train


@pytest.fixture(scope="module")
def val():
    return data.binarize(data.load("pen", limit=500).val, seed=1)


@pytest.fixture(scope="module")
def run(images, val):
    """`run("A")` is its model and history, trained once for the whole module."""
    return functools.cache(lambda name: bugs.train(name, images, val))


def inverted(part):
    return data.Images(1 - part.x, part.y, None, part.name)


def spread_of_images(model):
    """How much the images of different codes of the prior differ: the standard deviation of a pixel, averaged."""
    return model.sample(200, generator=torch.Generator().manual_seed(0)).std(0).mean().item()


# The code of each case ------------------------------------------------------------------------------------


def test_there_are_twelve_cases_with_names_of_their_own():
    assert list(bugs.CASES) == list(LETTERS)
    assert len({case.name for case in bugs.CASES.values()}) == 12


@pytest.mark.parametrize("letter", LETTERS)
def test_the_broken_line_stands_in_the_code_once(letter):
    lines = [line.strip() for line in bugs.source(letter).splitlines()]
    assert lines.count(bugs.case(letter).line) == 1


@pytest.mark.parametrize("letter", LETTERS)
def test_the_code_does_not_give_the_case_away_before_its_line(letter):
    """Neither the names nor the docstrings of what a learner sees say what is wrong."""
    case = bugs.case(letter)
    text = bugs.source(letter).replace(case.line, "")
    assert not re.search(rf"{case.name}|{case.name.replace('-', '.')}|wrong|bug|mistake", text)


@pytest.mark.parametrize("letter", "ABCI")
def test_the_mended_loss_is_the_healthy_one_and_the_broken_one_is_not(letter, run, val):
    model = copy.deepcopy(run("healthy")[0]).train()  # case C breaks the loss of training only
    fixed, sick = bugs.mend(letter), bugs.case(letter).code
    if letter == "I":  # its broken line stands in the loss of a pixel
        logits = torch.linspace(-12, 12, 49)
        for pixel in (torch.zeros(49), torch.ones(49)):
            right = F.binary_cross_entropy_with_logits(logits, pixel, reduction="none")
            torch.testing.assert_close(fixed(pixel, logits), right)
            torch.testing.assert_close(sick(pixel, logits), right, rtol=0.05, atol=1e-5)
        return
    losses = []
    for loss in (fixed, broken.healthy, sick):
        torch.manual_seed(3)
        losses.append(loss(model, val.x[:50])["loss"])
    torch.testing.assert_close(losses[0], losses[1])
    assert abs(losses[2] - losses[1]) > 5


@pytest.mark.parametrize("letter", "DE")
def test_the_mended_draw_is_the_healthy_one(letter):
    mu, logvar = torch.randn(2, 5, 3)
    results = []
    for draw in (bugs.mend(letter), broken.draw, bugs.case(letter).code):
        torch.manual_seed(3)
        results.append(draw(mu, logvar))
    torch.testing.assert_close(results[0], results[1])
    assert (results[2] - results[1]).abs().max() > 0.1


@pytest.mark.parametrize(("letter", "make"), [("F", "mlp"), ("H", "mlp"), ("J", "call")])
def test_the_mended_model_is_the_healthy_one(letter, make, val):
    sick, models = bugs.case(letter).code, []
    for thing in (bugs.mend(letter), VAE if make == "mlp" else broken.small_vae, sick):
        torch.manual_seed(3)
        models.append(thing.mlp(10, hidden=(200,)) if make == "mlp" else thing())
    z = torch.randn(4, 10)
    for ours, healthy in zip(models[0].encode(val.x[:9]), models[1].encode(val.x[:9]), strict=True):
        torch.testing.assert_close(ours, healthy)
    torch.testing.assert_close(models[0].decode(z), models[1].decode(z))
    same = torch.equal(models[2].encode(val.x[:9])[0], models[1].encode(val.x[:9])[0])
    assert same == (letter == "H") and torch.equal(models[2].decode(z), models[1].decode(z)) == (letter != "H")


def test_the_mended_samples_and_evaluations_are_the_healthy_ones(run, val):
    model, samples = run("healthy")[0], []
    for sample in (VAE.sample, bugs.mend("G"), broken.sample_g):
        torch.manual_seed(3)
        samples.append(sample(model, 5))
    assert torch.equal(samples[0], samples[1]) and not torch.allclose(samples[0], samples[2], atol=0.1)
    dropout = run("K")[0]
    right = evaluate(dropout, val).elbo
    assert bugs.mend("K")(dropout, val.x) == pytest.approx(right, abs=1) and not dropout.training
    assert broken.evaluate_k(dropout, val.x) < right - 3
    for k in (1, 50):
        with torch.no_grad():
            right = iwae_bound(model, val.x, k=k).mean().item()
        assert bugs.mend("L")(model, val.x, k) == pytest.approx(right, abs=1)
    assert broken.evaluate_l(model, val.x, 50) > right + 1.5


@pytest.mark.parametrize("letter", "ABCDEFHJ")
def test_a_case_that_is_trained_with_its_line_mended_ends_as_the_healthy_run_does(letter, run, images, val):
    model, history = bugs.train(letter, images, val, mended=True)
    healthy, healthy_history = run("healthy")
    for name in history.val:
        assert history.val[name][-1] == pytest.approx(healthy_history.val[name][-1], abs=1.5)
        assert history.train[name][-1] == pytest.approx(healthy_history.train[name][-1], abs=1.5)
    assert evaluate(model, val).elbo == pytest.approx(evaluate(healthy, val).elbo, abs=1.5)


def test_the_lesson_says_how_many_of_its_cells_train():
    (path,) = settings.read().solutions.glob("09_*.py")
    cells = jupytext.read(path).cells
    training = [c for c in cells if c.cell_type == "code" and re.search(r"bugs\.train\(|\bfit\(", c.source)]
    assert len(training) == 18
    (time,) = [c.source for c in cells if "**Time:**" in c.source]
    assert re.search(r"Eighteen cells, one of them under Going deeper,\s+train one or two small networks", time)


def test_every_run_has_a_case_and_the_other_way_round():
    assert set(LETTERS) - set(runs.RUNS) == {"G", "L"}  # these two take the healthy model


# The symptoms -----------------------------------------------------------------------------------------------


def test_the_healthy_run_is_healthy(run, val):
    model, history = run("healthy")
    result = evaluate(model, val)
    assert -150 < result.elbo < -100 and 10 < result.kl < 25
    assert history.val["loss"][-1] == pytest.approx(-result.elbo, abs=1)
    assert spread_of_images(model) > 0.06


def test_a_collapses(run, val):
    model, history = run("A")
    assert evaluate(model, val).kl < 0.05 and history.train["loss"][-1] < 1
    assert spread_of_images(model) < 0.02
    first = broken.loss_a(broken.small_vae(), val.x)["reconstruction"].item()
    assert first == pytest.approx(math.log(2), abs=0.02)


def test_b_prints_a_tenth_of_its_kl_and_is_worse_than_healthy(run, val):
    model, history = run("B")
    result, healthy = evaluate(model, val), evaluate(run("healthy")[0], val)
    assert result.kl / history.val["kl"][-1] == pytest.approx(10, abs=0.1)
    assert history.val["loss"][-1] < -healthy.elbo - 8 and result.elbo < healthy.elbo - 5
    assert result.log_px_z > healthy.log_px_z + 3


def test_c_has_parts_that_agree_and_sums_that_do_not(run):
    history = run("C")[1]
    parts = {name: (history.train[name][-1], history.val[name][-1]) for name in history.train}
    assert abs(parts["reconstruction"][0] - parts["reconstruction"][1]) < 6
    assert abs(parts["kl"][0] - parts["kl"][1]) < 2
    assert parts["loss"][1] - parts["loss"][0] > 10
    weights = [(parts["loss"][i] - parts["reconstruction"][i]) / parts["kl"][i] for i in (0, 1)]
    assert weights == pytest.approx([0.25, 1.0], abs=1e-3)


@pytest.mark.parametrize(("letter", "prints", "honest"), [("D", 10, 100), ("E", 3, 3)])
def test_d_and_e_print_better_than_healthy_and_are_worse(run, val, letter, prints, honest):
    healthy = evaluate(run("healthy")[0], val).elbo
    model, history = run(letter)
    assert history.val["loss"][-1] < -healthy - prints
    assert evaluate(model, val).elbo < healthy - honest


def test_d_and_e_break_the_bound_where_the_truth_is_known():
    W = torch.tensor([[1.0, 1.0], [1.0, -1.0], [0.5, 0.0]], dtype=torch.float64)
    world = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.7)
    _, x = world.sample(4, generator=torch.Generator().manual_seed(1))
    q = world.posterior(x)
    mu, logvar = q.mean, q.variance.log().expand(4, 2)

    def above(draw):
        z = draw(mu.expand(5000, 4, 2), logvar.expand(5000, 4, 2))
        bounds = world.likelihood(z).log_prob(x) - gaussian_kl(mu, logvar) - world.log_marginal(x)
        return bounds.mean().item(), bounds.mean(1).std().item() / 5000**0.5

    honest, error = above(broken.draw)
    assert abs(honest) < 4 * error
    for draw in (broken.draw_d, broken.draw_e):
        value, error = above(draw)
        assert value > 0.3 and value > 20 * error


def test_d_and_e_differ_in_the_size_of_their_noise():
    mu, logvar = torch.zeros(20_000, 3), torch.tensor([0.0, -1.0, -4.0]).expand(20_000, 3)
    std = torch.exp(0.5 * logvar)
    sizes = {k: (d(mu, logvar) / std).std(0) for k, d in {"D": broken.draw_d, "E": broken.draw_e}.items()}
    torch.testing.assert_close(sizes["D"], torch.full((3,), 0.01), rtol=0.03, atol=0)
    torch.testing.assert_close(sizes["E"], std[0], rtol=0.03, atol=0)


def test_f_says_nothing_and_pays_half_a_nat_for_each_dimension(run, val):
    model = run("F")[0]
    assert evaluate(model, val).kl == pytest.approx(5, abs=0.3)
    assert evaluate(model, val).elbo < evaluate(run("healthy")[0], val).elbo - 40
    with torch.no_grad():
        mu, logvar = model.encode(val.x)
    assert mu.min() > 0 and mu.max() <= 1 and logvar.max() <= 0


def test_g_hands_codes_to_the_decoder_that_spread_wider(run):
    model, codes = run("healthy")[0], []
    hook = model.decoder.register_forward_pre_hook(lambda module, inputs: codes.append(inputs[0]))
    with torch.no_grad():
        broken.sample_g(model, 2000)
        model.sample(2000)
    hook.remove()
    assert codes[0].std() == pytest.approx(1.5, abs=0.05) and codes[1].std() == pytest.approx(1, abs=0.05)


def test_g_draws_bolder_images_from_a_model_whose_bound_is_fine(run, val):
    model, inks = run("healthy")[0], []
    for sample in (VAE.sample, broken.sample_g):
        torch.manual_seed(3)
        inks.append((sample(model, 500) > 0.9).float().mean().item())
    assert inks[1] > 1.5 * inks[0]
    assert evaluate(model, val).elbo == pytest.approx(-run("healthy")[1].val["loss"][-1], abs=1)


def test_h_is_stuck_near_fair_coins_with_logits_from_0_to_1(run, val):
    model, history = run("H")
    assert 530 < history.val["loss"][-1] < 560
    with torch.no_grad():
        logits = model.decode(model.encode(val.x)[0])
    assert logits.min() >= 0 and logits.max() <= 1
    assert model.reconstruct(val.x).min() >= 0.5


@pytest.mark.parametrize("world", ["pen", "mnist"])
def test_i_ends_in_nan_on_scans_and_mended_it_trains_as_the_healthy_run(world, request, monkeypatch):
    if world == "mnist":
        monkeypatch.setenv("VAE_COURSE_DATA", str(request.getfixturevalue("mnist_root")))
    splits, seen = data.load(world), []
    scans = inverted(splits.train[:4000]), inverted(data.binarize(splits.val[:500], seed=1))
    with pytest.raises(TrainingError, match="is nan"):
        bugs.train("I", *scans, callbacks=[lambda e, h, m: seen.append(h)])
    assert seen and all(math.isfinite(value) for value in seen[-1].train["loss"])
    healthy, mended = (bugs.train(run, *scans, mended=run == "I")[1] for run in ("healthy", "I"))
    assert len(mended.val["loss"]) == 10
    assert mended.val["loss"][-1] == pytest.approx(healthy.val["loss"][-1], abs=4)


def test_i_loses_single_pixels_at_large_logits_only():
    one = torch.ones(1)
    assert broken.pixel_loss_i(one, torch.tensor([15.0])).isfinite()
    assert broken.pixel_loss_i(one, torch.tensor([17.0])).isnan()
    assert bugs.mend("I")(one, torch.tensor([100.0])).isfinite()


def test_j_gives_an_image_a_code_that_depends_on_its_neighbours(run, val):
    def moved(model):
        model.train()
        kin = val.x[1:][val.y[1:] == val.y[0]]
        with torch.no_grad():
            codes = [model.encode(torch.cat([val.x[:1], n[:40]]))[0][0] for n in (kin, val.x[1:])]
        model.eval()
        return (codes[0] - codes[1]).abs().max().item()

    assert moved(run("healthy")[0]) < 1e-5 and moved(run("J")[0]) > 0.5


def test_j_has_a_bound_that_is_nats_worse(run, val):
    assert evaluate(run("J")[0], val).elbo < evaluate(run("healthy")[0], val).elbo - 2


def test_j_loses_where_images_come_sorted(run, val):
    def cost_of_order(model):
        model.train()
        with torch.no_grad():
            bounds = [
                torch.cat([elbo(model, batch).elbo for batch in x.split(50)]).mean().item()
                for x in (val.x, val.x[val.y.argsort()])
            ]
        model.eval()
        return bounds[0] - bounds[1]

    assert abs(cost_of_order(run("healthy")[0])) < 2 and cost_of_order(run("J")[0]) > 15


def test_k_is_worse_than_its_own_validation_curve(run, val):
    model, history = run("K")
    calls = [-broken.evaluate_k(model, val.x) for _ in range(3)]
    assert min(calls) > history.val["loss"][-1] + 3
    assert max(calls) - min(calls) < 2 and model.training


def test_l_is_right_with_one_draw_and_far_too_good_with_many(run, val):
    model, x = run("healthy")[0], val.x[:100]
    for k, least, most in ((1, -1e-3, 1e-3), (50, 1.5, 6)):
        torch.manual_seed(0)
        sick = broken.evaluate_l(model, x, k)
        torch.manual_seed(0)
        assert least < sick - bugs.mend("L")(model, x, k) < most


def test_l_gives_an_image_a_bound_that_depends_on_its_neighbours(run, val):
    model, x = run("healthy")[0], val.x[:30]
    alone = sum(broken.evaluate_l(model, image[None], 50) for image in x) / 30
    with torch.no_grad():
        assert alone == pytest.approx(iwae_bound(model, x, k=50).mean().item(), abs=0.8)
    assert broken.evaluate_l(model, x, 50) > alone + 1


# What the learner calls -------------------------------------------------------------------------------------


def test_reveal_marks_the_line_and_weighs_the_guess(capsys):
    bugs.reveal("D", "beech")
    out = capsys.readouterr().out
    assert "You named beech. Right.\nCase D is beech: small-noise." in out
    assert "->     eps = 0.01 * torch.randn_like(mu)" in out and out.count("->     ") == 1
    bugs.reveal("D", "fir")
    out = capsys.readouterr().out
    assert "It is another one" in out and 'bugs.reveal("D")' in out
    assert not re.search("0.01|beech|small-noise|batch-norm", out)
    bugs.reveal("D", "")
    assert (out := capsys.readouterr().out).startswith("You named nobody.") and "0.01" in out
    for name in ("beeches", "small-noise"):
        with pytest.raises(ValueError, match=rf"No suspect is called '{name}': `bugs.line_up\(\)` lists"):
            bugs.reveal("D", name)
    assert capsys.readouterr().out == ""
    bugs.reveal("J")
    assert "You named" not in (out := capsys.readouterr().out) and "leave that line out" in out


def test_line_up_and_table_show_every_case(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda markdown: shown.append(markdown.data))
    bugs.line_up()
    bugs.diagnosis_table()
    for case in bugs.CASES.values():
        assert f"| `{case.suspect}` | {case.accusation} |" in shown[0] and case.name not in shown[0]
        assert f"`{case.name}`" in shown[1] and case.symptom in shown[1] and case.measurement in shown[1]
    names = re.findall(r"^\| `(\w+)`", shown[0], re.MULTILINE)
    assert names == sorted(set(names)) and len(names) == 12
    assert {line.count("|") for line in shown[0].splitlines()} == {3}
    assert {line.count("|") for line in shown[1].splitlines()} == {4}
    bugs.line_up("", "fir")
    assert set(shown[0].splitlines()) - set(shown[2].splitlines()) == {f"| `fir` | {bugs.case('J').accusation} |"}
    with pytest.raises(ValueError, match="No suspect is called 'firs'"):
        bugs.line_up("firs")


def test_neither_a_suspects_name_nor_the_place_in_the_line_up_gives_the_case_away():
    """No name shares a word with what is said of its case, and the cases stand in no order."""
    for case in bugs.CASES.values():
        told = f"{case.name} {case.accusation} {case.symptom} {case.measurement} {case.line} {case.code.__name__}"
        assert case.suspect not in re.split(r"\W+", told.lower())
    order = "".join(case.letter for case in sorted(bugs.CASES.values(), key=lambda case: case.suspect))
    assert not any(pair in order for pair in ("AB", "BC", "CD", "DE", "EF", "FG", "GH", "HI", "IJ", "JK", "KL"))


def test_the_lesson_calls_no_suspect_by_what_it_did_before_its_case_is_named():
    (path,) = settings.read().solutions.glob("09_*.py")
    text = path.read_text(encoding="utf-8")
    for letter, case in bugs.CASES.items():
        before = text[: text.index(f'guess["{letter}"]')]
        assert not re.search(rf"`{case.name}`|[\"-]{case.name}\b", before)


def test_what_does_not_exist_is_named(images, val):
    with pytest.raises(ValueError, match="no case 'Z': choose a letter from A to L"):
        bugs.reveal("Z")
    with pytest.raises(ValueError, match="no case 'Z': choose a letter from A to L"):
        bugs.mend("Z")
    with pytest.raises(ValueError, match="no case 'healthy': choose a letter from A to L"):
        bugs.train("healthy", images, val, mended=True)
    with pytest.raises(ValueError, match="no run 'G': choose one of healthy"):
        bugs.train("G", images, val)


def test_a_loss_of_ones_own_takes_the_place_of_the_runs(images, val):
    def own(model, x):
        return broken.healthy(model, x) | {"own": torch.tensor(1.0)}

    history = bugs.train("healthy", images[:200], val[:100], loss=own, epochs=1)[1]
    assert history.train["own"] == [1.0]


def test_the_core_does_not_know_the_bugs():
    for module in (VAE, LinearGaussian, evaluate, elbo):
        assert "bugs" not in inspect.getsource(inspect.getmodule(module))
