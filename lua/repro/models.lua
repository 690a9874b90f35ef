--- repro.models: networks of published sizes, which read the weights their authors published.
---
---     local clip = rp.models.CLIP()                                    -- ViT-L/14, 427.6 million weights, none in memory yet
---     rp.models.load(clip, "clip-vit-large-patch14/model.safetensors")
---     local z = clip:encode_image(x)                                   -- (B, 768)
---
---   CLIP                                both towers: ViT-L/14, or any other size           models/clip.lua
---   ViTEncoder                          vision transformers, masked autoencoders' among them   models/vit.lua
---   UNet2DConditionModel                the denoiser of Stable Diffusion 2.1               models/unet.lua
---   AutoencoderKL                       its latents                                        models/autoencoder.lua
---   LatentDiffusion                     both, as one denoiser of flat latents              models/latent_diffusion.lua
---   Tokenizer                           CLIP's words                                       models/tokenizer.lua
---   load, save, parts, outline          safetensors under the published names              models/weights.lua
---   locate, read_clip, read_vae, read_vit, read_stable_diffusion   folders as their authors distribute them    models/folder.lua
---
--- Modules and their tensors have the names of the files that Hugging Face distributes, where lists count from 0.  A model made
--- with init = "outline", the default, holds no memory for its weights: it can be counted and listed, and waits for `load`.

local models = {}

for _, part in ipairs { "weights", "clip", "vit", "unet", "autoencoder", "latent_diffusion", "tokenizer", "folder" } do
  for name, value in pairs(require("repro.models." .. part)) do models[name] = value end
end

return models
