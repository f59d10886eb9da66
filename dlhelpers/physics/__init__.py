"""Physics beside deep learning: reaction-diffusion, patterns in adversarial training."""
