"""Fold batch norms into the convolutions before them: fewer numbers to store, fewer operations, the same function."""

from __future__ import annotations

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_norms(module: nn.Module) -> nn.Module:
    """Fold, in place, every batch norm that directly follows a convolution among its siblings; evaluation mode only.

    An identity takes the norm's place, so all other names stay. Folding twice changes nothing.
    """
    previous: tuple[str, nn.Module] | None = None
    for name, child in list(module.named_children()):
        if isinstance(child, nn.BatchNorm2d) and previous is not None and isinstance(previous[1], nn.Conv2d):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1].eval(), child.eval()))
            setattr(module, name, nn.Identity())
        else:
            fold_norms(child)
        previous = (name, getattr(module, name))
    return module
