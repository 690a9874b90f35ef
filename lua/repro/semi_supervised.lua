--- repro.semi_supervised: classification from few labels and many examples without one.
---
---     local W = semi_supervised.knn_graph(z, { k = 20 })                    -- z (n, d) hidden features
---     local F = semi_supervised.propagate(W, labels)                        -- labels (n), 0 where unknown
---     local guess = semi_supervised.pseudo_labels(F, labels, { align = true })
---     local history = semi_supervised.laplacenet(model, x, labels, { rounds = 20 })     -- all of it, in turns with training
---
---   labelled             where labels are known, and where not               semi_supervised/known.lua
---   knn_graph            similarities of nearest neighbours, normalised       semi_supervised/graph.lua
---   propagate            labels spread over a graph                           semi_supervised/propagation.lua
---   pseudo_labels, align what they say of the unlabelled, and how surely      semi_supervised/pseudo_label.lua
---   beta, mixup          convex combinations of examples                      semi_supervised/mixup.lua
---   laplacenet           rounds of pseudo-labels and training                 semi_supervised/laplacenet.lua
---
--- Labels are int64 (n), classes from 1, and 0 for an example without a label.  The graph and everything that is computed
--- on it are float64 without gradients.

local semi_supervised = { labelled = require "repro.semi_supervised.known".labelled }

for _, part in ipairs { "graph", "propagation", "pseudo_label", "mixup", "laplacenet" } do
  for name, value in pairs(require("repro.semi_supervised." .. part)) do semi_supervised[name] = value end
end

return semi_supervised
