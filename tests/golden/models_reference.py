"""Reference values for rp.models from the published implementations (diffusers, transformers) in float64.

    pip install torch diffusers transformers
    python3 tests/golden/models_reference.py > tests/golden/models_reference.lua

Names and shapes are those of the published sizes, as a SHA-256 of the sorted lines "name 2x3".  Values are those of small
networks whose j-th tensor, in the order of names, is filled by `number`, which both sides write down exactly.
"""
import hashlib
import json
import math
import torch
import diffusers
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPConfig, CLIPModel

torch.set_num_threads(1)


def number(j, i):
    """Element i of tensor j, in [-1/2, 1/2)."""
    x = (i * 7919 + j * 104729 + 12345) % 65537
    return (x * x % 65537) / 65536.0 - 0.5


def tensor(j, shape):
    values = [number(j, i) for i in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def filled(j, name, shape):
    """Scales around 1 for norms, else numbers over the root of the fan-in."""
    x = tensor(j, shape)
    if len(shape) == 1:
        return 1 + x / 2 if "norm" in name and name.endswith("weight") else x / 2
    return x * 2 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else x


def fill(model):
    model.double().eval()
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("position_ids")}
    for j, name in enumerate(sorted(state)):
        with torch.no_grad():
            state[name].copy_(filled(j, name, tuple(state[name].shape)))
    return model


class Waves(torch.nn.Module):
    """diffusers' sinusoids of time, in double precision."""
    def __init__(self, d):
        super().__init__()
        self.d = d

    def forward(self, t):
        half = self.d // 2
        w = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float64) / half)
        a = t.double()[:, None] * w
        return torch.cat([a.cos(), a.sin()], 1)


def sizes(model):
    names = sorted(k for k in model.state_dict() if not k.endswith("position_ids"))
    lines = [k + " " + "x".join(map(str, model.state_dict()[k].shape)) for k in names]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest(), sum(p.numel() for p in model.parameters())


def put(name, x):
    print(f"  {name} = {{ " + ", ".join(f"{v:.15g}" for v in x.detach().reshape(-1).tolist()) + " },")


def unet(channels, heads, context, groups):
    return UNet2DConditionModel(block_out_channels=channels, attention_head_dim=heads, cross_attention_dim=context,
                                norm_num_groups=groups, use_linear_projection=True,
                                down_block_types=("CrossAttnDownBlock2D",) * (len(channels) - 1) + ("DownBlock2D",),
                                up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (len(channels) - 1))


def autoencoder(channels, groups):
    n = len(channels)
    return AutoencoderKL(block_out_channels=channels, layers_per_block=2, latent_channels=4, norm_num_groups=groups,
                         down_block_types=("DownEncoderBlock2D",) * n, up_block_types=("UpDecoderBlock2D",) * n)


def clip(vision, text, projection, image, patch, vocabulary, length):
    def tower(width, depth, heads):
        return dict(hidden_size=width, intermediate_size=4 * width, num_hidden_layers=depth, num_attention_heads=heads,
                    projection_dim=projection)
    return CLIPModel(CLIPConfig(
        projection_dim=projection, vision_config=dict(tower(*vision), image_size=image, patch_size=patch),
        text_config=dict(tower(*text), vocab_size=vocabulary, max_position_embeddings=length, eos_token_id=2)))


print("-- Written by models_reference.py: diffusers %s, transformers %s, torch %s." %
      (diffusers.__version__, transformers.__version__, torch.__version__.split("+")[0]))
print("-- luacheck: no max line length")
print("return {")
with torch.device("meta"):
    for name, model in (("unet", unet((320, 640, 1280, 1280), (5, 10, 20, 20), 1024, 32)),
                        ("vae", autoencoder((128, 256, 512, 512), 32)),
                        ("clip", clip((1024, 24, 16), (768, 12, 12), 768, 224, 14, 49408, 77))):
        digest, count = sizes(model)
        print(f'  {name}_names = "{digest}", {name}_count = {count},')

model = fill(unet((8, 16, 16), (1, 2, 2), 12, 4))
model.time_proj = Waves(8)
with torch.no_grad():
    put("unet", model(tensor(901, (2, 4, 8, 8)), torch.tensor([3, 998]), tensor(902, (2, 2, 12))).sample)
    model = fill(autoencoder((4, 8, 8), 4))
    latent = model.encode(tensor(903, (1, 3, 16, 16))).latent_dist
    put("vae_mean", latent.mean), put("vae_log_var", latent.logvar), put("vae_decoded", model.decode(latent.mean).sample[:, :, 3:9, 4:12])
    model = fill(clip((16, 2, 2), (12, 2, 3), 10, 8, 4, 30, 7))
    words = torch.tensor([[28, 4, 7, 1, 29, 0, 0], [28, 11, 29, 2, 3, 4, 5]])
    out = model(input_ids=words, pixel_values=tensor(904, (2, 3, 8, 8)))
    vision = model.vision_model(tensor(904, (2, 3, 8, 8)))
    put("clip_image", model.visual_projection(vision.pooler_output))
    put("clip_tokens", vision.last_hidden_state[:, 1:])
    put("clip_text", model.text_projection(model.text_model(words).pooler_output))
    put("clip_logits", out.logits_per_image)

# Words: a vocabulary made as CLIP's is, all bytes, all bytes at the end of a word, merges, the two marks.
MERGES = ["t h", "th e</w>", "i n", "in g</w>", "o n</w>", "l e", "f t</w>", "le ft</w>", "c a", "ca t</w>", "a t</w>", "\u00c3 \u00a9</w>"]
TEXTS = ["The cat", "a  cat's LEFT ear,\tleft!?", "thething in 2024 isn't on", "caf\u00e9 it''s <|endoftext|> x", ""]


def words():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    letters = [chr(b) if b in printable else chr(next(extra)) for b in range(256)]
    return letters + [c + "</w>" for c in letters] + [m.replace(" ", "") for m in MERGES] + ["<|startoftext|>", "<|endoftext|>"]


def quoted(items):
    return "{ " + ", ".join(json.dumps(t, ensure_ascii=False) for t in items) + " }"


tokenizer = transformers.CLIPTokenizer(vocab={w: i for i, w in enumerate(words())}, merges=[tuple(m.split()) for m in MERGES])
print("  merges =", quoted(MERGES) + ",")
print("  texts =", quoted(TEXTS) + ",")
print("  words = {")
for text in TEXTS:
    print("    { " + ", ".join(str(i) for i in tokenizer(text)["input_ids"]) + " },")
print("  },")
print("}")
