--- papers/spectral_diffusion.lua on files as the authors' configuration needs them: latents, the Inception network's codes, ShapeNet.
-- luacheck: ignore 122
local rp = require "repro"
local T = require "tap"
local command = require "command"

local program = command.needs_program "files of spectral diffusion"
if not program then return T.done() end
local script = command.root .. "/papers/spectral_diffusion.lua"
local directory = command.folder()
for _, sub in ipairs { "/data", "/data/inception", "/data/shapenet" } do rp.io.mkdir(directory .. sub) end

local function run(words)
  return command.shell(("'%s' run '%s' --scale smoke -q --threads 1 --data '%s/data' -o '%s/run' %s 2>&1; echo code $?"):format(
    program, script, directory, directory, words))
end
local function checks()
  local by_id = {}
  for _, check in ipairs(rp.io.json_decode(rp.io.read_text(directory .. "/run/result.json")).checks) do by_id[check.id] = check end
  return by_id
end

rp.seed(1)
local images = "--only image.fid --set image_data=latents --set image_judge=files --set image_sampler=euler_maruyama --set image_steps=4"
local text = run(images)
T.ok(text:find "code 4$" and text:find "latents.npy" and text:find "labels.npy", "latents that are missing are named", text)
rp.io.write_npy(directory .. "/data/latents.npy", rp.randn(80, 4, 8, 8))
rp.io.write_npy(directory .. "/data/labels.npy", rp.arange(0, 79, 1, "int64") % 4 + 1)
text = run(images)
T.ok(text:find "code 4$" and text:find "inception/real.npy", "... and the codes of the real images", text)
rp.io.write_npy(directory .. "/data/inception/real.npy", rp.randn(50, 6))
text = run(images)
T.ok(text:find "code 4$" and text:find "16 of 16 things" and text:find("ours-1-4.npy", 1, true), "... and those of all samples at once", text)
local sampled = rp.io.read_npy(directory .. "/run/samples/ours-1-4.npy")
T.eq(sampled.shape, { 40, 4, 8, 8 }, "the samples wait in the run's folder")
for _, method in ipairs { "vanilla", "pairs", "ours", "repa" } do
  for step = 1, 4 do
    rp.io.write_npy(("%s/data/inception/%s-1-%d.npy"):format(directory, method, step), rp.randn(40, 6) + (method == "ours" and 0 or step))
  end
end
text = run(images)
local by_id = text:find "code 0$" and checks() or {}
T.ok(text:find "code 0$", "with them the run ends", text)
T.eq(by_id["image.fid"] and by_id["image.fid"].status, "pass", "... and the codes decide")

text = run "--only cloud.gain --set cloud_data=files --set cloud_kinds=car --set cloud_points=12"
T.ok(text:find "code 4$" and text:find "shapenet/car_train.npy", "ShapeNet's files are named", text)
for _, name in ipairs { "train", "test" } do rp.io.write_npy(directory .. "/data/shapenet/car_" .. name .. ".npy", rp.randn(20, 16, 3)) end
text = run "--only cloud.gain --set cloud_data=files --set cloud_kinds=car --set cloud_points=12"
T.ok(text:find "code 0$", "... and read", text)
os.execute("rm -r '" .. directory .. "'")
T.done()
