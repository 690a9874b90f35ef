local rp = require "repro"

local P = rp.paper{
  id = "semantic_transport", arxiv = "2606.00514", year = 2026,
  title = "Generate in Reconstruction Space, Match in Semantic Space: Transport Geometry for One-Step Generation",
  authors = "Hugues Van Assel, Edward De Brouwer, Saeed Saremi, Gabriele Scalia, Aviv Regev",
  settings = {
    dataset = {"colour", choices = {"colour", "cifar10"}, help = "drawn digits in colour, or CIFAR-10 from --data DIR"},
    seeds   = {smoke = 1, small = 3, paper = 3, min = 1, help = "independent runs, from the run's seed upwards"},
    n_train = {smoke = 400, small = 4000, paper = 50000, min = 100, help = "training images"},
    n_test  = {smoke = 200, small = 2000, paper = 10000, min = 100, help = "test images"},
    size    = {smoke = 8, small = 16, paper = 32, help = "side of the images, a divisor of 32"},
    code    = {smoke = 24, small = 128, paper = 512, min = 2, help = "dimension of the generation space"},
    width   = {smoke = 32, small = 256, paper = 1024, min = 1, help = "hidden width of the generator"},
    steps   = {smoke = 6, small = 300, paper = 400000, min = 1, help = "steps of a generator's training"},
    n_gen   = {smoke = 8, small = 32, paper = 64, min = 2, help = "N: generated samples of a class in a step"},
    n_pos   = {smoke = 16, small = 64, paper = 128, min = 1, help = "M: real samples of a class in a step"},
    n_unc   = {smoke = 8, small = 32, paper = 32, min = 1, help = "U: real samples of any class in a step"},
    taus    = {{0.05}, paper = {0.02, 0.05, 0.2}, help = "temperatures: eps = tau std(C)"},
    lr      = {3e-3, paper = 4e-4, help = "AdamW's learning rate"},
    warmup  = {smoke = 2, small = 100, paper = 10000, min = 0, help = "steps in which it rises"},
    ema     = {0.995, paper = 0.999, help = "decay of the average of the weights"},
  },
}

--[[
# Generate in reconstruction space, match in semantic space

**Abstract.** A one-step generator maps noise to a sample in one pass. It needs no adversary if generated and real samples are
compared as *distributions*. The paper compares them by the Sinkhorn divergence, a smooth Wasserstein distance, of frozen features
of self-supervised networks, and reports that on ImageNet this lowers FID 39 times against matching in the space in which the samples
are generated. Its explanation is geometry: semantic features leave out nuisance, distributions of them are compact, and a
transport that is estimated from a batch is stable. If so, stability tells which features to train with, and the features of
the evaluation metric need not be the best: training on Inception's own lowers FID and worsens the images.

The method below was worked out anew from the authors' public description of it. This script has the transport with all its
exact properties (1-3), the loss (4, 5), generators (6, 7), and the comparison of feature spaces at a small scale, with the ablation
that a reviewer would ask for: does the *transport* matter, or would any discrepancy do in the same space?

Letters are the paper's: $u_0 \sim \mathcal N(0, I)$ the noise, $u_1 = g_\theta(u_0, c, \alpha)$ the generated code, $x = Dec(u)$ the image, $u^+ = Enc(x)$
the code of a real image, $\phi$ the frozen features, $h = \phi(u_1)$; $q_\theta$ the generated distribution of features, $r_c$ that of real
samples of class $c$, $r$ that of all; $\varepsilon$ the regularisation, $\pi^\varepsilon$ the coupling, $w = \alpha - 1$ the weight of guidance.

## 1  Entropic transport (Sec. 3.1, App. B)

## 2  The Sinkhorn divergence (Sec. 3.1, App. B)

## 3  Four iterations (App. B)

## 4  The loss (Sec. 3.2, App. C)

## 5  A distribution in the plane

## 6  Generation space and generator (Sec. 3.2, App. D)

## 7  Training (App. D)

## 8  Featurizers and evaluators (Sec. 4)

## 9  Pixels against semantic features (Sec. 4, Table 1)

## 10  Couplings and matching stability (Sec. 4, Fig. 2)

## 11  Featurizer and evaluator: $R^2$ (Fig. 3)

## 12  Metric hacking (Sec. 4)

## 13  Transport or any discrepancy?

## 14  Single cells (App., Fig. 5)

## 15  The paper's claims
]]
