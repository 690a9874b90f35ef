--- repro.unsupervised: representations learned without labels, to compare others with.
---
---     local ae = unsupervised.AE(encoder, decoder, { l1 = 1e-5 })
---     unsupervised.train(ae, x, { steps = 800, batch = 128, lr = 2e-3, seed = 1 })
---     local z = unsupervised.encode(ae, x)
---
---   AE, VAE           reconstruction                                unsupervised/autoencoder.lua
---   MaskedAE          reconstruction of hidden patches              unsupervised/masked.lua
---   SimCLR            contrast of two views; views.augmented, views.gauss     unsupervised/simclr.lua
---   Supervised        a classifier, to compare with                 unsupervised/supervised.lua
---   train, encode     the same steps for each of them               unsupervised/train.lua
---
--- A model is a module with loss(x, g[, y]) -> scalar, of images x (B, ...) and a generator, and encode(x) -> (B, c).

local unsupervised = {}

for _, part in ipairs { "autoencoder", "masked", "simclr", "supervised", "train" } do
  for name, value in pairs(require("repro.unsupervised." .. part)) do unsupervised[name] = value end
end

return unsupervised
