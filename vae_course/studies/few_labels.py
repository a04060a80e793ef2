"""What a representation is worth to somebody with few labels: a linear classifier, and labels spread to neighbours."""

import torch
from torch import Tensor
from torch.nn import functional as F

PENALTY = 0.01  # near the best for codes and for pixels alike, on both data sets of the course


def draw(y: Tensor, *, per_class: int, seed: int) -> Tensor:
    """Indices of `per_class` random examples of each class of y `[N]`, one after the other.

    Raises:
        ValueError: a class has fewer examples than that.
    """
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    members = [order[y[order] == label] for label in y.unique()]
    fewest = min(map(len, members))
    if fewest < per_class:
        raise ValueError(
            f"A class has {fewest} examples, too few to show {per_class} labels: give a smaller per_class."
        )
    return torch.cat([those[:per_class] for those in members])


def logistic(features: Tensor, y: Tensor, *, penalty: float = PENALTY) -> tuple[Tensor, Tensor]:
    """Logistic regression: the weights `[D, K]` and biases `[K]` that minimise, with scores s = features W + b,

    mean of -log softmax(s)_y + penalty ||W||^2.

    Args:
        features: `[N, D]`.
        y: classes 0 to K - 1, `[N]`.
        penalty: weight of the squared length; the biases go free.
    """
    weights = torch.zeros(features.shape[1], int(y.max()) + 1, dtype=features.dtype, requires_grad=True)
    biases = torch.zeros(weights.shape[1], dtype=features.dtype, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, biases], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(features @ weights + biases, y) + penalty * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach(), biases.detach()


def accuracy(
    train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, per_class: int = 10, draws: int = 10
) -> Tensor:
    """Share of right answers on the test set after training on few labels, once for each draw of them, `[draws]`.

    All features are centred and scaled alike, so that their mean squared length is 20 whatever they are: the penalty then
    weighs the same for codes and for pixels. Draw n is the same for every representation of the same images.

    Args:
        train: features `[N, D]`, of which only those drawn show their labels, and labels `[N]`.
        test: features `[M, D]` and labels `[M]`.
        per_class: labels shown of each class.
        draws: how often labels are drawn.
    """
    (known, y), (asked, truth) = train, test
    centre = known.mean(0)
    scale = ((known - centre).square().sum(1).mean() / 20).sqrt()
    known, asked = (known - centre) / scale, (asked - centre) / scale
    shares = []
    for seed in range(draws):
        shown = draw(y, per_class=per_class, seed=seed)
        weights, biases = logistic(known[shown], y[shown])
        shares.append(((asked @ weights + biases).argmax(1) == truth).double().mean())
    return torch.stack(shares)


def spread(
    features: Tensor, shown: Tensor, y: Tensor, *, neighbours: int = 10, keep: float = 0.99, steps: int = 100
) -> Tensor:
    """Class of every example, `[N]`, by label spreading from those shown along a graph of nearest neighbours.

    F <- keep S F + (1 - keep) Y, many times, with S = D^-1/2 W D^-1/2, W joining each example and its nearest neighbours,
    and Y the shown labels, one-hot.

    Args:
        features: `[N, D]`; all examples, labelled or not, take part.
        shown: indices of the examples whose labels are seen.
        y: classes 0 to K - 1 of those shown, in their order.
        neighbours: how many each example is joined with; a pair is joined if either chose the other.
        keep: how much of its neighbours' belief an example takes at each step, above 0 and below 1.
        steps: of the iteration.

    Raises:
        ValueError: there are too few examples for so many neighbours, no one label for each shown, or keep is no share.

    Source: Zhou and others, Learning with Local and Global Consistency (2004).
    """
    n = len(features)
    if not (1 <= neighbours < n and 0 < keep < 1 and shown.shape == y.shape):
        raise ValueError(
            f"{neighbours} neighbours among {n} examples, keep {keep:g}, {len(shown)} shown and {len(y)} labels: give fewer"
            " neighbours than examples, a share between 0 and 1, and one label for each shown."
        )
    squares = features.square().sum(1)
    nearest = []
    for start in range(0, n, 1000):  # so that not all pairs are in memory at once
        part = slice(start, start + 1000)
        apart = squares - 2 * features[part] @ features.T
        rows = torch.arange(start, start + len(apart))
        apart[torch.arange(len(apart)), rows] = torch.inf
        nearest.append(apart.topk(neighbours, largest=False).indices)
    one, other = torch.arange(n).repeat_interleave(neighbours), torch.cat(nearest).flatten()
    pairs = torch.stack([torch.cat([one, other]), torch.cat([other, one])])
    pairs = torch.unique(pairs, dim=1)
    degree = torch.bincount(pairs[0], minlength=n).to(features.dtype)
    weights = (degree[pairs[0]] * degree[pairs[1]]).rsqrt()
    joined = torch.sparse_coo_tensor(pairs, weights, (n, n), check_invariants=True).coalesce()
    told = features.new_zeros(n, int(y.max()) + 1)
    told[shown, y] = 1
    belief = told
    for _ in range(steps):
        belief = keep * torch.sparse.mm(joined, belief) + (1 - keep) * told
    return belief.argmax(1)
