"""The latent pad: the plane of codes, and the digit that belongs to each point, decoded in the page itself.

`layers` describes a decoder as data, `plane` the codes around it, `contents` puts both into the form that `pad.js` reads,
`view` shows them in a notebook and `page` in a file of its own. `latent_pad` is the shell that a learner meets.
"""

from vae_course.widgets.pad.latent_pad import LatentPad

__all__ = ["LatentPad"]
