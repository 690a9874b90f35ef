-- repro.metrics.image_judge on drawn digits.
local T = require "tap"
local rp = require "repro"
local M = rp.metrics

-- images by a network of their own
local drawn = rp.data.numerals { n = 400, size = 8, seed = 1 }
local unseen = rp.data.numerals { n = 300, size = 8, seed = 1, name = "test" }
local judge = M.image_judge(drawn.x, drawn.y, { steps = 400, batch = 64, channels = 8, width = 16, spatial = 3 })
T.ok(judge:accuracy(unseen.x, unseen.y) > 0.7, "image_judge: most unseen images are named", tostring(judge:accuracy(unseen.x, unseen.y)))
local truth, seen = judge:see(drawn.x), judge:see(unseen.x)
T.eq({ seen.code.shape, seen.map.shape, seen.p.shape }, { { 300, 16 }, { 300, 3 * 16 }, { 300, 10 } }, "... its features")
local fair, shifted = judge:scores(truth, seen), judge:scores(truth, judge:see(unseen.x:roll(2, 4)))
local random = judge:scores(truth, judge:see(rp.rand(300, 1, 8, 8)))
T.ok(fair.fd < shifted.fd and shifted.fd < random.fd and fair.sfd < random.sfd, "... distances: unseen, shifted, random images")
T.ok(fair.is > 5 and random.is < fair.is, "... Inception score")
T.ok(fair.precision > 0.85 and shifted.precision < 0.75, "... precision", tostring(shifted.precision))
T.ok(fair.recall > 0.85 and shifted.recall < 0.5 and random.recall < 0.1, "... recall", tostring(shifted.recall))
T.eq(judge:scores(truth, truth).precision, 1.0, "... a copy is precise")
T.eq(M.image_judge(drawn.x, drawn.y, { steps = 3 }).net:hash(), M.image_judge(drawn.x, drawn.y, { steps = 3 }).net:hash(), "... same bits again")
T.raises(function() M.image_judge(drawn.x, drawn.y * 0) end, "of one class", "... one class")
T.raises(function() M.image_judge(drawn.x:squeeze(2), drawn.y) end, "%(n, C, S, S%)", "... no images")
T.done()
