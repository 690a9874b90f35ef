--- Published models as they lie in folders: a configuration beside the weights.

local autoencoder = require "repro.models.autoencoder"
local clip = require "repro.models.clip"
local core = require "repro.core"
local failure = require "repro.failure"
local files = require "repro.data.files"
local latent_diffusion = require "repro.models.latent_diffusion"
local options = require "repro.options"
local unet = require "repro.models.unet"
local vit = require "repro.models.vit"
local weights = require "repro.models.weights"

local models = {}

---The folder of the run's data, once all that is wanted is in it.
---    rp.models.locate({{"clip-vit-large-patch14/model.safetensors", "openai/clip-vit-large-patch14 on Hugging Face"}, ...}, dir)
---Without dir it is that of --data, or REPRO_DATA, as for rp.data.  Error (kind "data"): a list of what is missing, and whence.
---@param wanted {[1]: string, [2]: string}[] path inside the folder, where to get it
---@param dir? string
---@return string folder
function models.locate(wanted, dir)
  local folder, missing = files.folder(dir):gsub("/$", ""), {}
  for _, row in ipairs(wanted) do
    local there = core.io.exists(folder .. "/" .. row[1])
    if not there then missing[#missing + 1] = ("  DIR/%s\n      %s"):format(row[1], row[2]) end
  end
  if #missing > 0 then
    failure.raise("data", "%d of %d things that are needed are not in %s:\n%s\n  say where they are with --data DIR", #missing,
      #wanted, folder, table.concat(missing, "\n"))
  end
  return folder
end

-- The object in a JSON file; an empty one if there is no such file.
local function configuration(path)
  if not core.io.exists(path) then return {} end
  local rp = require "repro"                               -- whose readers note what they read
  local ok, config = pcall(function() return rp.io.json_decode(rp.io.read_text(path)) end)
  if not ok or type(config) ~= "table" then
    failure.raise("data", "%s: %s", path, ok and "not a JSON object" or failure.plain(config))
  end
  return config
end

-- Those entries of a configuration that we have a name for.
local function translated(config, names)
  local result = {}
  for theirs, ours in pairs(names) do                        -- each is set once; the order does not matter
    local value = config[theirs]
    if value ~= nil and value ~= core.io.null then result[ours] = value end
  end
  return result
end

local function refuse(path, key, value, wanted)
  failure.raise("data", "%s: %s is %s; this model is written for %s", path, key, tostring(value), wanted)
end

local tower = { hidden_size = "width", num_hidden_layers = "depth", num_attention_heads = "heads", intermediate_size = "hidden",
                hidden_act = "activation" }

local function with(names, more)
  local all = {}
  for key, value in pairs(names) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

---A CLIP from a folder with model.safetensors and, for other sizes than ViT-L/14, config.json, as transformers writes them.
---Errors (kind "data") as load.
---@param folder string
---@return CLIP
function models.read_clip(folder)
  local config = configuration(folder .. "/config.json")
  local model = clip.CLIP { projection = config.projection_dim,
    vision = translated(config.vision_config or {}, with(tower, { image_size = "size", patch_size = "patch" })),
    text = translated(config.text_config or {}, with(tower, { vocab_size = "vocabulary", max_position_embeddings = "length" })) }
  return weights.load(model, folder .. "/model.safetensors")
end

local file = "/diffusion_pytorch_model.safetensors"

local function read_unet(folder)
  local path = folder .. "/config.json"
  local config = configuration(path)
  local given = translated(config, { in_channels = "in_channels", out_channels = "out_channels", block_out_channels = "channels",
    attention_head_dim = "heads", layers_per_block = "per_level", cross_attention_dim = "context", norm_num_groups = "groups" })
  if config.use_linear_projection == false then refuse(path, "use_linear_projection", false, "true (Stable Diffusion 2)") end
  local levels = given.channels or { 320, 640, 1280, 1280 }
  if type(given.heads) == "number" then
    local heads = {}
    for i = 1, #levels do heads[i] = given.heads end
    given.heads = heads
  end
  for i, kind in ipairs(config.down_block_types or {}) do
    local wanted = i < #levels and "CrossAttnDownBlock2D" or "DownBlock2D"
    if kind ~= wanted then refuse(path, "down_block_types." .. i - 1, kind, wanted) end
  end
  return weights.load(unet.UNet2DConditionModel(given), folder .. file)
end

---The autoencoder of Stable Diffusion from a folder with diffusion_pytorch_model.safetensors and, for other sizes, config.json.
---@param folder string
---@return AutoencoderKL
---@return number? scale what latents are multiplied by, if config.json says so
function models.read_vae(folder)
  local config = configuration(folder .. "/config.json")
  local vae = autoencoder.AutoencoderKL(translated(config, { in_channels = "in_channels", latent_channels = "latent_channels",
    block_out_channels = "channels", layers_per_block = "per_level", norm_num_groups = "groups" }))
  return weights.load(vae, folder .. file), config.scaling_factor
end

---A vision transformer from a folder with model.safetensors and, for other sizes than ViT-H/14, config.json, as transformers
---writes ViTMAEForPreTraining and other models with a ViT inside, whose tensors begin with "vit.".
---Errors (kind "data") as load.
---@param folder string
---@return ViTEncoder
function models.read_vit(folder)
  local config = configuration(folder .. "/config.json")
  local sizes = translated(config, { image_size = "size", patch_size = "patch", hidden_size = "width", num_hidden_layers = "depth",
    num_attention_heads = "heads", intermediate_size = "hidden", layer_norm_eps = "eps" })
  return weights.load(vit.ViTEncoder(sizes), folder .. "/model.safetensors", { prefix = "vit." })
end

local predictions = { epsilon = "eps", v_prediction = "v" }

---Stable Diffusion from a folder with unet/, vae/ and, if it is there, scheduler/, as diffusers writes them.
---    rp.models.read_stable_diffusion(folder, {image = 512})
---image is the side of the images; the field `prediction` of the result is "eps" or "v" (without scheduler/: "v", that of 2.1).
---Errors (kind "data") as load; a configuration that is of another kind of model.
---@param folder string
---@param given? table
---@return LatentDiffusion
function models.read_stable_diffusion(folder, given)
  local o = options("read_stable_diffusion", given, { image = 512 })
  local vae, scale = models.read_vae(folder .. "/vae")
  local path = folder .. "/scheduler/scheduler_config.json"
  local kind = configuration(path).prediction_type or "v_prediction"
  if not predictions[kind] then refuse(path, "prediction_type", kind, "epsilon or v_prediction") end
  local both = latent_diffusion.LatentDiffusion { unet = read_unet(folder .. "/unet"), vae = vae, size = o.image // vae.factor,
                                                  scale = scale }
  both.prediction = predictions[kind]
  return both
end

return models
