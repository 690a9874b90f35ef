--- Traces of runs, and what `repro diff` makes of two of them: the first step and tensor, the distance, the environment.
local T = require "tap"
local command = require "command"
local rp = require "repro"
local files = require "repro.files"
local ulp = require "repro.ulp"

local run = command.run

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local directory = command.folder()

-- ---- distance ---------------------------------------------------------------------------------------------------
for _, dtype in ipairs { "float32", "float64" } do
  local function distance(x, y)
    local d = ulp.distance(rp.tensor({ x }, dtype), rp.tensor({ y }, dtype))
    return d.count == 1 and d.largest or d.count == 0 and "same" or d
  end
  local least = dtype == "float32" and 2.0 ^ -149 or 2.0 ^ -1074
  T.eq(distance(1, ulp.next(1, dtype)), 1, dtype .. ": the next float")
  T.eq(ulp.next(1, dtype) - 1, dtype == "float32" and 2.0 ^ -23 or 2.0 ^ -52, dtype .. ": is that of IEEE 754")
  T.eq(ulp.next(-1, dtype) + 1, dtype == "float32" and 2.0 ^ -24 or 2.0 ^ -53, dtype .. ": below zero too")
  T.eq({ ulp.next(-least, dtype), 1 / ulp.next(-least, dtype) }, { -0.0, -math.huge }, dtype .. ": up to -0")
  T.eq(distance(-0.0, 0.0), 1, dtype .. ": -0 and +0 are neighbours")
  T.eq(distance(-least, least), 3, dtype .. ": across zero")
  T.eq(distance(0.5, 1), dtype == "float32" and 2 ^ 23 or 2 ^ 52, dtype .. ": a binade")
  T.eq(distance(1, 0 / 0), math.huge, dtype .. ": NaN and a number")
  T.eq(distance(0 / 0, -(0 / 0)), "same", dtype .. ": NaN and NaN")
  T.ok(distance(-math.huge, math.huge) > 4e9, dtype .. ": from end to end")
end
local d = ulp.distance(rp.tensor({ 1, 5, 3 }, "int64"), rp.tensor({ 1, 2, 4 }, "int64"))
T.eq({ d.count, d.total, d.largest, d.index }, { 2, 3, 3, 2 }, "integers")

-- ---- a training in which one element can be moved by one ulp at one step -------------------------------------------
local script = directory .. "/train.lua"
local body = [==[
local rp = require "repro"
local P = rp.paper { id = "train", settings = { nudge = 0, at = 3, what = "gradient", picture = "a" } }
local g = rp.generator(P.seed)
local net = rp.nn.Sequential { rp.nn.Linear(3, 4, { generator = g }), "tanh", rp.nn.Linear(4, 2, { generator = g }) }
local other = rp.nn.Linear(2, 2, { generator = g })
local x, y = g:randn(16, 3), g:randn(16, 2)
local adam, sgd = rp.optim.Adam(net, { lr = 0.01 }), rp.optim.SGD({ { params = net:parameters() }, { params = other:parameters() } },
                                                                { lr = 0.1 })
local function nudge(tensor)
  local value = tensor[{ 2, 3 }]:item()
  tensor[{ 2, 3 }] = value + math.abs(value) * P.nudge * 1.5 / (1 << 24)       -- rounds to the next float
end
for step = 1, 6 do
  local stepper = step % 2 == 1 and adam or sgd
  net:zero_grad()
  other:zero_grad()
  local loss = (other(net(x)) - y):square():mean()
  loss:backward()
  local weight = net:parameters()[3]
  if step == P.at and P.what == "gradient" then rp.no_grad(nudge, weight.grad) end
  stepper:step()
  if step == P.at and P.what == "parameter" then rp.no_grad(nudge, weight) end
  P:log { step = step, loss = loss }
end
P:pinned("weights", net:hash())
P:figure("picture", P.picture)
]==]
files.write(script, body)
local function png(name) return here .. "/../golden/io/" .. name .. ".png" end
local picture = directory .. "/picture.png"                -- beside the script, where it may read
files.write(picture, files.read(png "rgb8"))
local function train(name, ...)
  local code, _, err = run("run", script, "-q", "-o", directory .. "/" .. name, "--set", "picture=" .. picture, ...)
  T.eq({ code, err }, { 0, "" }, "the run " .. name)
end
local function diff(a, b) return run("diff", directory .. "/" .. a, directory .. "/" .. b) end

train("a", "--trace")
train("b", "--trace", "--threads", "1")
rp.threads(0)
local code, out = diff("a", "b")
T.eq({ code, out:match "[^\n]*, (%d+) steps traced\n" }, { 0, "6" }, "two equal runs")
train("gradient", "--trace", "--set", "nudge=1")
code, out = diff("a", "gradient")
T.eq(code, 1, "another gradient: exit status")
T.eq(out:match "^[^\n]*\n[^\n]*\n", "first difference: step 3 (Adam 1), gradient 3.weight, float32 (2x4)\n"
  .. "  to see by how much, run both again with --trace-keep 3\n",
  "the first step and tensor, and how to get the distance")
T.ok(out:find("\nsetting nudge  0  1\n", 1, true), "what else differs", out)

train("a", "--trace-keep", "1,3-4")
train("gradient", "--trace-keep", "/3", "--set", "nudge=1")
code, out = diff("a", "gradient")
local element = out:match "\n  1 of 8 elements differ, the largest distance is 1 ulp %(element 7: [%d.e-]+ and [%d.e-]+%)\n"
T.ok(code == 1 and element, "one ulp in one element", out)
T.eq({ files.exists(directory .. "/a/trace/000004.safetensors"), files.exists(directory .. "/a/trace/000002.safetensors"),
       files.exists(directory .. "/gradient/trace/000006.safetensors") }, { true, false, true }, "the steps that were asked for are kept")

train("parameter", "--trace-keep", "4", "--set", "nudge=1", "--set", "what=parameter")
train("a", "--trace-keep", "4")
code, out = diff("a", "parameter")
T.eq(code, 1, "another parameter: exit status")
T.ok(out:find("^first difference: step 4 %(SGD 2%), parameter group 1 3.weight, float32 %(2x4%)\n"
  .. "  1 of 8 elements differ, the largest distance is 1 ulp %(element 7: "),
  "a parameter moved after step 3 shows in step 4", out)
T.ok(out:find "\n  of the %d+ tensors of this step %d+ differ\n", "and how many tensors it has reached", out)
T.ok(out:find "\nweights +not pinned %x+…  not pinned %x+…" , "and the result", out)
train("far", "--trace", "--set", "nudge=100000", "--set", "what=parameter")
code, out = diff("a", "far")
T.ok(code == 1 and out:find "\nlog.jsonl line 4  ", "the first line of the log that differs", out)

train("short", "--trace", "--set", "at=2", "--set", "nudge=1")
code, out = diff("a", "short")
T.ok(code == 1 and out:find("^first difference: step 2 %(SGD 2%), gradient group 1 3.weight, float32 %(2x4%)\n"), "names in groups", out)

files.write(script, (body:gsub("step = 1, 6", "step = 1, 5")))
train("cut", "--trace")
code, out = diff("a", "cut")
T.ok(code == 1 and out:find("first difference: " .. directory .. "/cut ends after step 5, " .. directory .. "/a goes on", 1, true),
  "a run that ends earlier", out)
T.ok(out:find "\nthe environments differ:\nscript  %x+  %x+\n", "the script is another", out)
files.write(script, body)

train("plain")
code, out = diff("a", "plain")
T.eq({ code, out:match "^[^,]*:" }, { 0, "the same to the last bit:" }, "a run without a trace is compared by its results")
train("other", "--set", "nudge=1")
code, out = diff("a", "other")
T.ok(code == 1 and out:find "for the first step and tensor that differ, make both runs with %-%-trace\n", "and diff says what a trace would tell", out)
train("a")
T.eq(rp.io.list(directory .. "/a/trace"), {}, "a run without a trace removes that of the run before")

-- ---- verify ---------------------------------------------------------------------------------------------------------
train("a", "--trace")
code, out = run("verify", directory .. "/a", "--rerun")
T.ok(code == 0 and out:find "the second run is the same to the last bit, 6 steps traced", "verify --rerun compares traces", out)
files.write(directory .. "/a/trace/steps.jsonl", "{}\n")
code, out = run("verify", directory .. "/a")
T.eq({ code, out }, { 1, "trace/steps.jsonl: its SHA-256 is not the one in result.json\n" }, "a trace that was changed")

-- ---- figures are compared by what they show -----------------------------------------------------------------------------
local function with_picture(name, from)
  files.write(picture, files.read(png(from)))
  T.eq(run("run", script, "-q", "-o", directory .. "/" .. name, "--set", "picture=" .. picture), 0, name .. ": runs")
  return rp.io.sha256(directory .. "/" .. name .. "/figures/picture.png")
end
local straight, interlaced = with_picture("straight", "rgb8"), with_picture("interlaced", "rgb8i")
T.ok(straight ~= interlaced, "two PNG files of other bytes")
T.eq(diff("straight", "interlaced"), 0, "and the same pixels are the same figure")
with_picture("other_picture", "gray8")
code, out = diff("straight", "other_picture")
T.ok(code == 1 and out:find "^figures/picture.png ", "other pixels are another figure", out)
local figures = require "repro.figures"
local text = rp.plot.image(rp.io.read_png(png "rgb8"):permute(3, 1, 2)):svg()
local compressed = text:match "href=\"data:image/png;base64,([^\"]*)\""
files.write(directory .. "/a.svg", text)
files.write(directory .. "/b.svg", (text:gsub("(data:image/png;base64,)[^\"]*", "%1" .. rp.io.base64(files.read(png "rgb8i")))))
files.write(directory .. "/c.svg", (text:gsub("data%-pixels=\"%x%x", "data-pixels=\"" .. (text:find 'pixels="00' and "11" or "00"))))
T.ok(compressed and #compressed > 20, "a plot with a picture")
T.eq(figures.content(directory .. "/a.svg"), figures.content(directory .. "/b.svg"), "a picture in a plot counts by its pixels")
T.ok(figures.content(directory .. "/a.svg") ~= figures.content(directory .. "/c.svg"), "which are part of what the plot shows")

-- ---- misuse -----------------------------------------------------------------------------------------------------------
local _, err
code, _, err = run("run", script, "--trace-keep", "soon")
T.eq({ code, err }, { 2, "repro: run: --trace-keep soon: expected steps such as 37, 1,10-20 or /100 (every hundredth)\n" }, "steps that are none")
files.write(directory .. "/plain.lua", "print(1)\n")
code, _, err = run("run", directory .. "/plain.lua", "--trace")
T.eq(code, 2, "a trace of a script that is no paper")
T.ok(err:find "no run directory", "says why", err)
T.eq(require("repro.trace").on, false, "no trace is left on")

os.execute("rm -rf '" .. directory .. "'")
T.done()
