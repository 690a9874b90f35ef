--- Models of published sizes: names, counts and values as the published implementations have them; their files; a training step.
local rp = require "repro"
local T = require "tap"
local models = rp.models

local here = debug.getinfo(1, "S").source:match("^@(.*)test_models%.lua$") or "tests/lua/"
local golden = dofile(here .. "../golden/models_reference.lua")

-- What tests/golden/models_reference.py writes down as well.
local function number(j, i)
  local x = (i * 7919 + j * 104729 + 12345) % 65537
  return (x * x % 65537) / 65536 - 0.5
end

local function product(shape, from)
  local n = 1
  for k = from or 1, #shape do n = n * shape[k] end
  return n
end

local function tensor(j, shape)
  local values = {}
  for i = 1, product(shape) do values[i] = number(j, i - 1) end
  return rp.tensor(values, "float64"):reshape(shape)
end

local function sorted_parts(module)
  local list = models.parts(module)
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function fill(module)
  rp.no_grad(function()
    for k, part in ipairs(sorted_parts(module)) do
      local shape = part.tensor.shape
      local x = tensor(k - 1, shape)
      if #shape == 1 and part.name:find "norm" and part.name:find "weight$" then
        x = x / 2 + 1
      elseif #shape == 1 then
        x = x / 2
      elseif #shape > 1 then
        x = x * (2 / math.sqrt(product(shape, 2)))
      end
      part.tensor:copy_(x)
    end
  end)
  return module
end

local function check(name, x, tolerance)
  local want, got, largest = golden[name], x:detach():to("float64"):reshape(-1):totable(), 0
  if #want ~= #got then
    T.eq(#got, #want, name .. ": the number of values")
    return
  end
  for i, value in ipairs(got) do
    local d = math.abs(value - want[i])
    largest = d <= largest and largest or d                  -- NaN counts
  end
  T.ok(largest <= (tolerance or 1e-12), ("%s as published (difference %.2g)"):format(name, largest))
end

local function digest(module)
  local lines = {}
  for i, part in ipairs(sorted_parts(module)) do lines[i] = part.name .. " " .. table.concat(part.tensor.shape, "x") end
  return rp.io.sha256_text(table.concat(lines, "\n"))
end

-- ---- the published sizes ---------------------------------------------------------------------------------------------
local before = rp.memory().live
local unet, vae, clip = models.UNet2DConditionModel(), models.AutoencoderKL(), models.CLIP()
T.ok(rp.memory().live - before < 16e6, "outlines of 1.4 billion weights take little memory")
T.eq({ unet:count(), vae:count(), clip:count() }, { golden.unet_count, golden.vae_count, golden.clip_count }, "numbers of weights")
T.eq(clip.vision_model:count(), 303179776, "... of the image tower of ViT-L/14")
T.eq(digest(unet), golden.unet_names, "UNet2DConditionModel: every name and shape")
T.eq(digest(vae), golden.vae_names, "AutoencoderKL: every name and shape")
T.eq(digest(clip), golden.clip_names, "CLIPModel: every name and shape")
local wide = rp.no_grad(function() return unet(rp.zeros(1, 4, 8, 8), rp.tensor({ 5 }, "int64"), rp.zeros(1, 1, 1024)) end)
T.eq(wide.shape, { 1, 4, 8, 8 }, "the published width runs, on small latents")

-- ---- values ------------------------------------------------------------------------------------------------------------
local function small_unet(init)
  return models.UNet2DConditionModel { channels = { 8, 16, 16 }, heads = { 1, 2, 2 }, context = 12, groups = 4, init = init }
end
local function small_vae(init) return models.AutoencoderKL { channels = { 4, 8, 8 }, groups = 4, init = init } end
local function small_clip(init)
  return models.CLIP { vision = { size = 8, patch = 4, width = 16, depth = 2, heads = 2, hidden = 64 },
    text = { vocabulary = 30, length = 7, width = 12, depth = 2, heads = 3, hidden = 48 }, projection = 10, init = init }
end

rp.seed(1)
unet = fill(small_unet(0.1):to "float64")
local function run_unet() return unet(tensor(901, { 2, 4, 8, 8 }), rp.tensor({ 3, 998 }, "int64"), tensor(902, { 2, 2, 12 })) end
check("unet", rp.no_grad(run_unet))
vae = fill(small_vae(0.1):to "float64")
local mean, log_var = rp.no_grad(vae.encode, vae, tensor(903, { 1, 3, 16, 16 }))
check("vae_mean", mean)
check("vae_log_var", log_var)
check("vae_decoded", rp.no_grad(vae.decode, vae, mean)[{ {}, {}, { 4, 9 }, { 5, 12 } }])
clip = fill(small_clip(0.1):to "float64")
local pixels, words = tensor(904, { 2, 3, 8, 8 }), rp.tensor({ { 28, 4, 7, 1, 29, 0, 0 }, { 28, 11, 29, 2, 3, 4, 5 } }, "int64") + 1
local image, text = clip:encode_image(pixels), clip:encode_text(words)
check("clip_image", image)
check("clip_text", text)
check("clip_tokens", select(2, clip.vision_model(pixels)))
check("clip_logits", image:unit():matmul(text:unit():t()) * clip.logit_scale:exp())
local white = models.clip_pixels(rp.ones(1, 3, 2, 2))
T.near(white[{ 1, 2, 1, 1 }]:item(), (1 - 0.4578275) / 0.26130258, 1e-6, "clip_pixels")

-- A ViT of published names against nn.ViT with the same weights.
local vit_mae = models.ViTEncoder()
T.eq(vit_mae:count(), 630764800, "ViTEncoder: the number of weights of ViT-H/14")
rp.seed(2)
local tiny_vit = fill(models.ViTEncoder { size = 12, patch = 4, width = 16, depth = 4, heads = 2, hidden = 64, eps = 1e-5, init = 0.1 }:to "float64")
local plain_vit = rp.nn.ViT { size = 12, patch = 4, width = 16, depth = 4, heads = 2 }:to "float64"
local named = {}
for _, part in ipairs(models.parts(tiny_vit)) do named[part.name] = part.tensor:detach() end
local function copy(from, to) rp.no_grad(function() to:copy_(from:reshape(to.shape)) end) end
local function copy_layer(name, layer) copy(named[name .. ".weight"], layer.weight); copy(named[name .. ".bias"], layer.bias) end
copy(named["embeddings.cls_token"], plain_vit.cls)
copy(named["embeddings.position_embeddings"], plain_vit.position)
copy_layer("embeddings.patch_embeddings.projection", plain_vit.patches.fc)
copy_layer("layernorm", plain_vit.norm)
for i, block in ipairs(plain_vit.blocks) do
  local name = ("encoder.layer.%d."):format(i - 1)
  copy_layer(name .. "layernorm_before", block.norm1)
  copy_layer(name .. "layernorm_after", block.norm2)
  for _, what in ipairs { "weight", "bias" } do
    local inner = name .. "attention.attention."
    copy(rp.concat(1, named[inner .. "query." .. what], named[inner .. "key." .. what], named[inner .. "value." .. what]), block.attention.qkv[what])
  end
  copy_layer(name .. "attention.output.dense", block.attention.out)
  copy_layer(name .. "intermediate.dense", block.mlp.layers[1])
  copy_layer(name .. "output.dense", block.mlp.layers[2])
end
local twelve = tensor(905, { 2, 3, 12, 12 })
local cls_token, vit_tokens = tiny_vit(twelve)
local plain_cls, plain_tokens = plain_vit(twelve)
T.near(cls_token, plain_cls, 1e-12, "ViTEncoder: the class token, as nn.ViT")
T.near(vit_tokens, plain_tokens, 1e-12, "ViTEncoder: the patch tokens")
local keys = tiny_vit:taps(twelve, 2)
T.eq({ #keys, keys[1].shape }, { 2, { 2, 16, 3, 3 } }, "ViTEncoder: keys of every second layer as feature maps")
local first_tokens = tiny_vit.embeddings(twelve)
local layer_1 = tiny_vit.encoder.layer[1]
local key_map = layer_1.attention.attention.key(layer_1.layernorm_before(first_tokens))
T.near(tiny_vit:taps(twelve, 1)[1][{ 2, {}, 2, 3 }], key_map[{ 2, 7 }], 1e-12, "... each at its place: row 2, column 3 is patch 6, after the class token")

-- ---- files --------------------------------------------------------------------------------------------------------------
local directory = os.tmpname()
os.remove(directory)
rp.io.mkdir(directory)
local path = directory .. "/model.safetensors"
local first = small_unet(0.1)
models.save(first, path)
local second = small_unet()
T.ok(second:hash() ~= first:hash(), "an outline has no weights")
local seen = models.load(second, path)
T.ok(seen == second and second:hash() == first:hash(), "what is saved is loaded, to the last bit")
T.eq(#second:trainable(), 0, "loaded weights are frozen")
T.eq(#models.load(small_unet(), path, { trainable = true }):trainable(), #first:trainable(), "... unless they are to be trained")

-- A masked autoencoder as transformers writes it: the encoder's tensors begin with "vit.", the decoder's are left out.
rp.io.mkdir(directory .. "/mae")
rp.io.write_text(directory .. "/mae/config.json", [[{"image_size": 12, "patch_size": 4, "hidden_size": 16, "num_hidden_layers": 4,
  "num_attention_heads": 2, "intermediate_size": 64, "layer_norm_eps": 1e-5}]])
local mae_state = { ["decoder.mask_token"] = rp.zeros(1, 1, 8) }
for _, part in ipairs(models.parts(tiny_vit)) do mae_state["vit." .. part.name] = part.tensor:detach():to "float32" end
rp.io.write_safetensors(directory .. "/mae/model.safetensors", mae_state)
local read_back = models.read_vit(directory .. "/mae")
T.near(read_back(twelve:to "float32"):to "float64", cls_token:detach(), 1e-4, "read_vit: sizes from config.json, weights from the file")
T.eq(#read_back:trainable(), 0, "read_vit: frozen")
rp.io.mkdir(directory .. "/vae")
rp.io.write_text(directory .. "/vae/config.json", '{"block_out_channels": [4, 8, 8], "norm_num_groups": 4, "scaling_factor": 0.25}')
local written = small_vae(0.1)
models.save(written, directory .. "/vae/diffusion_pytorch_model.safetensors")
local vae_back, latent_scale = models.read_vae(directory .. "/vae")
T.eq({ vae_back:hash(), latent_scale }, { written:hash(), 0.25 }, "read_vae: the autoencoder and the scale of its latents")

local function state_of(module)
  local state = {}
  for _, part in ipairs(models.parts(module)) do state[part.name] = part.tensor:detach() end
  return state
end
local function refused(change, pattern, text_, module)
  local state = state_of(module or first)
  change(state)
  rp.io.write_safetensors(directory .. "/bad.safetensors", state)
  local victim = module and small_vae(0.1) or small_unet(0.1)
  local hash = victim:hash()
  local ok, message = pcall(models.load, victim, directory .. "/bad.safetensors")
  T.ok(not ok and message.kind == "data" and tostring(message):find(pattern) ~= nil, text_, tostring(message))
  T.eq(victim:hash(), hash, text_ .. ": nothing is changed")
end
refused(function(s) s["mid_block.resnets.1.conv1.bias"] = nil end,
  "bad.safetensors lacks 1 tensor of UNet2DConditionModel: mid_block.resnets.1.conv1.bias", "a tensor that is missing")
refused(function(s) s.extra = rp.zeros(1) end, "has 1 tensor that UNet2DConditionModel has no place for: extra", "one too many")
refused(function(s) s["conv_in.weight"] = rp.zeros(8, 4, 1, 1) end,
  "bad.safetensors: 'conv_in.weight' has shape %(8x4x1x1%), and UNet2DConditionModel needs %(8x4x3x3%)", "another shape")
refused(function(s) s["conv_in.bias"] = rp.zeros(8, "int64") end, "type int64", "another type")
T.raises(function() models.load(small_unet(), directory .. "/none.safetensors") end, "there is no file .*none.safetensors", "no file")
rp.io.write_text(directory .. "/text.safetensors", "not a model")
T.raises(function() models.load(small_unet(), directory .. "/text.safetensors") end, "text.safetensors", "not a safetensors file")

-- Shards, a part of a file, half precision from elsewhere is widened by the reader, names of older files.
local halves, k = { {}, {} }, 0
for name, x in pairs(state_of(first)) do
  k = k + 1
  halves[k % 2 + 1][name] = x
end
local shards = { directory .. "/1.safetensors", directory .. "/2.safetensors" }
for i, half in ipairs(halves) do rp.io.write_safetensors(shards[i], half) end
T.eq(models.load(small_unet(), shards):hash(), first:hash(), "a model in shards")
T.raises(function() models.load(small_unet(), { path, shards[1] }) end, "is in .* and in", "a tensor in two files")
local both = small_clip(0.1)
local state = state_of(both)
state["vision_model.embeddings.position_ids"] = rp.arange(0, 4)
rp.io.write_safetensors(path, state)
T.eq(models.load(small_clip(), path):hash(), both:hash(), "lists of positions are left out")
T.eq(models.load(small_clip().vision_model, path, { prefix = "vision_model.", ignore = { "position_ids" } }):hash(),
  both.vision_model:hash(), "one tower of a file with two")
local old, modern = {}, small_vae(0.1)
for name, x in pairs(state_of(modern)) do
  old[name:gsub("%.to_q%.", ".query."):gsub("%.to_k%.", ".key."):gsub("%.to_v%.", ".value."):gsub("%.to_out%.0%.", ".proj_attn.")] = x
end
rp.io.write_safetensors(path, old)
T.eq(models.load(small_vae(), path):hash(), modern:hash(), "names that older files of the autoencoder have")
refused(function(s) s["encoder.mid_block.attentions.0.to_q.bias"] = nil end, "AutoencoderKL: encoder.mid_block.attentions.0.to_q.bias",
  "a tensor that is missing from an autoencoder", modern)

-- ---- words -----------------------------------------------------------------------------------------------------------------
local letters, extra = {}, 256                               -- a vocabulary made as CLIP's is, see models_reference.py
for byte = 0, 255 do
  local printable = byte >= 33 and byte <= 126 or byte >= 161 and byte <= 172 or byte >= 174
  letters[byte + 1] = utf8.char(printable and byte or extra)
  extra = printable and extra or extra + 1
end
local vocabulary, n_words = {}, 0
local function add_word(word)
  vocabulary[word] = n_words
  n_words = n_words + 1
end
for _, letter in ipairs(letters) do add_word(letter) end
for _, letter in ipairs(letters) do add_word(letter .. "</w>") end
for _, merge in ipairs(golden.merges) do add_word((merge:gsub(" ", ""))) end
add_word "<|startoftext|>"
add_word "<|endoftext|>"
rp.io.write_text(directory .. "/merges.txt", "#version: 0.2\n" .. table.concat(golden.merges, "\n") .. "\n")
rp.io.write_text(directory .. "/vocab.json", "{}")
T.raises(function() models.Tokenizer(directory) end, "vocab.json: no vocabulary", "a vocabulary without its marks")
rp.io.write_text(directory .. "/vocab.json", rp.io.json_encode(vocabulary))
local tokenizer = models.Tokenizer(directory)
for i, phrase in ipairs(golden.texts) do
  local got = tokenizer:numbers(phrase)
  for j = 1, #got do got[j] = got[j] - 1 end
  T.eq(got, golden.words[i], ("words of '%s' as published"):format(phrase:gsub("%c", " ")))
end
local encoded = tokenizer:encode { "the cat", "" }
T.eq(encoded:totable(), { { 525, 514, 522, 526 }, { 525, 526, 526, 526 } }, "encode: from 1, the last word fills up")
T.raises(function() tokenizer:encode({ "the cat" }, 3) end, "4 words are more than 3: 'the cat'", "a text that is too long")
T.raises(function() models.Tokenizer(directory .. "/nowhere") end, "no file .*vocab.json", "no vocabulary")

-- ---- one step of each stage of DCR -----------------------------------------------------------------------------------------
rp.seed(2)
local sd = models.LatentDiffusion { unet = small_unet("kaiming"):requires_grad_(false), vae = small_vae("kaiming"):requires_grad_(false),
                                    size = 4 }
local f = models.CLIPVision(small_clip("kaiming")):requires_grad_(false)
local h = rp.nn.MLP({ 10, 16, 12 }, { activation = "gelu" })
local vp = rp.diffusion.VP { steps = 1000, schedule = "scaled_linear", predict = "v" }
T.near(vp.betas[1], 0.00085, 1e-12, "scheduler: first beta")
T.near(vp.betas[1000], 0.012, 1e-12, "scheduler: last beta")
local x = rp.rand(3, 3, 16, 16)
local x0 = rp.no_grad(sd.encode, sd, x * 2 - 1)
T.eq(x0.shape, { 3, 64 }, "LatentDiffusion: flat latents")
T.ok((rp.no_grad(sd.encode, sd, x * 2 - 1, rp.generator(1)) - x0):abs():max():item() > 0, "... drawn from their distribution")
T.eq(sd:decode(x0).shape, { 3, 3, 16, 16 }, "... and back")
T.raises(function() models.LatentDiffusion { unet = sd.unet, vae = sd.vae, size = 6 } end, "nearest sides are 4 and 8", "a side that cannot be halved")
T.raises(function() sd:encode(rp.zeros(1, 3, 8, 8)) end, "expected size 16", "another size of images")
T.ok((f(x * 2 - 1) - f.visual_projection((f.vision_model(models.clip_pixels(x:avg_pool2d(2)))))):abs():max():item() < 1e-5,
  "CLIPVision sees images in [-1, 1], averaged down to its size")
T.raises(function() f(rp.zeros(1, 3, 12, 12)) end, "12x12 are not squares of a multiple of 8", "... if that goes")
local t, eps = rp.tensor({ 1, 500, 1000 }, "int64"), rp.randn(3, 64)
local a, s = vp:at(t, x0)
local x_t, target = x0 * a + eps * s, vp.kind.target(x0, eps, a, s)
local seen_by_clip = x * 2 - 1
local function dcr_loss()
  local z, twin = f(seen_by_clip), f(seen_by_clip * 0.9)
  return (rp.contrastive.dcr_loss(rp.contrastive.pairwise(sd, x_t, t, h(z)), sd(x_t, t, h(twin)), target, 0.1))
end
local function stage(trained, loss)
  local optimiser = rp.optim.AdamW({ { params = trained } }, { lr = 1e-3, weight_decay = 0.01 })
  optimiser:zero_grad()
  local l = loss()
  l:backward()
  optimiser:step { clip = 1 }
  return l:item()
end
local frozen, h_before = rp.hash(sd.unet:parameters()[1], f:parameters()[1]), h:hash()
local l_rec = stage(h:parameters(), function() return (sd(x_t, t, h(f(seen_by_clip))) - target):square():mean() end)
T.ok(l_rec > 0 and l_rec < math.huge and h:hash() ~= h_before, "stage 1: the projector learns")
h:requires_grad_(false)
h_before = h:hash()
rp.nn.lora(f, 16, 16, { only = function(name) return name:find "encoder.layers" ~= nil end })
T.eq(#f:trainable(), 2 * 2 * 6, "LoRA on the linear layers of every block")
local outputs = f(seen_by_clip):hash()
local l_dcr = stage(f:trainable(), dcr_loss)
T.ok(l_dcr > math.log(2) and l_dcr < math.huge and f(seen_by_clip):hash() ~= outputs, "stage 2: the encoder's adapters learn")
T.eq({ h:hash(), rp.hash(sd.unet:parameters()[1], models.parts(f)[1].tensor) }, { h_before, frozen }, "... and nothing else does")
os.execute("rm -r '" .. directory .. "'")
T.done()
