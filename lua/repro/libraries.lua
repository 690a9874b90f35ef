--- The libraries of rp, rp.nn and so on: each a module repro.NAME, loaded when it is first named.
return {
  "nn", "models", "optim", "diffusion", "contrastive", "eigenmap", "metrics", "data", "plot", "linalg", "special", "ode", "fit",
  "dynamics", "transport", "semi_supervised", "unsupervised", "paper", "runs", "sweep", "weave", "gradcheck", "profile",
  "compile", "live", "conflict",
}
