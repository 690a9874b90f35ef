--- Generated images judged by a network that is not ours: the samples are written, its features are read.

local rp = require "repro"
local fidelity = require "repro.metrics.fidelity"
local manifold = require "repro.metrics.manifold"
local options = require "repro.options"

local judges = {}

---@class FileJudge
---@field real Tensor (n, d) features of the real images
local Judge = {}
Judge.__index = Judge

-- Path and description, as rp.models.locate takes them.
local function wanted_for(self, name, of)
  return { ("%s/%s.npy"):format(self.folder, name), ("%s for %s"):format(self.features, of) }
end

---Scores of samples against the real images, once their features lie in DIR/FOLDER/NAME.npy; until then the samples are
---written to RUN/samples/NAME.npy and there are no scores.
---@param samples Tensor (n, ...)
---@param name string of this set of samples
---@return table {fd, precision, recall}, or {}
function Judge:scores(samples, name)
  local wanted = wanted_for(self, name, ("RUN/samples/%s.npy"):format(name))
  local is_there, folder = pcall(rp.models.locate, { wanted }, self.dir)
  if not is_there then
    rp.io.mkdir(self.directory .. "/samples")
    rp.io.write_npy(("%s/samples/%s.npy"):format(self.directory, name), samples)
    self.waiting[#self.waiting + 1] = wanted
    return {}
  end
  local fake = rp.io.read_npy(folder .. "/" .. wanted[1])
  local precision, recall = manifold.precision_recall(self.real, fake)
  return { fd = fidelity.frechet_distance(self.real, fake), precision = precision, recall = recall }
end

---Error (kind "data") that names all features which are still missing, if there are any.
function Judge:check() rp.models.locate(self.waiting, self.dir) end

---A judge whose features come from files, such as the Inception network's for FID.
---    local judge = metrics.file_judge{directory = RUN, folder = "inception", features = "codes of the Inception network"}
---    local scores = judge:scores(samples, "ours-1");  judge:check()
---The folder lies in that of --data, or in option dir; of the real images it holds real.npy.
---@param given? table directory: the run's, for samples; folder; features: what the files hold, for messages
---@return FileJudge
function judges.file_judge(given)
  local o = options("file_judge", given, { directory = ".", folder = "inception", features = "features (n, d)",
                                            dir = false })
  local self = setmetatable({ directory = o.directory, folder = o.folder, features = o.features, dir = o.dir or nil,
                              waiting = {} }, Judge)
  local wanted = wanted_for(self, "real", "the real images")
  self.real = rp.io.read_npy(rp.models.locate({ wanted }, self.dir) .. "/" .. wanted[1])
  return self
end

return judges
