"""The language model with summary tokens: equations, contract and isolation."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from transformers import Qwen2Config, Qwen2ForCausalLM

from longreel.compress.baselines import RandomTokens
from longreel.errors import ModelError
from longreel.key_values import Interval
from longreel.models.engine.prefill import Prefill
from longreel.models.video_xl import SummaryTokenLM
from longreel.models.video_xl.grouped import read_rows, watch_films
from longreel.models.video_xl.varied import watch_cut_films
from tests.models.conftest import TINY, tiny_lm
from tests.oracles.video_xl import watch_and_ask

RATIOS = [[1], [2], [4], [5], [12], [13], [2, 4, 3], [1, 4, 1]]


def weights_digest(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def stock_twin(lm: SummaryTokenLM) -> Qwen2ForCausalLM:
    config = {key: value for key, value in TINY.items() if not key.startswith("summary")}
    twin = Qwen2ForCausalLM(Qwen2Config(**config)).eval()
    twin.load_state_dict({k: v for k, v in lm.state_dict().items() if "summary" not in k})
    return twin


@pytest.mark.parametrize("ratios", RATIOS, ids=str)
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("start", ["learned", "mean"])
def test_logits_and_memory_equal_the_plain_oracle(ratios, kv_heads, start, film):
    lm = tiny_lm(num_key_value_heads=kv_heads, summary_start=start)
    prefix, visual, question = film
    memory = lm.watch(prefix, visual, interval=12, ratios=ratios)
    expected, oracle = watch_and_ask(lm.config, lm.state_dict(), prefix, visual, question, 12, ratios)
    assert torch.allclose(lm.logits(memory, question).double(), expected, atol=1e-4)
    for layer, plain in zip(memory.layers, oracle.memory, strict=True):
        film_entries = plain[: len(plain) - len(question)]
        values = torch.stack([value for _, value in film_entries], dim=1)
        assert torch.allclose(layer.values.double(), values, atol=1e-5)


def test_intervals_may_be_listed(lm, film):
    prefix, visual, question = film
    lengths, ratios = [3, 12, 1, 8, 6], [2, 4, 1, 4, 2]
    memory = lm.watch(prefix, visual, interval=lengths, ratios=ratios)
    expected, _ = watch_and_ask(lm.config, lm.state_dict(), prefix, visual, question, lengths, ratios)
    assert torch.allclose(lm.logits(memory, question).double(), expected, atol=1e-4)
    answer = torch.tensor([9, 10])
    loss = lm.loss(prefix, visual, question, answer, interval=lengths, ratios=ratios)
    logits = lm.logits(memory, torch.cat([question, answer]))[len(question) - 1 : -1]
    assert torch.allclose(loss, cross_entropy(logits, answer), atol=1e-5)
    for wrong in ([], [30, 1], [29], [31, -1], [30, 0]):
        with pytest.raises(ValueError, match="do not make up 30 visual tokens"):
            lm.watch(prefix, visual, interval=wrong, ratios=[2])


@pytest.mark.parametrize("ratios", RATIOS, ids=str)
def test_entries_name_the_raw_token_they_follow(lm, film, ratios):
    prefix, visual, _ = film
    memory = lm.watch(prefix, visual, interval=12, ratios=ratios)
    expected = [-1, -1, -1]
    for number, start in enumerate((0, 12, 24)):
        ratio = ratios[number % len(ratios)]
        tokens = min(12, 30 - start)
        expected += [start + ratio * (j + 1) - 1 for j in range(tokens // ratio)]
    for layer in memory.layers:
        assert layer.token.tolist() == expected
        assert layer.positions.tolist() == list(range(len(expected)))
        assert layer.keys.shape == layer.values.shape == (2, len(expected), 8)
    assert memory.next_position == len(expected)
    assert memory.visual_tokens == 30


def test_raw_tokens_kept_is_plain_qwen2(lm, film):
    prefix, visual, question = film
    twin = stock_twin(lm)
    embedded = torch.cat([twin.model.embed_tokens(prefix), visual, twin.model.embed_tokens(question)])
    with torch.no_grad():
        expected = twin(inputs_embeds=embedded[None]).logits[0, -len(question) :]
        greedy = twin.generate(
            inputs_embeds=embedded[None],
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
        )[0]
    for interval in (1, 7, 12, 30, 1440):
        memory = lm.watch(prefix, visual, interval=interval, ratios=[1])
        assert torch.allclose(lm.logits(memory, question), expected, atol=1e-5)
        assert lm.generate(memory, question, max_new_tokens=12) == greedy.tolist()


@pytest.mark.parametrize("ratio", [1, 2, 3, 4, 5])
def test_one_masked_forward_over_everything_equals_interval_by_interval(lm, film, ratio):
    prefix, visual, question = film
    films = torch.stack(
        [torch.cat([visual, visual[:6]]), torch.cat([visual.flip(0), torch.full((6, 32), 9.0)])]
    )
    lengths = torch.tensor([36, 30])
    memories = watch_films(lm, prefix, films, lengths, interval=12, ratio=ratio)
    logits = lm.lm_head(read_rows(lm, memories, question.expand(2, 3, 4)))
    for number, length in enumerate(lengths.tolist()):
        alone = lm.watch(prefix, films[number, :length], interval=12, ratios=[ratio])
        expected = lm.logits(alone, question)
        assert torch.allclose(logits[number], expected.expand(3, -1, -1), atol=1e-5)


@pytest.mark.parametrize("start", ["learned", "mean"])
@pytest.mark.parametrize("kv_heads", [1, 4])
def test_films_cut_differently_in_one_pass_equal_each_alone(start, kv_heads, film):
    lm = tiny_lm(num_key_value_heads=kv_heads, summary_start=start)
    prefix, visual, question = film
    films = torch.stack([visual, visual.flip(0), torch.full_like(visual, 9.0)])
    cuts = [
        [Interval(3, 2), Interval(12, 4), Interval(1, 1), Interval(8, 4), Interval(6, 5)],
        [Interval(10, 3), Interval(9, 1), Interval(2, 8)],
        [],
    ]
    memories = watch_cut_films(lm, prefix, films, cuts)
    logits = lm.lm_head(read_rows(lm, memories, question.expand(3, 2, -1)))
    answer = torch.tensor([9, 10])
    both = torch.cat([question, answer]).expand(3, 1, -1)
    hidden = read_rows(lm, memories, both)[:2, 0, len(question) - 1 : -1]
    cross_entropy(lm.lm_head(hidden).flatten(0, 1), answer.repeat(2)).backward()
    found = {name: p.grad.clone() for name, p in lm.named_parameters() if p.grad is not None}
    lm.zero_grad()
    for number, cut in enumerate(cuts):
        shown = films[number, : sum(tokens for tokens, _ in cut)]
        listed = {"interval": [tokens for tokens, _ in cut], "ratios": [ratio for _, ratio in cut] or [2]}
        expected = lm.logits(lm.watch(prefix, shown, **listed), question)
        assert torch.allclose(logits[number], expected.expand(2, -1, -1), atol=1e-5)
        if cut:
            (lm.loss(prefix, shown, question, answer, **listed) / 2).backward()
    for name, parameter in lm.named_parameters():
        if parameter.grad is not None:
            assert torch.allclose(found[name], parameter.grad, atol=1e-5), name


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ([[Interval(31, 2)]], "longer than the 30"),
        ([[Interval(0, 2)]], "at least one token"),
        ([[Interval(4, 0)]], "ratio of at least 1"),
        ([[]], "intervals of 1 films"),
        ([[Interval(4, 2)]] * 2, "intervals of 2 films for 1"),
    ],
    ids=str,
)
def test_cuts_that_cannot_be(lm, film, cuts, message):
    prefix, visual, _ = film
    with pytest.raises(ValueError, match=message):
        watch_cut_films(lm, prefix, visual[None], cuts)


def test_loss_is_the_mean_over_answer_tokens_and_reaches_every_weight_but_the_last_query(lm, film):
    prefix, visual, question = film
    answer = torch.tensor([9, 10, 11])
    loss = lm.loss(prefix, visual, question, answer, interval=12, ratios=[4, 2, 3])
    memory = lm.watch(prefix, visual, interval=12, ratios=[4, 2, 3])
    logits = lm.logits(memory, torch.cat([question, answer]))
    assert torch.allclose(loss, cross_entropy(logits[3:6], answer), atol=1e-5)
    loss.backward()
    silent = {name for name, p in lm.named_parameters() if p.grad is None or not p.grad.any()}
    last = "model.layers.2.self_attn.summary_q_proj"
    assert silent == {f"{last}.weight", f"{last}.bias"}


def test_gradients_of_both_training_forms_are_equal(lm, film):
    prefix, visual, question = film
    answer = torch.tensor([9, 10])
    lm.loss(prefix, visual, question, answer, interval=10, ratios=[5]).backward()
    plain = {name: p.grad.clone() for name, p in lm.named_parameters() if p.grad is not None}
    lm.zero_grad()
    memories = watch_films(lm, prefix, visual[None], torch.tensor([30]), interval=10, ratio=5)
    hidden = read_rows(lm, memories, torch.cat([question, answer])[None, None])
    cross_entropy(lm.lm_head(hidden[0, 0, 3:5]), answer).backward()
    for name, parameter in lm.named_parameters():
        if name in plain:
            assert torch.allclose(parameter.grad, plain[name], atol=1e-5), name


@settings(max_examples=25, deadline=None)
@given(
    tokens=st.integers(0, 40),
    interval=st.integers(1, 20),
    ratio=st.integers(1, 20),
    prefix=st.integers(1, 4),
)
def test_every_interval_keeps_n_over_r(tokens, interval, ratio, prefix):
    lm = tiny_lm()
    memory = lm.watch(torch.arange(prefix), torch.randn(tokens, 32), interval=interval, ratios=[ratio])
    parts = [min(interval, tokens - start) for start in range(0, tokens, interval)]
    assert memory.next_position == prefix + sum(part // ratio for part in parts)
    assert memory.layers[0].keys.shape[1] == memory.next_position


@pytest.mark.parametrize(
    ("interval", "ratios"),
    [(0, [2]), (12, []), (12, [2, 2]), (12, [2, 2, 2, 2]), (12, [0]), (12, [2, -1, 2])],
)
def test_impossible_intervals_and_ratios_raise(lm, film, interval, ratios):
    prefix, visual, _ = film
    with pytest.raises(ValueError, match=r"interval|ratios"):
        lm.watch(prefix, visual, interval=interval, ratios=ratios)


def test_the_model_is_unchanged_after_a_run_that_raises(lm, film):
    prefix, visual, question = film
    before = weights_digest(lm)
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    expected = lm.logits(memory, question)
    with pytest.raises(RuntimeError):
        lm.watch(prefix, torch.randn(30, 31), interval=12, ratios=[4])
    with pytest.raises(IndexError):
        lm.logits(memory, torch.tensor([5000]))
    assert weights_digest(lm) == before
    again = lm.watch(prefix, visual, interval=12, ratios=[4])
    assert torch.equal(lm.logits(again, question), expected)
    assert torch.equal(lm.logits(memory, question), expected)


def test_films_in_a_row_and_in_threads_never_meet(lm, film):
    prefix, visual, question = film
    films = [visual.roll(shift, 0) for shift in range(6)]
    jobs = [(each, [ratio]) for each in films for ratio in (1, 2, 4)]

    def answer(job):
        watched, ratios = job
        memory = lm.watch(prefix, watched, interval=12, ratios=ratios)
        return lm.logits(memory, question), lm.generate(memory, question)

    alone = [answer(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, jobs))
    for (logits, ids), (expected_logits, expected_ids) in zip(together, alone, strict=True):
        assert torch.equal(logits, expected_logits)
        assert ids == expected_ids
    assert not torch.equal(alone[0][0], alone[3][0])


def test_asking_never_changes_a_memory(lm, film):
    prefix, visual, question = film
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    copies = [(layer.keys.clone(), layer.values.clone()) for layer in memory.layers]
    first = lm.generate(memory, question, max_new_tokens=20)
    assert lm.generate(memory, question, max_new_tokens=20) == first
    for layer, (keys, values) in zip(memory.layers, copies, strict=True):
        assert torch.equal(layer.keys, keys)
        assert torch.equal(layer.values, values)


def test_a_stream_leaves_gradients_on_for_its_reader(lm, film):
    prefix, visual, question = film
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    stream = lm.stream(memory, question, max_new_tokens=2)
    next(stream)
    assert torch.is_grad_enabled()


def test_entries_kept_at_random_keep_their_values(lm, film):
    prefix, visual, _ = film
    prefill = Prefill(lm)
    with torch.no_grad():
        prefill.text(prefix)
        prefill.visual(visual[:12], RandomTokens(0.5))
    kept = prefill.key_values()
    full = lm.watch(prefix, visual[:12], interval=12, ratios=[1])
    chosen = kept.layers[0].token[3:]
    assert len(chosen) == 6
    for layer, whole in zip(kept.layers, full.layers, strict=True):
        assert torch.allclose(layer.values[:, 3:], whole.values[:, 3:][:, chosen])


def official(lm: SummaryTokenLM) -> tuple[dict, dict]:
    config = {key: value for key, value in TINY.items() if key != "rope_parameters"}
    config |= {"model_type": "llava_qwen", "rope_theta": 1e6, "beacon_window": 12, "beacon_stride": 12}
    config |= {"beacon_ratio": [2, 4], "beacon_attn": "full-coverage", "beacon_pos": "interleave", "mm_x": 1}
    tensors = {}
    for name, tensor in lm.state_dict().items():
        released = name.replace("summary_q", "beacon_q").replace("summary_k", "beacon_k")
        released = released.replace("summary_v", "beacon_v")
        tensors[released.replace("summary_embedding", "model.beacon_embed_tokens.weight")] = tensor
    tensors["model.mm_projector.0.weight"] = torch.zeros(2, 2)
    return config, tensors


def test_released_names_load(lm, film):
    prefix, visual, question = film
    config, tensors = official(lm)
    loaded = SummaryTokenLM.from_official(config, tensors)
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    assert torch.equal(loaded.logits(memory, question), lm.logits(memory, question))
    assert loaded.config.summary_ratios == [2, 4]


@pytest.mark.parametrize(
    "name",
    ["model.beacon_embed_tokens.weight", "model.layers.1.self_attn.beacon_q_proj.bias", "model.norm.weight"],
)
def test_a_checkpoint_without_a_tensor_is_refused(lm, name):
    config, tensors = official(lm)
    del tensors[name]
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        SummaryTokenLM.from_official(config, tensors)


def test_a_checkpoint_of_another_shape_is_refused(lm):
    config, tensors = official(lm)
    config["intermediate_size"] = 64
    with pytest.raises(ModelError, match="shape"):
        SummaryTokenLM.from_official(config, tensors)


@pytest.mark.parametrize(
    "change", [{"beacon_pos": "append"}, {"beacon_attn": "segmentation"}, {"beacon_stride": 6}]
)
def test_other_mechanisms_are_refused(lm, change):
    config, tensors = official(lm)
    with pytest.raises(ModelError, match=next(iter(change))):
        SummaryTokenLM.from_official(config | change, tensors)


def test_half_precision_checkpoints_stay_half(lm, film):
    prefix, visual, question = film
    config, tensors = official(lm)
    half = SummaryTokenLM.from_official(config, {k: v.to(torch.bfloat16) for k, v in tensors.items()})
    memory = half.watch(prefix, visual.to(torch.bfloat16), interval=12, ratios=[4])
    assert memory.layers[0].keys.dtype is torch.bfloat16
    assert half.logits(memory, question).dtype is torch.float32


def test_save_and_load_round_trip(lm, film, tmp_path):
    prefix, visual, question = film
    lm.save_pretrained(tmp_path)
    loaded = SummaryTokenLM.from_pretrained(tmp_path).eval()
    memory = lm.watch(prefix, visual, interval=12, ratios=[4])
    assert torch.equal(loaded.logits(memory, question), lm.logits(memory, question))


def test_summary_weights_start_as_copies(lm):
    lm.initialise_summary_tokens()
    for layer in lm.model.layers:
        attention = layer.self_attn
        assert torch.equal(attention.summary_k_proj.weight, attention.k_proj.weight)
        assert torch.equal(attention.summary_q_proj.bias, attention.q_proj.bias)
    assert torch.equal(lm.summary_embedding[0], lm.model.embed_tokens.weight[3])


@pytest.mark.parametrize("ratio", [1, 4])
def test_training_keeps_everything_on_the_device_of_the_model(ratio):
    """The device without numbers refuses to be mixed with others, as a GPU does."""
    lm = tiny_lm().to("meta")
    visual = torch.empty(2, 24, 32, device="meta")
    lengths = torch.empty(2, dtype=torch.int64, device="meta")
    prefix = torch.empty(3, dtype=torch.int64, device="meta")
    memories = watch_films(lm, prefix, visual, lengths, interval=12, ratio=ratio)
    ids = torch.empty(2, 3, 5, dtype=torch.int64, device="meta")
    assert read_rows(lm, memories, ids).shape == (2, 3, 5, 32)
