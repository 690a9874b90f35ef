--- repro.metrics: numbers by which a representation, a clustering or a generator is judged.
---
---   accuracy, top_k, confusion_matrix                     classification
---   nmi, ari, clustering_accuracy, cluster_scores         clusterings against classes
---   squared_distances, towards, each_chunk, nearest       distances
---   knn, knn_accuracy, knn_r2, silhouette, recall_at_k    what they say of labels
---   linear_probe, mlp_probe, svm                          classifiers trained on fixed features
---   gaussian, frechet_distance, frechet_between, inception_score, precision_recall, density_coverage,
---   mmd, kid, one_nn_accuracy, wasserstein, sliced_wasserstein                    generated against real
---   image_judge, file_judge                               generated images by a network trained for it, by features in files
---   chamfer, earth_mover, cloud_distances, cloud_scores, cloud_judge, cloud_noise         point clouds
---   scatter, tsne, effective_rank                         geometry of features
---   icc, linear_r2, spearman                              agreement: of repetitions, of features, of orders
---
--- Features are tensors (n, d), or (n, ...) which is flattened; they are detached and converted to float64, in which
--- everything is computed unless its description says otherwise.  Labels are integer tensors (n) or arrays of integers.
--- Every function is deterministic; those that draw numbers take {seed = 1}.

local metrics = {}

local parts = { "classification", "clustering", "distance", "neighbours", "linear_probe", "mlp_probe", "svm", "fidelity",
                "manifold", "two_sample", "clouds", "image_judge", "file_judge", "scatter", "tsne", "geometry" }

for _, part in ipairs(parts) do
  for name, value in pairs(require("repro.metrics." .. part)) do metrics[name] = value end
end

return metrics
