"""The plain loop that most tutorials show, for comparison: one image at a time, one `.item()` a step."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from vae_course import data


class PlainVAE(nn.Module):
    """The 784-400-20 VAE as most tutorials write it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.fc1(x))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, logvar


def plain_loss(model: PlainVAE, x: Tensor) -> Tensor:
    """The negative bound, summed over the batch, in nats."""
    x = x.view(-1, 784)
    probabilities, mu, logvar = model(x)
    bce = F.binary_cross_entropy(probabilities, x, reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


class Digits(datasets.MNIST):
    """torchvision's own MNIST data set (its `__getitem__` is what counts here), filled with images in memory."""

    def __init__(self, images: Tensor) -> None:
        self.data = (images[:, 0] * 255).round().to(torch.uint8)
        self.targets = torch.zeros(len(images), dtype=torch.int64)
        self.transform, self.target_transform = transforms.ToTensor(), None


class PlainLoop:
    """The model, its optimiser and its data loader."""

    def __init__(self, images: Tensor) -> None:
        torch.manual_seed(0)
        self.model = PlainVAE()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.loader = DataLoader(Digits(images), batch_size=128, shuffle=True)

    def epoch(self) -> float:
        """One epoch; the mean loss of an image."""
        total = 0.0
        for x, _ in self.loader:
            self.optimizer.zero_grad()
            loss = plain_loss(self.model, x)
            loss.backward()
            total += loss.item()
            self.optimizer.step()
        return total / len(self.loader.dataset)

    @torch.no_grad()
    def test_loss(self, images: Tensor) -> float:
        torch.manual_seed(0)
        return sum(float(plain_loss(self.model, x)) for x in images.split(1000)) / len(images)


def sixty_thousand(splits: data.Splits) -> Tensor:
    """Training and validation images together: what the plain loop, which has no validation, trains on."""
    return torch.cat([splits.train.x, splits.val.x])
