"""Drag through the plane of codes while the digit follows, decoded in the page itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import traitlets
from torch import Tensor, nn

from vae_course.plotting.arrays import decoded
from vae_course.plotting.figure import AltFigure
from vae_course.widgets.pad import page, static
from vae_course.widgets.pad.contents import contents
from vae_course.widgets.pad.layers import NotInPage, PageDecoder, stack_of
from vae_course.widgets.pad.plane import Plane, nearest, place, prior_contours
from vae_course.widgets.shell import ErrorBox, Shell

MOST_IMAGES = 2000  # 200 kB of small pictures; more points would only cover one another


class LatentPad(Shell):
    """The plane of a two-dimensional VAE's codes: drag z through it and see what the decoder makes of it.

    The images lie at their codes, coloured and labelled by class; dashed curves hold 50, 90 and 99 % of the prior. Drag in
    the plane, or focus it and press the arrow keys (with Shift ten steps at once, Home for the centre). Beside it are
    the decoded picture and the real image whose code is nearest. "Record a path" keeps the codes that z goes through:
    afterwards `model.decode_mean(torch.from_numpy(pad.path))` is the film of it.

    The weights that the decoder has now travel to the browser, which decodes each picture itself: 60 frames a second,
    and without a kernel too. Decoders other than linear layers and simple activations stay here, and each picture comes
    from the kernel. In Colab, anywidget switches on the manager for custom widgets by itself, so nothing need be done.

    Traits, which can be set and observed: `z`, the code that is shown, a pair of floats; `path`, the codes of the
    recorded path, float32 `[n, 2]`.

    Args:
        model: a VAE with `latent_dim` 2, or any function from codes `[B, 2]` to mean images `[B, 1, H, W]` in [0, 1].
        images: `Images`, best of the validation set, or a tensor `[N, 1, H, W]` in [0, 1]; at most 2,000 of them are
            shown, spread evenly over all.
        codes: where the images lie, `[N, 2]`; left out, at the means of their posteriors.

    Raises:
        TypeError: the model can't decode, or the pixels are whole numbers.
        ValueError: the codes have other than two dimensions, or images or decoded pictures are none.
        ImportError: anywidget is not installed.
    """

    z = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 0.0))
    path = traitlets.Instance(np.ndarray)

    def __init__(self, model: Any, images: Any = None, *, codes: Any = None) -> None:
        # What a bound method such as `model.decode_mean` belongs to can encode too, and has a prior.
        self.model = getattr(model, "__self__", model)
        self.decode_mean = _decode_mean(model, self.model)
        first = decoded(self.decode_mean, torch.zeros(1, 2))[0]
        self.plane: Plane | None = None if images is None else place(self.model, images, codes, most=MOST_IMAGES)
        self.contours = prior_contours(self.model.prior() if hasattr(self.model, "prior") else None)
        self.stack, self.reason = _stack(self.model, self.decode_mean)
        self._shape = (first.shape[0], first.shape[1])
        shown = contents(self.stack, self.plane, shape=self._shape, contours=self.contours, reason=self.reason)
        self.view, self.error = _view()(shown), ErrorBox()
        super().__init__([self.view, self.error], name="vae-pad-shell")
        self._connect()

    @property
    def nearest(self) -> int | None:
        """Which image, of those shown in the plane, has the code nearest to z: `images.x[pad.nearest]`; None without."""
        return None if self.plane is None else int(self.plane.positions[nearest(self.plane.codes, self.z)])

    def to_html(self, file: str | Path, *, title: str = "My VAE") -> Path:
        """Write the pad as one page under 1 MB, which anybody can open from disk, without a network or a kernel.

        Its weights have 16 bits each; how much that can change a pixel is measured over the whole plane, is at most
        0.001, and stands at the foot of the page. It shows as many of the images as there is room for.

        Returns:
            Where the page is.

        Raises:
            ValueError: the decoder can't run in a page, is too large for 1 MB, or loses too much in 16 bits.
            FileNotFoundError: there is no such folder.
        """
        if self.stack is None:
            raise ValueError(
                f"This pad can't become a page of its own, because {self.reason}: only linear layers with simple "
                "activations run in a page, as in VAE.mlp(2)."
            )
        target = Path(file)
        if not target.parent.is_dir():
            raise FileNotFoundError(f"There is no folder {target.parent}: make it first, or name another.")
        made = page.page(
            self.stack, self.plane, self.decode_mean, shape=self._shape, contours=self.contours, title=title
        )
        target.write_text(made, encoding="utf-8", newline="\n")
        return target

    def static(self) -> AltFigure:
        """The codes beside what is decoded there, for a page on which nothing can be moved."""
        return static.picture(self.decode_mean, self.plane, self.contours)

    def stand_in(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The static picture with its text alternative."""
        bundle, metadata = super().stand_in()
        # In Colab anywidget says here where the manager for custom widgets is.
        return bundle, {**metadata, **self.view._repr_mimebundle_()[1]}

    @traitlets.default("path")
    def _no_path(self) -> np.ndarray:
        return np.empty((0, 2), np.float32)

    @traitlets.validate("z")
    def _finite(self, proposal: Any) -> tuple[float, float]:
        if not np.isfinite(proposal["value"]).all():
            raise traitlets.TraitError(f"z is {proposal['value']}: give two finite numbers.")
        return proposal["value"]

    @traitlets.validate("path")
    def _in_the_plane(self, proposal: Any) -> np.ndarray:
        path = proposal["value"].astype(np.float32)
        if path.ndim != 2 or path.shape[1] != 2 or not np.isfinite(path).all():
            raise traitlets.TraitError(f"path has shape {list(path.shape)}: give finite codes, [n, 2].")
        return path

    def _connect(self) -> None:
        """Keep the traits of this shell and those of the view equal, and answer what the page asks."""
        traitlets.link((self, "z"), (self.view, "z"))
        self.observe(lambda change: setattr(self.view, "path", change["new"].astype("<f4").tobytes()), "path")
        self.view.observe(self._recorded, "path")
        self.view.on_msg(self._asked)

    def _recorded(self, change: Any) -> None:
        """A path came from the page, or is the echo of one that was set here."""
        path = np.frombuffer(change["new"], "<f4").reshape(-1, 2)
        if not np.array_equal(path, self.path):
            self.path = path

    def _asked(self, _: Any, message: dict[str, Any], __: Any) -> None:
        """The page wants the picture of a code: send it, or say that there is none."""
        z = [float(value) for value in message["z"]]
        with self.error.guard(f"Decoding z = ({z[0]:.2f}, {z[1]:.2f})"):
            pixels: list[bytes] = []
            try:
                pixels = [decoded(self.decode_mean, torch.tensor([z]))[0].astype("<f4").tobytes()]
            finally:  # the page waits for an answer, also for one without a picture
                self.view.send({"z": z}, buffers=pixels)


def _decode_mean(model: Any, owner: Any) -> Callable[[Tensor], Tensor]:
    """How the model decodes; if it is a method, `owner` is what it belongs to.

    Raises:
        TypeError: it can't.
        ValueError: its codes have other than two dimensions.
    """
    # A bare network is asked by its method, from which `in_evaluation` knows whose mode to switch.
    decode = getattr(model, "decode_mean", model.forward if isinstance(model, nn.Module) else model)
    if not callable(decode):
        raise TypeError(
            f"The model, a {type(model).__name__}, can't decode: give a VAE, or a function from z to images."
        )
    latent_dim = getattr(owner, "latent_dim", 2)
    if latent_dim != 2:
        raise ValueError(
            f"The pad is a plane and this model's codes have {latent_dim} dimensions: use LatentExplorer(model), or train a "
            "model with two, VAE.mlp(2)."
        )
    return decode


def _stack(model: Any, decode_mean: Callable[[Tensor], Tensor]) -> tuple[PageDecoder | None, str]:
    """The decoder for the page, or None and the reason why it stays in the kernel."""
    try:
        return stack_of(model, decode_mean), ""
    except NotInPage as error:
        return None, str(error)


def _view() -> Any:
    """The class of the part in the browser.

    Raises:
        ImportError: anywidget is not installed.
    """
    try:
        from vae_course.widgets.pad.view import PadView
    except ImportError:
        raise ImportError(
            "LatentPad needs the package anywidget: run `%pip install anywidget`, then restart the kernel."
        ) from None
    return PadView
