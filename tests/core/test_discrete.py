"""Quantisers against brute force, the prior against all grids that there are, and the account against enumeration."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical

from vae_course import discrete
from vae_course.discrete import FiniteScalarQuantiser, TokenPrior, TokenVAE, VectorQuantiser
from vae_course.exercises.lessons import get


def features(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def prior(n_codes=3, grid=(2, 2), seed=0):
    torch.manual_seed(seed)
    made = TokenPrior(n_codes, grid, channels=4, layers=3).double()
    for parameter in made.parameters():  # far from where it starts, so that places and tokens matter
        parameter.data += 0.5 * torch.randn_like(parameter)
    return made


def all_grids(n_codes, grid):
    return torch.tensor(list(itertools.product(range(n_codes), repeat=math.prod(grid)))).view(-1, *grid)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 4), st.integers(0, 1000))
def test_the_nearest_code_is_the_one_with_the_smallest_distance(n, n_codes, dim, seed):
    z_e, codebook = features(n, 2, dim, seed=seed).double(), features(n_codes, dim, seed=seed + 1).double()
    distance = (z_e.unsqueeze(-2) - codebook).square().sum(-1)
    tokens = discrete.nearest(z_e, codebook)
    assert tokens.shape == (n, 2)
    assert torch.allclose(distance.gather(-1, tokens.unsqueeze(-1)).squeeze(-1), distance.amin(-1))


def test_the_gradient_passes_straight_through_the_choice():
    z_e = features(5, 3).requires_grad_()
    quantised = VectorQuantiser(4, 3, decay=None).eval()(z_e)
    weight = features(5, 3, seed=2)
    (g,) = torch.autograd.grad((weight * quantised.z_q).sum(), z_e)
    assert torch.equal(g, weight)


def test_the_codebook_term_moves_codes_only_and_the_commitment_features_only():
    quantiser, z_e = VectorQuantiser(4, 3, decay=None).eval(), features(5, 3).requires_grad_()
    quantised = quantiser(z_e)
    to_codes = torch.autograd.grad(quantised.codebook.sum(), quantiser.codebook, retain_graph=True)[0]
    assert to_codes.abs().sum() > 0
    assert torch.autograd.grad(quantised.codebook.sum(), z_e, retain_graph=True, allow_unused=True) == (None,)
    to_features = torch.autograd.grad(quantised.commitment.sum(), z_e, retain_graph=True)[0]
    assert torch.allclose(to_features, 2 * (z_e - quantiser.lookup(quantised.tokens)).detach())
    assert torch.autograd.grad(quantised.commitment.sum(), quantiser.codebook, allow_unused=True) == (None,)


def test_the_running_means_are_those_of_the_paper():
    """Means as quotients of two running sums, which is how appendix A.1 writes them; no code is moved elsewhere."""
    quantiser = VectorQuantiser(3, 2, decay=0.9, start="random", revive=0.0)
    batches = [features(20, 2, seed=s) for s in range(4)]
    codes = quantiser.codebook.clone()
    n = m = None
    for batch in batches:
        tokens = discrete.nearest(batch, codes)
        one_hot = torch.nn.functional.one_hot(tokens, 3).float()
        new_n, new_m = one_hot.sum(0), one_hot.T @ batch
        # The first batch counts in full; it pulls the sums, which begin at the codes, by a tenth.
        m = new_n.unsqueeze(1) * codes if n is None else m
        n = new_n if n is None else 0.9 * n + 0.1 * new_n
        m = 0.9 * m + 0.1 * new_m
        codes = torch.where(n.unsqueeze(1) > 0, m / n.unsqueeze(1).clamp_min(1e-12), codes)
        quantiser(batch)
    assert torch.allclose(quantiser.codebook, codes, atol=1e-5)


def test_a_code_that_nothing_chooses_stays_where_it_is_unless_it_is_revived():
    for revive, moved in ((0.0, False), (0.01, True)):
        quantiser = VectorQuantiser(3, 2, start="random", revive=revive)
        quantiser.codebook.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [50.0, 50.0]]))
        batch = features(30, 2)
        quantiser(batch)
        assert torch.equal(quantiser.codebook[2], torch.tensor([50.0, 50.0])) != moved
        if moved:
            assert (batch == quantiser.codebook[2]).all(1).any()


def test_the_first_batch_gives_the_codes_and_evaluation_changes_nothing():
    quantiser, batch = VectorQuantiser(6, 2, decay=0.0, revive=0.0), features(6, 2)
    before = quantiser.codebook.clone()
    quantiser.eval()(batch)
    assert torch.equal(quantiser.codebook, before) and not quantiser.started
    quantised = quantiser.train()(batch)
    assert torch.allclose(quantised.z_q, batch) and sorted(quantised.tokens.tolist()) == list(range(6))


def test_fewer_features_than_codes_start_them_all():
    quantiser, batch = VectorQuantiser(6, 2), features(3, 2)
    quantiser(batch)
    assert (quantiser.codebook.unsqueeze(1) - batch).square().sum(-1).amin(1).max() < 1


@given(st.lists(st.integers(2, 6), min_size=1, max_size=3), st.integers(0, 100))
def test_finite_scalars_are_rounded_to_their_grid(levels, seed):
    quantiser, z_e = FiniteScalarQuantiser(levels), 3 * features(7, len(levels), seed=seed)
    quantised = quantiser(z_e)
    assert quantiser.n_codes == math.prod(levels) and len(quantiser.codebook.unique(dim=0)) == math.prod(levels)
    assert torch.allclose(quantised.z_q, quantiser.lookup(quantised.tokens), atol=1e-6)
    for d, n in enumerate(levels):
        values = torch.linspace(-1, 1, n)
        squashed = n / (n - 1) * torch.tanh(z_e[:, d])  # from -n/(n-1) to n/(n-1): half a step beyond either end
        assert torch.allclose(quantised.z_q[:, d], values[(squashed.unsqueeze(1) - values).abs().argmin(1)], atol=1e-6)


def test_finite_scalars_pass_the_gradient_of_the_squashing():
    z_e = features(5, 2).requires_grad_()
    (g,) = torch.autograd.grad(FiniteScalarQuantiser((4, 3))(z_e).z_q.sum(), z_e)
    share = torch.tensor([4 / 3, 3 / 2])
    assert torch.allclose(g, share * (1 - torch.tanh(z_e.detach()).square()), atol=1e-6)


def test_the_prior_sums_to_one_over_all_grids():
    made = prior()
    assert torch.logsumexp(made.log_prob(all_grids(3, (2, 2))), 0).item() == pytest.approx(0, abs=1e-12)


def test_the_prior_sees_the_places_before_and_no_others():
    made, tokens = prior(4, (3, 3)), torch.randint(4, (1, 3, 3), generator=torch.Generator().manual_seed(1))
    places = list(itertools.product(range(3), range(3)))
    for changed, place in enumerate(places):
        other = tokens.clone()
        other[0][place] = (other[0][place] + 1) % 4
        moved = (made.logits(tokens) - made.logits(other)).abs().sum(-1)[0].flatten() > 0
        assert not moved[: changed + 1].any()
        assert changed == 8 or moved[changed + 1 :].any()


def test_samples_of_the_prior_come_as_often_as_it_says():
    made, n = prior(2, (2, 2)), 20_000
    drawn = made.sample(n, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([[8, 4], [2, 1]])
    shares = torch.bincount((drawn * weights).sum((1, 2)), minlength=16) / n
    p = made.log_prob(all_grids(2, (2, 2))).exp().detach()
    often = p > 1e-3
    assert often.sum() > 5 and ((shares - p).abs() < 5 * (p * (1 - p) / n).sqrt())[often].all()


def test_the_account_is_distortion_and_rate_of_the_tokens():
    torch.manual_seed(0)
    model, x = TokenVAE.fsq((3, 2)).eval(), (features(5, 1, 28, 28) > 1).float()
    model_prior = TokenPrior(6, channels=4, layers=2)
    account = discrete.token_costs(model, x, model_prior.log_prob, batch_size=2)
    tokens = model.tokens(x)
    p = torch.sigmoid(model.decode(model.codes(tokens)))
    by_hand = -(x * p.log() + (1 - x) * (1 - p).log()).sum((1, 2, 3))
    assert torch.allclose(account.distortion, by_hand, rtol=1e-4)
    logits = model_prior.logits(tokens)
    assert torch.allclose(account.rate, -Categorical(logits=logits).log_prob(tokens).sum((1, 2)), rtol=1e-4)
    assert torch.allclose(account.total, account.distortion + account.rate)
    assert torch.allclose(discrete.token_costs(model, x).rate, torch.full((5,), 49 * math.log(6)))


def test_the_loss_has_the_sums_over_places_and_pixels():
    torch.manual_seed(0)
    model, x = TokenVAE.vq(8, 4, decay=None, start="random").eval(), (features(3, 1, 28, 28) > 1).float()
    terms = discrete.token_loss(model, x, commitment=0.5)
    distance = (model.encode(x) - model.codes(model.tokens(x))).square().sum((1, 2, 3)).mean()
    assert torch.allclose(terms["reconstruction"], discrete.token_costs(model, x).distortion.mean())
    assert torch.allclose(terms["loss"], terms["reconstruction"] + 1.5 * distance)


def test_the_weight_of_the_commitment_is_none_of_the_codebook_term():
    torch.manual_seed(0)
    model, x = TokenVAE.vq(8, 4, decay=None, start="random").eval(), (features(3, 1, 28, 28) > 1).float()
    (g,) = torch.autograd.grad(discrete.token_loss(model, x, commitment=0.5)["loss"], model.quantiser.codebook)
    one_hot = torch.nn.functional.one_hot(model.tokens(x), 8).float().flatten(0, 2)
    pull = one_hot.T @ (model.codes(model.tokens(x)) - model.encode(x)).detach().flatten(0, 2)
    assert torch.allclose(g, 2 * pull / 3, rtol=1e-4, atol=1e-6)


def test_the_loss_of_the_prior_takes_tokens_as_fit_has_them():
    made, tokens = prior(), all_grids(3, (2, 2))[:7]
    assert torch.allclose(discrete.prior_loss(made, tokens.double())["loss"], -made.log_prob(tokens).mean())


def test_training_lowers_the_loss_and_reaches_every_parameter():
    torch.manual_seed(0)
    model, x = TokenVAE.vq(8, 4, ink=0.1), (features(16, 1, 28, 28) > 1.3).float()
    discrete.token_loss(model, x)["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@given(st.integers(2, 50))
def test_perplexity_counts_equally_used_codes(n):
    tokens = torch.arange(n).repeat(3).view(3, n)
    assert discrete.perplexity(tokens, n + 3).item() == pytest.approx(n, rel=1e-5)


def test_perplexity_of_a_whole_set_is_not_the_mean_over_its_parts():
    tokens = torch.tensor([[0, 0], [1, 1]])
    assert [discrete.perplexity(part, 2).item() for part in tokens] == [1, 1]
    assert discrete.perplexity(tokens, 2).item() == pytest.approx(2)


def test_usage_counts_tokens_of_any_shape():
    assert torch.allclose(discrete.usage(torch.tensor([[[0, 2], [2, 2]]]), 4), torch.tensor([0.25, 0, 0.75, 0]))


def test_tokens_of_a_set_are_those_of_its_images():
    torch.manual_seed(0)
    model, x = TokenVAE.vq(8, 4), (features(5, 1, 28, 28) > 1).float()
    found = discrete.tokens_of(model, x, batch_size=2)
    assert model.training and torch.equal(found, model.eval().tokens(x))


def test_asking_for_tokens_or_reconstructions_leaves_a_codebook_in_training_as_it_is():
    torch.manual_seed(0)
    model, x = TokenVAE.vq(8, 4, start="random"), (features(5, 1, 28, 28) > 1).float()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.tokens(x), model.reconstruct(x)
    assert model.training and model.quantiser.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.quantiser(model.encode(x))
    assert not torch.equal(model.quantiser.codebook, before["quantiser.codebook"])


def test_the_decoder_starts_at_the_mean_ink():
    torch.manual_seed(0)
    model = TokenVAE.vq(8, 4, ink=0.1)
    assert model.decode_mean(torch.zeros(2, 7, 7, 4)).mean().item() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: discrete.nearest(torch.zeros(2, 3), torch.zeros(4, 2)), "the last axis must too"),
        (lambda: VectorQuantiser(1), "n_codes is 1"),
        (lambda: VectorQuantiser(decay=1.0), "decay is 1.0"),
        (lambda: VectorQuantiser(start="zero"), "start is 'zero'"),
        (lambda: VectorQuantiser(revive=1.0), "revive is 1.0"),
        (lambda: FiniteScalarQuantiser(()), "levels is empty"),
        (lambda: FiniteScalarQuantiser((1, 8)), "a level is 1"),
        (lambda: FiniteScalarQuantiser((3, 3))(torch.zeros(2, 3)), "there are 2 levels"),
        (lambda: TokenVAE(VectorQuantiser(), shape=(1, 30, 28)), "multiples of 4"),
        (lambda: TokenVAE.vq(ink=0.0), "ink is 0.0"),
        (lambda: TokenVAE.vq().encode(torch.zeros(2, 1, 8, 8)), "takes batches of images"),
        (lambda: TokenVAE.vq().decode(torch.zeros(2, 7, 7, 3)), "decodes grids of codes"),
        (lambda: discrete.token_loss(TokenVAE.vq(), torch.zeros(1, 1, 28, 28), commitment=-1), "commitment is -1"),
        (lambda: TokenPrior(8).logits(torch.zeros(2, 49, dtype=torch.long)), "this prior takes"),
        (lambda: TokenPrior(8).log_prob(torch.full((1, 7, 7), 8)), "outside of 0 to 7"),
        (lambda: TokenPrior(8).sample(0), "n is 0"),
        (lambda: discrete.perplexity(torch.zeros(0), 3), "tokens is empty"),
    ],
)
def test_bad_input_gets_one_clear_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_whole_numbers_are_no_pixels():
    with pytest.raises(TypeError, match="floating-point pixels"):
        TokenVAE.vq().encode(torch.zeros(2, 1, 28, 28, dtype=torch.long))


def test_the_answer_in_words_of_lesson_14_states_what_49_tokens_of_64_cost():
    words = get("14-why").solution
    assert f"log 64 = {math.log(64):.2f} nats" in words and f"{49 * math.log(64):.1f} nats" in words
