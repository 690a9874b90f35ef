--- Experiments at their smallest: each runs to its end, fails no check, and leaves its tables, figures and numbers.
--- EXPERIMENTS="dcr_lora drl_adversarial" chooses among them.
-- luacheck: ignore 122
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"

local root = debug.getinfo(1, "S").source:match "^@(.*)/tests/lua/test_experiments%.lua$" or "."
local program = command.program

-- An experiment, settings that make it small, and the names of its tables and figures.
local experiments = {
  { "dcr_prediction", {}, { "Table 1", "Table 2" } },
  { "dcr_lora", {}, { "Table 1", "Figure 1", "Figure 2" } },
  { "dcr_datasets", {}, { "Table 2, glyphs", "Table 2, average" } },
  { "drl_downstream", { "times=2", "steps=4", "epochs=1" },
    { "Figure 3", "Figures 14-16", "Figure 13", "Figures 3, 14-16", "Figure 13" } },
  { "drl_semi_supervised", { "steps=4" },
    { "Table 1", "Table 4", "Table 5", "Table 6", "Table 7", "Propagation", "Labels" } },
  { "drl_timescales", { "steps=4" }, { "Figure 12, in numbers", "Figure 12, silhouette", "Figure 12, kNN accuracy" } },
  { "drl_convolutional", { "steps=2", "half_steps=2", "sampling=2" },
    { "Figures 2 and 5-8, in numbers", "Codes: grey images, t uniform", "Samples: grey images, t uniform",
      "Codes: grey images, high noise", "Samples: grey images, high noise",
      "Codes: grey images of half the side, one channel in a group, t uniform",
      "Samples: grey images of half the side, one channel in a group, t uniform",
      "Codes: grey images of half the side, one channel in a group, high noise",
      "Samples: grey images of half the side, one channel in a group, high noise", "Codes: coloured images, t uniform",
      "Samples: coloured images, t uniform", "Codes: coloured images, high noise", "Samples: coloured images, high noise" } },
  { "drl_noise_scale", { "steps=4" },
    { "Table 3: colour images, MLP, 8x8", "Table 3: grey images, MLP, 14x14", "Table 3: colour images, convolutional, 16x16",
      "Ratios", "Figure 11" } },
  { "drl_adversarial", { "steps=4", "base=4" }, { "Table 2", "Figure 18", "Figure 17" } },
  { "dcr_conflict_map", {}, { "Table 1", "Table 2", "Table 3", "Figure 1" } },
  { "dcr_retrieval", {}, { "Table 6" } },
  { "dcr_tokens", {}, { "Table 7", "Figure 1" } },
  { "dcr_backbones", {}, { "Table 1" } },
  { "dcr_cost", {}, { "Table 8" } },
  { "spectral_toys", { "steps=4" }, { "Table 1", "Table 2" } },
  { "transport_features", {}, { "FD, B", "FD, A", "FD, C" } },
  { "transport_stability", {}, { "Feature spaces", "Stability and quality", "As criteria" } },
  { "transport_method", {}, { "SimCLR", "pixels", "Guidance" } },
  { "transport_imagenet", {}, {} },
  { "spectral_images", {}, { "Table 1, regimes", "Figure 2, regimes" } },
  { "spectral_point_clouds", {}, { "Table 2", "Table 2, averages", "Noise of the metric" } },
}

local function outputs(result)
  local list = {}
  for _, output in ipairs(result.outputs) do
    if output.type == "table" or output.type == "figure" then list[#list + 1] = output.name end
  end
  return list
end

local function check(name, settings, names, directory)
  local words = ("'%s' run '%s/experiments/%s.lua' --scale smoke -q --threads 1 -o '%s'"):format(program, root, name, directory)
  for _, setting in ipairs(settings) do words = words .. " --set " .. setting end
  local answer = command.shell(words .. " 2>&1; echo \"code $?\"")
  T.ok(answer:find "code 0$", name .. " ends well at smoke scale", answer)
  local result = rp.io.json_decode(files.read(directory .. "/result.json"))
  T.eq(result.counts.fail, 0, name .. ": no check fails")
  T.ok(result.counts.not_reproduced + result.counts.pass > 2, name .. ": its claims are decided")
  T.eq(outputs(result), names, name .. ": its tables and figures")
end

if not program:find "/repro$" then
  T.skip("only inside repro", "experiments")
else
  local directory = command.shell "mktemp -d"
  local chosen = os.getenv "EXPERIMENTS"
  for _, entry in ipairs(experiments) do
    local name = entry[1]
    if not chosen or (" " .. chosen .. " "):find(" " .. name .. " ", 1, true) then
      check(name, entry[2], entry[3], directory .. "/" .. name)
    else
      T.skip("not in EXPERIMENTS", name)
    end
  end
  os.execute(("rm -rf '%s'"):format(directory))
end

T.done()
