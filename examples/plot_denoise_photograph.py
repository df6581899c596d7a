"""
Denoise a photograph with the model that ships
==============================================

``load_denoiser`` returns a small convolutional model for noise of unknown level. It was trained
on eight photographs, and this is none of them. The noise is locally adaptive: weak on edges,
strong on smooth parts.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_reasoning.datasets import LocallyAdaptiveNoise, load_natural_images
from sklearn_reasoning.pretrained import load_denoiser

photographs = load_natural_images("test")
clean = photographs.images[photographs.names.index("flower")][100:340, 200:440]
noise = LocallyAdaptiveNoise(low=10 / 255, high=40 / 255, random_state=0)
(noisy,) = noise.fit_transform([clean])
model = load_denoiser()
(restored,) = model.predict([noisy])


def psnr(image):
    """Return the peak signal-to-noise ratio to the clean photograph, in dB."""
    return -10 * np.log10(np.mean((np.clip(image, 0, 1) - clean) ** 2))


print(f"The noisy photograph has {psnr(noisy):.1f} dB, the restored one {psnr(restored):.1f} dB.")

# %%
# Photograph: flower, by vultilion (Flickr), CC BY 2.0, shipped with scikit-learn; turned grey and
# cut.
figure, axes = plt.subplots(1, 3, figsize=(10, 3.7), layout="constrained")
titles = ("original", f"noisy, {psnr(noisy):.1f} dB", f"restored, {psnr(restored):.1f} dB")
for ax, image, title in zip(axes, (clean, noisy, restored), titles, strict=True):
    ax.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title)
    ax.set_axis_off()
plt.show()

# %%
# Inside, each pixel has an energy of its own, and gradient descent takes k steps on it. Both of its
# parts can be looked at. The result is near (X - g) / (1 + f^2): f pulls a pixel towards black, and
# g takes the noise away. The two trade: g is below 0 on the whole, which gives back the light that
# the pull takes.
diagonal, b = (part[0] for part in model.predict_energy([noisy]))
figure, axes = plt.subplots(1, 2, figsize=(8, 3.7), layout="constrained")
taken = axes[0].imshow(noisy + b, cmap="RdBu", vmin=-0.3, vmax=0.3)
axes[0].set_title("g(X) = X + b")
pull = axes[1].imshow(diagonal - 1, cmap="magma")
axes[1].set_title("pull towards black: f(X)$^2$")
for ax, image in zip(axes, (taken, pull), strict=True):
    ax.set_axis_off()
    figure.colorbar(image, ax=ax)
plt.show()

# %%
# With fewer steps than it was trained with, pixels do not reach their place; with more they
# hardly move.
for k in (1, 5, model.k, 200):
    print(f"k = {k:3}: {psnr(model.predict([noisy], k=k)[0]):.1f} dB")
