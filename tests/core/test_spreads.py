"""An order that a lesson states between trained models holds with every seed that was measured, on both data sets."""

import re
from pathlib import Path

import pytest

from vae_course import claims, spreads

SOLUTIONS = Path(__file__).parents[2] / "solutions"
NAME = re.compile(r"\[([a-z0-9-]+)\]")
BOTH = ("mnist", "pen")

# By lesson: what its text says, and the same as a condition on its claims, [name] without the lesson's number.
ORDERINGS = {
    "01": [
        ("PCA needs {{mnist:01-pca-worth}} numbers to do as well", "[auto-error] < [pca-error] and [pca-worth] > 2"),
        (
            "both reconstruct about equally well",
            "abs([auto-error] - [second-error]) < 1.5 < [pca-error] - [auto-error]",
        ),
        ("where codes lie and of {{mnist:01-trip-holes}} in holes", "[trip-holes] > 2 * [trip-codes]"),
        ("The reconstructions are much better", "[wide-error] < [auto-error] - 5"),
        ("a random picture with {{mnist:01-drawn-trip}}", "[drawn-trip] > 1.5 * [wide-trip]"),
        (
            "It is the *first* that tells, far below that",
            "[wide-near] < [wide-cloud] - 0.3 < [wide-cloud] < [wide-far]",
        ),
        ("there nearly every place is a hole", "[missed-sixteen] > 75 and [missed-two] < 40"),
    ],
    "05": [
        ("times the pathwise one in 2 dimensions", "1 < [ratio-2] < [ratio-20]"),
        ("a part of the shared noise cancels", "1 < [shared-weight] < 64"),
        ("With shared noise it trembles", "[jitter-shared] > 5 * [jitter-own]"),
        ("with the path it reaches {{any:05-cut-path}}", "[cut-path] > [cut-sample] + 1"),
        ("somewhat more than the best constant", "11 < [loo-20] < 14"),
        ("with $L = 20$ it is {{any:05-urns-loo-20}} times", "[urns-loo-20] < 1 < [urns-loo-4]"),
    ],
    "09": [
        ("is worse than the healthy {{mnist:09-healthy-elbo}}", "[b-elbo] < [healthy-elbo] - 3"),
        ("The true KL is {{mnist:09-b-true-kl}} nats, the printed one", "[b-true-kl] > 5 * [b-printed-kl]"),
        ("the bound is back at the healthy value", "abs([mended-elbo] - [healthy-elbo]) < 2"),
        ("Validation less training was {{mnist:09-c-gap}} nats", "[c-gap] > 2 * abs([c-mended-gap])"),
        ("Two runs that print a *better* loss than the healthy one", "[d-printed] < [e-printed] < -[healthy-elbo]"),
        ("and its ELBO is {{mnist:09-d-elbo}}", "[d-elbo] < [healthy-elbo] - 50"),
        ("Case E printed {{mnist:09-e-printed}}, and its ELBO", "[e-elbo] < min(-[e-printed], [healthy-elbo])"),
        (
            "Both are back at the healthy bound",
            "abs([d-mended-elbo] - [healthy-elbo]) + abs([e-mended-elbo] - [healthy-elbo]) < 3",
        ),
        ("the KL never pulls back harder than", "[f-push] > [f-price]"),
        ("the bound rises from {{mnist:09-f-elbo}} to", "[f-mended-elbo] > [f-elbo] + 40"),
        ("A little worse than healthy, by some nats", "[healthy-elbo] - 20 < [j-elbo] < [healthy-elbo] - 2"),
        ("Case J loses tens of nats when the images come sorted", "[j-sorted] - [j-mixed] > 20"),
        ("in evaluation mode, rises from {{mnist:09-j-elbo}}", "[j-mended-elbo] > [j-elbo] + 2"),
        ("their length grows by half", "[g-beyond] > 10 * [prior-beyond]"),
        ("In case G {{mnist:09-g-bold}}% of the pixels are that sure", "[g-bold] > 1.5 * [g-mended-bold]"),
        ("but not by that much, so noise is no excuse", "[k-script] > [k-curve] + 2"),
        ("nats above the honest bound", "[l-above] > 1.5"),
    ],
    "10": [
        ("Going far from $\\beta = 1$ costs ELBO on either side", "max([elbo-0-25], [elbo-8]) < [elbo-1] - 3"),
        ("is small, and was there with each of three seeds", "0 < [half-behind] < 2"),
        (
            "2 to 16 even the upper estimate stays below the rate",
            "all(a < r for a, r in (([at-most-2], [split-rate-2]), "
            "([at-most-4], [split-rate-4]), ([at-most-8], [split-rate-8]), ([at-most-16], [split-rate-16])))",
        ),
        (
            "at $1/4$ these images can't tell, and at 1 hardly",
            "[at-most-0-25] == [split-rate-0-25] and 0 <= [split-rate-1] - [at-most-1] < 1",
        ),
        ("At $\\beta = 8$ the two estimates still agree", "[at-most-8] - [information-8] < 0.1 < [marginal-8]"),
        ("all variances sink, the small ones first", "[active-1] >= [active-8] >= [active-16] > [active-32]"),
        ("**better** than the {{mnist:10-elbo-1}} of the healthy VAE", "[collapsed-elbo] > [elbo-1] + 3"),
        (
            "an ELBO that is better by {{mnist:10-good-start-gain}}",
            "[good-start-gain] > 3",
        ),
        (
            "it has begun to recover by itself, slowly",
            "[on-nothing-rate] > 2 * [collapsed-rate] and [on-nothing-elbo] > [collapsed-elbo] + 3",
        ),
        (
            "all remedies but the weaker decoder would look like a success",
            "[on-weaker-decoder-elbo] < [collapsed-elbo] < "
            "min([on-annealing-elbo], [on-free-bits-elbo], [on-lower-beta-elbo])",
        ),
        (
            "is far from the {{mnist:10-on-good-start-rate}} of the *good start*",
            "[on-annealing-rate] < [on-good-start-rate] / 2",
        ),
        ("settles a little above it", "5 < [on-free-bits-rate] < 6.5"),
        (
            "The price is many nats of ELBO",
            "[on-weaker-decoder-gain] < -5 and [on-weaker-decoder-rate] > [on-nothing-rate]",
        ),
        (
            "the control pays it as well",
            "[on-good-start-elbo] - [on-good-weaker-elbo] > -[on-weaker-decoder-gain] / 2",
        ),
        ("nats, more than the control has", "[on-lower-beta-rate] > [on-good-start-rate]"),
        ("the ELBO is worse than with no remedy at all", "[on-lower-beta-gain] < 0"),
        ("the more ink, the narrower", "[ink-most] <= [ink-least] < -0.3"),
        ("comes from the width", "[width-share] > 60"),
    ],
    "11": [
        ("From 1 to 200 draws the bound rises", "[vae-gain] > 2 and [vae-last-step] > 0.1"),
        ("other draws move the mean by {{mnist:11-noise-draws}} nats", "[noise-draws] < [noise-images] / 5"),
        ("The validation loss turns", "[best-val] < [last-val] - 5"),
        ("nats higher on the training images than on the test images", "[decoder-overfit] > 10"),
        ("nats in training but {{mnist:11-gap-test}} on test images", "[gap-test] > 2 * [gap-train]"),
        ("On test images it gains {{mnist:11-refine-test}}, about", "[refine-ratio] > 3"),
        ("nats, *above* the {{mnist:11-refined-200}}", "[refined-elbo] > [refined-200] + 2"),
        ("training $\\mathcal L_5$ gains {{mnist:11-further-gain}}", "[further-gain] > 5 * [further-se]"),
        (
            "Most of it: {{mnist:11-further-own-gain}}",
            "[further-own-gain] > max([further-gain] / 2, 3 * [further-own-se])",
        ),
        ("The *ELBO* of the IWAE is lower", "[further-elbo] > 0.5"),
        ("nats on test images, where coins with a bias have", "[copier-test] < [biased-coins] < [copier-train]"),
        ("for the long training and {{mnist:11-test-stopped}}", "[test-greedy] < [test-stopped] < [vae-200]"),
        ("IWAE with $k = 5$ beats the VAE with $k = 1$", "[iwae-over-vae-1] > 3 * [iwae-over-vae-1-se]"),
        ("a lead like the paper's **does not show**", "[iwae-over-vae-5] < 0.93 / 2"),
    ],
    "12": [
        ("**more** than the 784 pixels", "[png-strip] < 784 < [png-files]"),
        ("a good deal less than zlib", "[rate] < [two-parts] < [zlib] < [coins]"),
        ("A single image is expensive", "[rate-single] > 2 * [rate]"),
        ("the score is upside down", "[auroc-ones] < 0.4 < 0.6 < [auroc-twos] and [auroc-ones-kl] < 0.5"),
        (
            "Dots, which had a better likelihood than nearly all digits",
            "[dots-score] < [usual-score] and [auroc-dots] < 0.1",
        ),
        ("Ones were upside down, and now reach", "min([typicality-ones], [less-zlib-ones]) > 0.5 > [auroc-ones]"),
        ("now reach {{mnist:12-typicality-dots}}", "min([typicality-dots], [less-zlib-dots]) > 0.9"),
        ("There is a price. Twos, which plain", "max([typicality-twos], [less-zlib-twos]) < [auroc-twos]"),
        (
            "the draws and the best code are close",
            "[wrong-80-draws] / [wrong-nearest-image] < 0.95 > [wrong-best-code] / [wrong-nearest-image]",
        ),
        ("nats more than the best code does", "[draws-gain] > 2 * [draws-gain-se]"),
        ("and pays {{mnist:12-nll-nearest-image}} nats, against", "[nll-nearest-image] > [nll-pixel-means]"),
        ("it is about as good as the average", "abs([nll-encoder] / [nll-pixel-means] - 1) < 0.15"),
        ("Image by image the draws have {{mnist:12-clean-gain}}", "[clean-gain] > 2 * [clean-gain-se]"),
        (
            "after the median. The best code leaves",
            "[clean-best-code] < [clean-median] < [clean-round-trip] < [clean-noisy]",
        ),
        ("So this VAE's code is **no better**", "[labels-behind] > -2 * [labels-behind-se]"),
    ],
}


def text(lesson: str) -> str:
    """The words of a lesson's source, on one line."""
    (path,) = SOLUTIONS.glob(f"{lesson}_*.py")
    return " ".join(line.removeprefix("#").strip() for line in path.read_text(encoding="utf-8").splitlines())


def broken(lesson: str, condition: str, world: str) -> list[str]:
    """With which seeds a condition on the claims of a lesson does not hold, and the values there."""
    names, stated = {name: f"{lesson}-{name}" for name in NAME.findall(condition)}, claims.read()
    values = {name: spreads.by_seed(full, world if world in stated[full] else "any") for name, full in names.items()}
    found = []
    for seed in range(min(len(by_seed) for by_seed in values.values())):
        here = {name: by_seed[seed] for name, by_seed in values.items()}
        if not eval(NAME.sub(r"here['\1']", condition), {"here": here}):
            found.append(f"{lesson}, seed {seed} on {world}: {condition} with {here}")
    return found


@pytest.mark.parametrize("lesson", sorted(ORDERINGS))
def test_the_text_still_says_what_is_tested_here(lesson):
    assert [sentence for sentence, _ in ORDERINGS[lesson] if sentence not in text(lesson)] == []


@pytest.mark.parametrize("lesson", sorted(ORDERINGS))
def test_an_order_that_a_lesson_states_holds_with_every_seed(lesson):
    measured = spreads.read()["runs"][lesson]
    wrong = [
        line for _, condition in ORDERINGS[lesson] for world in measured for line in broken(lesson, condition, world)
    ]
    assert measured and wrong == []


@pytest.mark.parametrize("lesson", sorted(ORDERINGS))
def test_orders_rest_on_three_seeds_on_both_data_sets(lesson):
    stated, kept = claims.read(), spreads.read()
    worlds = {world for name in stated if name.startswith(lesson) for world in stated[name]} - {"any"} or {"mnist"}
    runs = kept["runs"][lesson]
    assert worlds <= set(runs) and all(run["seeds"] >= 3 for run in runs.values())
    for name in (name for name in kept["values"] if name.startswith(lesson)):
        for world, values in kept["values"][name].items():
            assert world in stated[name] and None not in values, f"{name} is no longer stated, or not in every run"


def test_a_seed_that_disagrees_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(spreads, "PATH", tmp_path / "spreads.json")
    monkeypatch.setattr(claims, "PATH", tmp_path / "claims.json")
    for name, value in (("07-a", 1.0), ("07-b", 2.0)):
        claims.record(name, "pen", {"value": value, "tolerance": 0.1, "unit": "nats", "digits": 1})
    with pytest.raises(claims.ClaimError, match="No spread is kept for 07-a on pen.*claims 07 --seeds"):
        broken("07", "[a] < [b]", "pen")
    spreads.keep(
        "07",
        "pen",
        [{("07-a", "pen"): 1.5, ("07-b", "pen"): 1.6}, {("07-a", "pen"): 3.0, ("07-b", "pen"): 1.9}],
        torch="2",
    )
    (line,) = broken("07", "[a] < [b]", "pen")
    assert "seed 2 on pen" in line
    assert spreads.text("07-a", "pen") == "2.0"


def test_keeping_a_lesson_again_replaces_its_own_values_only(tmp_path, monkeypatch):
    monkeypatch.setattr(spreads, "PATH", tmp_path / "spreads.json")
    for lesson in ("07", "08"):
        for world in BOTH:
            spreads.keep(lesson, world, [{(f"{lesson}-old", world): 1.0, (f"{lesson}-formula", "any"): 2.0}], torch="2")
    spreads.keep("07", "pen", [{("07-new", "pen"): 5.0}, {("07-new", "pen"): 6.0}], torch="3")
    kept = spreads.read()
    assert kept["runs"]["07"] == {"mnist": {"seeds": 2, "torch": "2"}, "pen": {"seeds": 3, "torch": "3"}}
    assert kept["values"]["07-old"] == {"mnist": [1.0]} and kept["values"]["07-new"] == {"pen": [5.0, 6.0]}
    assert kept["values"]["08-old"] == {"mnist": [1.0], "pen": [1.0]}
