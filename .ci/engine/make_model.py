"""Makes a tiny Llama of random weights and its tokenizer: make_model.py FOLDER

FOLDER gets tiny.gguf for llama.cpp, and tokenizer.json; FOLDER/tiny the same for vLLM, SGLang and transformers. A second's
work, 3 million parameters, a context of 8,192 tokens, no download. Needs numpy, tokenizers and gguf.

What the model says means nothing, but what it may say is chosen, so that a run can be checked: every token it emits is a
readable piece of ASCII text, and it never ends an answer by itself, so an answer has exactly the tokens that were asked for.
The choice is a bias on the logits. Llama has none, so it is smuggled in: dimension 0 of the residual stream is the same
constant for every token and no layer writes to it, which makes column 0 of the output matrix a bias per token.
"""
import json
import random
import struct
import sys
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

LAYERS, WIDTH, HEADS, FEED_FORWARD, VOCABULARY, CONTEXT = 2, 256, 4, 512, 3072, 8192
BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
CHAT = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


def train_tokenizer():
    """A byte-level BPE over made-up sentences; any text can be encoded with it."""
    draw = random.Random(7)
    syllables = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "ar", "en", "ol")]
    words = ["".join(draw.choices(syllables, k=draw.randint(1, 3))) for _ in range(5000)]
    sentences = [" ".join(draw.choices(words, k=14)).capitalize() + "." for _ in range(6000)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(sentences, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[BEGIN, END, UNKNOWN], initial_alphabet=alphabet, show_progress=False))
    assert tokenizer.get_vocab_size() == VOCABULARY, tokenizer.get_vocab_size()
    return tokenizer


def may_be_said(tokenizer, token):
    """Whether the token alone is printable ASCII, so that each one streams as a readable piece."""
    text = tokenizer.decode([token], skip_special_tokens=False)
    return token > 2 and text != "" and all(32 <= ord(c) < 127 for c in text)


def weights(tokenizer):
    draw = np.random.default_rng(7)

    def noise(*shape):
        return (draw.standard_normal(shape) * 0.04).astype(np.float32)

    embedding, output = noise(VOCABULARY, WIDTH), noise(VOCABULARY, WIDTH)
    embedding[:, 0] = 1.0
    allowed = np.array([may_be_said(tokenizer, t) for t in range(VOCABULARY)])
    output[:, 0] = np.where(allowed, 0.0, -30.0)
    yield "token_embd.weight", embedding
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", np.ones(WIDTH, np.float32)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix = noise(WIDTH, WIDTH)
            if part == "attn_output":
                matrix[0, :] = 0.0
            yield f"{block}{part}.weight", matrix
        yield block + "ffn_norm.weight", np.ones(WIDTH, np.float32)
        yield block + "ffn_gate.weight", noise(FEED_FORWARD, WIDTH)
        yield block + "ffn_up.weight", noise(FEED_FORWARD, WIDTH)
        down = noise(WIDTH, FEED_FORWARD)
        down[0, :] = 0.0
        yield block + "ffn_down.weight", down
    yield "output_norm.weight", np.ones(WIDTH, np.float32)
    yield "output.weight", output


# What transformers calls the parts of a block; the other names follow from these.
PARTS = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
         "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}


def name_in_transformers(name):
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.weight"


def write_for_transformers(folder, tokenizer):
    """config.json, tokenizer and weights (safetensors: a JSON table of what lies where, then the numbers, here bfloat16)."""
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
        "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": False,
        "bos_token_id": 0, "eos_token_id": 1, "torch_dtype": "bfloat16",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    special = {"bos_token": BEGIN, "eos_token": END, "unk_token": UNKNOWN, "chat_template": CHAT, "model_max_length": CONTEXT}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **special}, indent=1))
    table, numbers = {}, b""
    for name, tensor in weights(tokenizer):
        half = (np.ascontiguousarray(tensor).view(np.uint32) >> 16).astype("<u2").tobytes()
        table[name_in_transformers(name)] = {
            "dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [len(numbers), len(numbers) + len(half)]}
        numbers += half
    head = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + numbers)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_for_transformers(folder / "tiny", tokenizer)
    by_id = [text for text, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]

    out = gguf.GGUFWriter(str(folder / "tiny.gguf"), "llama")
    out.add_name("tiny")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(WIDTH)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FEED_FORWARD)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_rope_dimension_count(WIDTH // HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_vocab_size(VOCABULARY)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(by_id)
    out.add_token_types([gguf.TokenType.CONTROL if t < 3 else gguf.TokenType.NORMAL for t in range(VOCABULARY)])
    out.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    out.add_bos_token_id(0)
    out.add_eos_token_id(1)
    out.add_add_bos_token(False)
    out.add_chat_template(CHAT)
    for name, tensor in weights(tokenizer):
        out.add_tensor(name, tensor)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
