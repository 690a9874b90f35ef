--- papers/dcr.lua --scale paper, on models of the published kinds at a width that a test can afford.
-- luacheck: ignore 122
local rp = require "repro"
local T = require "tap"
local command = require "command"
local models = rp.models

local program = command.needs_program "a paper's scale"
if not program then return T.done() end
local script = command.root .. "/papers/dcr.lua"
local directory = command.folder()
for _, sub in ipairs { "/clip-vit-large-patch14", "/stable-diffusion-2-1", "/stable-diffusion-2-1/unet", "/stable-diffusion-2-1/vae",
                       "/stable-diffusion-2-1/scheduler", "/images", "/images/dark", "/images/bright", "/empty" } do
  rp.io.mkdir(directory .. sub)
end

rp.seed(1)
local function write_json(path, value) rp.io.write_text(directory .. path, rp.io.json_encode(value)) end
local tower = { num_hidden_layers = 1, hidden_act = "quick_gelu" }
local function tower_with(more)
  for key, value in pairs(tower) do more[key] = value end
  return more
end
write_json("/clip-vit-large-patch14/config.json", { projection_dim = 8,
  vision_config = tower_with { image_size = 8, patch_size = 4, hidden_size = 12, num_attention_heads = 2, intermediate_size = 16 },
  text_config = tower_with { vocab_size = 20, max_position_embeddings = 5, hidden_size = 8, num_attention_heads = 2, intermediate_size = 16 } })
models.save(models.CLIP { projection = 8, init = "kaiming",
  vision = { size = 8, patch = 4, width = 12, depth = 1, heads = 2, hidden = 16 },
  text = { vocabulary = 20, length = 5, width = 8, depth = 1, heads = 2, hidden = 16 } },
  directory .. "/clip-vit-large-patch14/model.safetensors")
local sd = "/stable-diffusion-2-1"
write_json(sd .. "/unet/config.json", { block_out_channels = { 8, 8 }, attention_head_dim = 2, cross_attention_dim = 6, norm_num_groups = 4,
  use_linear_projection = true, down_block_types = { "CrossAttnDownBlock2D", "DownBlock2D" }, sample_size = rp.io.null })
models.save(models.UNet2DConditionModel { channels = { 8, 8 }, heads = { 2, 2 }, context = 6, groups = 4, init = "kaiming" },
  directory .. sd .. "/unet/diffusion_pytorch_model.safetensors")
write_json(sd .. "/vae/config.json", { block_out_channels = { 4, 4, 4 }, norm_num_groups = 2, scaling_factor = 0.5 })
models.save(models.AutoencoderKL { channels = { 4, 4, 4 }, groups = 2, init = "kaiming" },
  directory .. sd .. "/vae/diffusion_pytorch_model.safetensors")
for i = 1, 40 do
  for k, class in ipairs { "dark", "bright" } do
    rp.io.write_png(("%s/images/%s/%02d.png"):format(directory, class, i), rp.randint(120 * (k - 1), 120 * k, { 16, 16, 3 }):to "uint8")
  end
end

rp.io.write_text(directory .. "/clip-vit-large-patch14/vocab.json",
  [[{"a</w>": 0, "b</w>": 1, "c</w>": 2, "<|startoftext|>": 18, "<|endoftext|>": 19}]])
rp.io.write_text(directory .. "/clip-vit-large-patch14/merges.txt", "#version: 0.2\n")
for _, sub in ipairs { "/pairs", "/pairs/colour", "/pairs/text" } do rp.io.mkdir(directory .. sub) end
for i = 1, 3 do
  for k, word in ipairs { "a", "b" } do
    for _, pattern in ipairs { "colour", "text" } do
      local name = ("%s/pairs/%s/%d-%d"):format(directory, pattern, i, k - 1)
      rp.io.write_png(name .. ".png", rp.randint(120 * (k - 1), 120 * k, { 16, 16, 3 }):to "uint8")
      rp.io.write_text(name .. ".txt", word .. (i == 2 and " c" or "") .. "\n")
    end
  end
end

-- ---- pairs -----------------------------------------------------------------------------------------------------------
local pairs_ = rp.data.image_pairs { dir = directory .. "/pairs", range = { -1, 1 } }
T.eq({ #pairs_, pairs_[1].name, pairs_[2].x[2].shape, pairs_[1].texts }, { 2, "colour", { 3, 3, 16, 16 }, { { "a", "a c", "a" }, { "b", "b c", "b" } } },
  "image_pairs: patterns, images and their sentences")
T.ok(pairs_[1].x[1]:max():item() <= 0 and pairs_[1].x[2]:max():item() > 0.5, "... first and second")
rp.io.write_png(directory .. "/pairs/text/4-0.png", rp.zeros(16, 16, 3, "uint8"))
T.raises(function() rp.data.image_pairs { dir = directory .. "/pairs" } end, "no file .*text/4%-0.txt", "a sentence that is missing")
rp.io.write_text(directory .. "/pairs/text/4-0.txt", "a")
T.raises(function() rp.data.image_pairs { dir = directory .. "/pairs" } end, "no file .*text/4%-1.png", "... or the second image")
rp.io.remove(directory .. "/pairs/text/4-0.png")
rp.io.remove(directory .. "/pairs/text/4-0.txt")
T.raises(function() rp.data.image_pairs { dir = directory .. "/empty/pairs" } end, "no folder", "no folder at all")

-- ---- folders ---------------------------------------------------------------------------------------------------------
local both = models.read_stable_diffusion(directory .. sd, { image = 16 })
T.eq({ both.size, both.width, both.scale, both.prediction }, { 4, 64, 0.5, "v" }, "read_stable_diffusion: sizes from the configurations")
write_json(sd .. "/scheduler/scheduler_config.json", { prediction_type = "epsilon" })
T.eq(models.read_stable_diffusion(directory .. sd, { image = 16 }).prediction, "eps", "... and what it predicts")
write_json(sd .. "/scheduler/scheduler_config.json", { prediction_type = "sample" })
T.raises(function() models.read_stable_diffusion(directory .. sd, { image = 16 }) end, "prediction_type is sample", "... which may be nothing we know")
write_json(sd .. "/scheduler/scheduler_config.json", { prediction_type = "v_prediction" })
T.raises(function() models.read_stable_diffusion(directory .. sd, { image = 12 }) end, "nearest sides are 2 and 4", "... a side that does not divide")
rp.io.write_text(directory .. "/empty/config.json", "{")
T.raises(function() models.read_clip(directory .. "/empty") end, "empty/config.json", "a damaged configuration is named")
rp.io.write_text(directory .. "/empty/config.json", "{}")
T.raises(function() models.read_clip(directory .. "/empty") end, "no file .*empty/model.safetensors", "and weights that are not there")
local ok, message = pcall(models.locate, { { "images", "drawn" }, { "words/a.txt", "written by hand" } }, directory)
T.ok(not ok and message.code == 4 and message.message:find("1 of 2 things", 1, true) and message.message:find "words/a.txt\n%s+written by hand",
  "locate lists what is missing", tostring(message))
T.eq(models.locate({ { "images", "drawn" } }, directory .. "/"), directory, "... or gives the folder")

-- ---- the script ------------------------------------------------------------------------------------------------------
local words = ("'%s' run '%s' --scale paper -q -o '%s/run'"):format(program, script, directory)
local text = command.shell(words .. " --data '" .. directory .. "/empty' 2>&1; echo code $?")
T.ok(text:find "code 4$" and text:find("stable-diffusion-2-1/vae/diffusion_pytorch_model.safetensors", 1, true) and text:find "448x448",
  "without the files the run says what it needs", text)
local sets = " --set steps_1=3,steps_2=12,feature=8,lora=2,batch=4"
text = command.shell(words .. " --data '" .. directory .. "'" .. sets:gsub(",", " --set ") .. " 2>&1; echo code $?")
T.ok(text:find "code 0$", "with them both stages are trained and every method is evaluated", text)
local result = rp.io.json_decode(rp.io.read_text(directory .. "/run/result.json"))
local by_id = {}
for _, check in ipairs(result.checks) do by_id[check.id] = check end
T.eq({ by_id["theorem1.inner"].status, by_id["theorem2.upper"].status, by_id["denoiser.d"].status },
  { "pass", "pass", "not run" }, "the theorems hold on the published kinds of networks; nothing is said of weaker denoisers")
T.ok(by_id["rec.p"].status == "pass" or by_id["rec.p"].status == "not reproduced", "the pairs tell P-ability")
T.ok(by_id["weights.dcr"].measured ~= by_id["weights.rec"].measured and by_id["weights.dcr"].measured ~= by_id["weights.original"].measured,
  "each loss leads to weights of its own")
os.execute("rm -r '" .. directory .. "/pairs'")
text = command.shell(words .. " --data '" .. directory .. "'" .. sets:gsub(",", " --set ") .. " 2>&1; echo code $?")
T.ok(text:find "code 0$", "without pairs the run ends as well", text)
result = rp.io.json_decode(rp.io.read_text(directory .. "/run/result.json"))
for _, check in ipairs(result.checks) do by_id[check.id] = check end
T.eq(by_id["rec.p"].status, "not run", "... and P-ability is not run")
text = command.shell(words .. " --set prediction=eps --data '" .. directory .. "' 2>&1; echo code $?")
T.ok(text:find "needs %-%-set prediction=v" and text:find "code 2$", "a prediction that is not this model's", text)

-- ---- semantic transport: the authors' configuration ------------------------------------------------------------------
rp.io.mkdir(directory .. "/vit-mae-huge")
write_json("/vit-mae-huge/config.json", { image_size = 12, patch_size = 4, hidden_size = 16, num_hidden_layers = 2,
  num_attention_heads = 2, intermediate_size = 32, layer_norm_eps = 1e-12 })
local vit_state = {}
for _, part in ipairs(models.parts(models.ViTEncoder { size = 12, patch = 4, width = 16, depth = 2, heads = 2, hidden = 32, init = "kaiming" })) do
  vit_state["vit." .. part.name] = part.tensor:detach()
end
rp.io.write_safetensors(directory .. "/vit-mae-huge/model.safetensors", vit_state)
words = ("'%s' run '%s' --scale paper -q -o '%s/run'"):format(program, command.root .. "/experiments/transport_imagenet.lua", directory)
sets = " --set latent=4 --set n_class=3 --set width=24 --set depth=1 --set heads=2 --set registers=2 --set styles=4 --set codes=2 --set every=1"
  .. " --set steps=2 --set classes=2 --set n_gen=4 --set n_pos=4 --set n_unc=4 --set push=4 --set queue=8 --set any=16 --set warmup=1"
text = command.shell(words .. " --data '" .. directory .. "'" .. sets .. " 2>&1; echo code $?")
T.ok(text:find "code 4$" and text:find("imagenet-latents.safetensors", 1, true), "semantic transport says what it needs", text)
rp.io.write_safetensors(directory .. "/imagenet-latents.safetensors", { u = rp.randn(30, 4, 4, 4), y = rp.randint(1, 3, { 30 }) })
text = command.shell(words .. " --data '" .. directory .. "'" .. sets .. " 2>&1; echo code $?")
T.ok(text:find "code 0$", "with the files its generator is trained", text)
result = rp.io.json_decode(rp.io.read_text(directory .. "/run/result.json"))
for _, check in ipairs(result.checks) do by_id[check.id] = check end
T.eq({ by_id.weights.status, by_id.learns.status, by_id.frozen.status, by_id.fid.status }, { "pass", "pass", "pass", "not run" },
  "the generator has the weights that were counted and learns, the features do not")

-- The paper's own script at that scale, with networks and images of no size.
words = ("'%s' run '%s' --scale paper -q -o '%s/run'"):format(program, command.root .. "/papers/semantic_transport.lua", directory)
sets = " --set seeds=1 --set n_train=100 --set n_test=100 --set size=8 --set code=8 --set width=8 --set classes=3 --set steps=1"
  .. " --set n_gen=2 --set n_pos=2 --set n_unc=2 --set f_steps=1 --set f_batch=4"
for _, only in ipairs { "Figures 2 and 3, in numbers", "Figure 5" } do
  text = command.shell(words .. sets .. " --only '" .. only .. "' 2>&1; echo code $?")
  T.ok(text:find "code 0$", "semantic transport steps through: " .. only, text)
end
os.execute("rm -r '" .. directory .. "'")
T.done()
