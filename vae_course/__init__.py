"""Learn variational autoencoders: a helper package for the notebooks of the VAE course.

The modules are meant to be read in this order: `distributions`, `exact`, `networks`, `models`, `objectives`, `data`,
`training`, `evaluation`, `plotting`, `widgets`. Importing the package itself loads none of them.
"""

import os
import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

# PyTorch's threads wait for each other by spinning, which beside a busy neighbour takes several times as long as sleeping
# does. GNU's, Intel's and LLVM's OpenMP read this when PyTorch loads them; what somebody has set stays.
if "torch" not in sys.modules:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Where older notebooks look for a module, and where it stands.
_MOVED = {
    "steps": "derivations",
    "anomaly": "studies.anomaly",
    "bugs": "studies.bugs",
    "collapse": "studies.collapse",
    "compression": "studies.compression",
    "information": "studies.information",
    "inverse": "studies.inverse",
    "rate_distortion": "studies.rate_distortion",
    "replicate": "studies.replicate",
    "doctor": "tools.doctor",
}


def __getattr__(name: str) -> ModuleType:
    """A module by the name that it had before: `from vae_course import compression`."""
    if name in _MOVED:
        return import_module(f"vae_course.{_MOVED[name]}")
    raise AttributeError(f"module 'vae_course' has no attribute {name!r}")
