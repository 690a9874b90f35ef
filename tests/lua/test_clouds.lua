-- Clouds of points: drawn shapes, networks on sets and on voxels, the noise of their metrics.
local T = require "tap"
local rp = require "repro"
local D, M, nn = rp.data, rp.metrics, rp.nn

-- ---- clouds of points ---------------------------------------------------------------------------------------------------
for _, kind in ipairs { "chair", "airplane", "car" } do
  local set = D.shapes { kind = kind, n = 50, points = 128 }
  T.eq({ set.x.shape, set.x.dtype }, { { 50, 128, 3 }, "float32" }, "shapes: " .. kind)
  T.bits(D.shapes { kind = kind, n = 50, points = 128 }.x, set.x, "... the same again")
  local extent = set.x:abs():max():item()
  T.ok(extent > 0.8 and extent < 2.5, "... lengths are about 1", tostring(extent))
  T.ok(math.abs(set.x:select(3, 2):mean():item()) < 0.03, "... left and right alike")
  T.ok((set.x:mean(2):var(1, false, 0):sum() * 1e4):item() > 1, "... clouds differ")
end
local cars = D.shapes { kind = "car", n = 20, points = 500 }.x
local flat = cars:select(3, 3)                               -- a car's height above the axles of its wheels: z = -height
T.ok(flat:max():item() <= 0.2 + 2 * 0.2 and flat:min():item() >= -0.2 - 0.18, "shapes: nothing lies outside the parts")
T.raises(function() D.shapes { kind = "boat" } end, "got boat", "shapes: an unknown kind")
T.raises(function() D.shapes { n = 0 } end, "n = 0", "shapes: no clouds")

local pair_of_sets = D.cloud_set { kind = "car", n_train = 30, n_test = 6, points = 40 }
T.eq({ pair_of_sets.train.shape, pair_of_sets.test.shape }, { { 30, 40, 3 }, { 6, 40, 3 } }, "cloud_set: both parts")
T.near({ pair_of_sets.train:mean({ 1, 2 }):abs():max():item(), pair_of_sets.train:square():mean():item() }, { 0, 1 }, 1e-5, "... in units of the first")
T.near((pair_of_sets.test[1] - pair_of_sets.test[2]):square():mean():sqrt():item() * (D.shapes { kind = "car", n = 30, points = 40 }.x):std(nil, false, 0):item(),
  (D.shapes { kind = "car", n = 6, points = 40, name = "test" }.x[1] - D.shapes { kind = "car", n = 6, points = 40, name = "test" }.x[2]):square():mean():sqrt():item(),
  0.06, "... and the second in the same")
local folder = os.tmpname()
os.remove(folder)
rp.io.mkdir(folder)
T.raises(function() D.cloud_set { source = "files", dir = folder } end, "2 of 2 things", "cloud_set: files that are not there")
rp.io.mkdir(folder .. "/shapenet")
for _, name in ipairs { "train", "test" } do rp.io.write_npy(folder .. "/shapenet/car_" .. name .. ".npy", rp.randn(5, 50, 3, "float64")) end
local of_files = D.cloud_set { kind = "car", source = "files", dir = folder, points = 20, n_train = 4, n_test = 9 }
T.eq({ of_files.train.shape, of_files.test.shape, of_files.train.dtype }, { { 4, 20, 3 }, { 5, 20, 3 }, "float32" }, "... and that are")
T.raises(function() D.cloud_set { kind = "car", source = "files", dir = folder, points = 60 } end, "5x50x3", "... of too few points")
T.raises(function() D.cloud_set { source = "web" } end, "got web", "... no such source")
os.execute("rm -r '" .. folder .. "'")

-- ---- distances and their noise ---------------------------------------------------------------------------------------
rp.seed(3)
local few = rp.randn(4, 15, 3)
local within = M.cloud_distances(few, few, "earth_mover")
T.eq({ within[2][1]:item(), within[3][3]:item() }, { M.earth_mover(few[1], few[2]), 0.0 }, "within one set each pair once")
local judge = M.cloud_judge(few, { emd_points = 6 })
local own = judge:scores(few)
T.eq({ own.cov_cd, own.mmd_cd, own.one_nn_cd, own.one_nn_emd }, { 1, 0.0, 0.0, 0.0 }, "cloud_judge: a copy of the test clouds")
local others = rp.randn(3, 15, 3)
local by_hand = M.cloud_scores(M.cloud_distances(others, few, "earth_mover"), M.cloud_distances(others, others, "earth_mover"), within)
T.eq(M.cloud_judge(few):scores(others).mmd_emd, by_hand.mmd, "... the same as by hand")
T.near(judge:scores(others).mmd_emd, M.cloud_judge(few:slice(2, 1, 6)):scores(others:slice(2, 1, 6)).mmd_emd, 1e-15, "... of the first points")
local many = rp.randn(40, 5, 3)
local same = M.cloud_distances(many, many)
local noise = M.cloud_noise(same, 20, { draws = 100 })
T.ok(math.abs(noise.one_nn.mean - 0.5) < 0.06 and noise.one_nn.sd > 0.02 and noise.one_nn.sd < 0.15,
  "cloud_noise: halves of one set are told apart by chance alone", ("%g, sd %g"):format(noise.one_nn.mean, noise.one_nn.sd))
T.eq(M.cloud_noise(same, 20, { draws = 1 }).cov.sd, 0.0, "... one draw has no spread")
T.raises(function() M.cloud_noise(same, 21) end, "two sets of 21 clouds cannot be drawn from 40", "... sets that are too large")

-------------------------------------------------------------------------------------------- clouds of points
rp.seed(5)
local set_net = nn.PointTransformer { width = 16, depth = 2, heads = 2 }
T.eq(set_net(rp.randn(2, 7, 3), rp.rand(2)):abs():max():item(), 0.0, "PointTransformer starts at 0")
for _, p in ipairs(set_net:parameters()) do p:detach():copy_(rp.randn(p.shape) * 0.2) end
local cloud, when = rp.randn(2, 7, 3), rp.rand(2)
local moved, tokens_2 = set_net(cloud, when, nil, 2)
T.eq({ moved.shape, tokens_2.shape }, { { 2, 7, 3 }, { 2, 7, 16 } }, "PointTransformer: points and tapped tokens")
local order = rp.tensor({ 3, 1, 7, 2, 6, 5, 4 }, "int64")
T.near(set_net(cloud:index_select(2, order), when), moved:index_select(2, order), 2e-5, "... follows the order of the points")
T.ok((set_net(cloud, when + 0.3) - moved):abs():max():item() > 1e-3, "... and depends on time")
T.raises(function() set_net(rp.zeros(2, 7, 2), when) end, "PointTransformer", "... points of two coordinates")

local pair = rp.tensor { { { 0, 0, 0 }, { 0, 0, 2 }, { 0, 0, 1 }, { 0, 0, 1 } } }    -- centre (0, 0, 1), radius 1
local grid, at = nn.voxelise(pair, rp.tensor { { { 1 }, { 2 }, { 4 }, { 8 } } }, 4)
T.eq(at:totable(), { { { 2, 2, 0 }, { 2, 2, 3 }, { 2, 2, 2 }, { 2, 2, 2 } } }, "voxelise: coordinates by hand")
T.eq({ grid[{ 1, 1, 3, 3, {} }]:totable(), grid:sum():item() }, { { 1, 0, 6, 2 }, 9.0 }, "... the mean of each cell, 0 in empty ones")
local ramp_3 = rp.arange(0, 4, 1, "float64")
local linear_grid = (ramp_3:reshape(5, 1, 1) * 2 + ramp_3:reshape(1, 5, 1) * 3 - ramp_3 + 1):reshape(1, 1, 5, 5, 5)
local places = rp.rand(1, 9, 3, "float64") * 4
T.near(nn.devoxelise(linear_grid, places):squeeze(3), places:matmul(rp.tensor({ { 2 }, { 3 }, { -1 } }, "float64")):squeeze(3) + 1, 1e-12,
  "devoxelise: linear functions are reproduced")
T.ok(rp.gradcheck(function(y) return nn.devoxelise(y, places):square():sum() end, { rp.randn(1, 2, 5, 5, 5, "float64") }),
  "... its gradient")

local patch_layers = require "repro.nn.patches"
local grid_tokens = rp.randn(2, 4 * 2 * 6, 3)
local windows = patch_layers.to_windows(grid_tokens, { 4, 2, 6 }, 2)
T.eq(windows.shape, { 2 * 6, 8, 3 }, "windows: their number and size")
T.eq(windows[{ 1, {}, 1 }]:totable(), grid_tokens:index_select(2, rp.tensor({ 1, 2, 7, 8, 13, 14, 19, 20 }, "int64"))[{ 1, {}, 1 }]:totable(),
  "... the first holds neighbours")
T.bits(patch_layers.from_windows(windows, { 4, 2, 6 }, 2, 2), grid_tokens, "... and back")
local function dit_3d(window)
  local net_3d = nn.VoxelDiT { size = 8, patch = 2, width = 24, depth = 2, heads = 2, window = window, window_every = 2,
                               generator = rp.generator(1, "dit3d") }
  local g = rp.generator(2, "weights")
  for _, p in ipairs(net_3d:parameters()) do p:detach():copy_(g:randn(p.shape) * 0.2) end
  return net_3d
end
local whole, points_3d = dit_3d(), rp.randn(2, 40, 3)
local out_3d, tapped_3d = whole(points_3d, when, nil, 1)
T.eq({ out_3d.shape, tapped_3d.shape }, { { 2, 40, 3 }, { 2, 64, 24 } }, "VoxelDiT: points and tokens")
T.near(dit_3d(4)(points_3d, when), out_3d, 1e-6, "... one window that holds the grid changes nothing")
T.ok((dit_3d(2)(points_3d, when) - out_3d):abs():max():item() > 1e-4, "... smaller windows do")
T.eq(dit_3d(2):count(), whole:count(), "... and have no weights of their own")
out_3d:square():mean():backward()
T.ok(whole.dit.patches.fc.weight.grad:abs():max():item() > 0, "... gradients reach the first layer")
T.raises(function() dit_3d(3) end, "4 tokens along an axis do not divide into windows of 3", "... windows that do not fit")
T.raises(function() nn.VoxelDiT() end, "give options", "... no options")

T.done()
