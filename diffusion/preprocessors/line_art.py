"""Line art: the lines of a drawing, or those a pen would follow in a photograph."""

from diffusion.preprocessors.planes import luma, picture
from diffusion.smoothing import blurred
from diffusion.values import Image

WIDER = 1.6
"""The surroundings' sigma as a multiple of the line's; a difference of such Gaussians is close to their Laplacian
(Marr and Hildreth 1980).
"""


def line_art(image: Image, sigma: float, threshold: float, strength: float) -> Image:
    """White lines on black, [B, H, W, 3] in 0..1, where a picture is darker than its surroundings.

    Black lines on white paper come out white on black; of a photograph, the dark side of its edges. The ink of
    Winnemöller et al. 2006 ("Real-Time Video Abstraction", eq. 4) with τ = 1 and ε = −threshold, turned round:
    tanh(strength · (G(1.6 sigma) − G(sigma) − threshold)), never below 0, G the luma smoothed by that sigma in pixels.
    """
    plane = luma(image)
    darker = blurred(plane, WIDER * sigma) - blurred(plane, sigma)
    return picture((strength * (darker - threshold)).clamp(min=0).tanh(), image)
