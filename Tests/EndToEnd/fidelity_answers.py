# SPDX-License-Identifier: Apache-2.0
"""Answers that hold every field of the chat API of OpenAI, and what engines add: plain ones, and streams chunk by chunk."""

from __future__ import annotations

from stub_engine import chunk, completion

_USAGE = {
    "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 5, "audio_tokens": 0, "accepted_prediction_tokens": 1, "rejected_prediction_tokens": 0,
    },
    "cost": 1e-7, "queue_time": 1.0,
}  # fmt: skip
_LOGPROB = {
    "token": "hé", "logprob": -1e-7, "bytes": [104, 195, 169],
    "top_logprobs": [{"token": "hé", "logprob": -1e-7, "bytes": None}, {"token": "ho", "logprob": -12.0, "bytes": [104, 111]}],
}  # fmt: skip
_LOGPROBS = {"content": [_LOGPROB], "refusal": None}
_ANNOTATION = {
    "type": "url_citation",
    "url_citation": {"url": "https://example.com/", "title": "Example", "start_index": 0, "end_index": 5},
}
_AUDIO = {"id": "audio_1", "data": "UklGRg==", "expires_at": 1_700_000_100, "transcript": "hello"}
_CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"zulu":  "a", "alpha": 1}'}}
_CUSTOM = {"id": "call_2", "type": "custom", "custom": {"name": "calculate", "input": "1 + 1"}}
_DETAILS = [{"type": "reasoning.encrypted", "data": "s==", "id": None, "format": "x", "index": 0}]
_FILTER = {"hate": {"filtered": False, "severity": "safe"}}

PLAIN: dict[str, dict] = {
    "text": completion({"content": "hello"}),
    "letters of many kinds": completion({"content": "ü 你好 \U0001f469‍\U0001f467 \u2028\u2029\x85 \\ / \" \n\t\x00"}),
    "an answer without words": completion({"content": ""}),
    "a refusal": completion({"content": None, "refusal": "I cannot help with that."}),
    "reasoning": completion({"content": "Yes.", "reasoning": "So …", "reasoning_details": _DETAILS}),
    "reasoning_content": completion({"reasoning_content": "So …", "content": "Yes."}),
    "annotations": completion({"content": "hello", "annotations": [_ANNOTATION], "refusal": None}),
    "audio": completion({"content": None, "audio": _AUDIO}),
    "tool calls": completion({"content": None, "tool_calls": [_CALL, _CUSTOM]}, "tool_calls"),
    "a function call": completion({"content": None, "function_call": _CALL["function"]}, "function_call"),
    "usage with details": completion({"content": "hello"}, usage=_USAGE),
    "fingerprint and tier": completion({"content": "hello"}, system_fingerprint="fp_1", service_tier="flex"),
    "length": completion({"content": "hel"}, "length"),
    "content_filter": completion({"content": ""}, "content_filter"),
    "a reason that nobody knows": completion({"content": "hello"}, "eos_token"),
    "logprobs": completion({}, choices=[
        {"index": 0, "message": {"role": "assistant", "content": "hé"}, "logprobs": _LOGPROBS, "finish_reason": "stop"},
    ]),
    "several choices": completion({}, choices=[
        {"index": number, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for number, text in enumerate(("one", "two", "three"))
    ]),
    "what nobody knows": completion(
        {}, unheard_of={"zulu": [1, None, 1.0], "alpha": {}}, citations=["https://example.com/"], timings={"predicted_ms": 1.5},
        prompt_filter_results=[{"prompt_index": 0, "content_filter_results": _FILTER}],
        choices=[{
            "index": 0, "finish_reason": "stop", "content_filter_results": _FILTER, "stop_reason": 128_009,
            "message": {"role": "assistant", "content": "hello", "extra": {"ü": [9_007_199_254_740_993]}},
        }],
    ),
}  # fmt: skip

_FIRST = chunk({"role": "assistant", "content": ""})
_END = chunk({}, "stop")


def _choices(*choices: dict) -> dict:
    return {**_FIRST, "choices": list(choices)}


STREAMS: dict[str, list[dict]] = {
    "text": [_FIRST, chunk({"content": "hel"}), chunk({"content": "lo"}), _END],
    "letters of many kinds": [_FIRST, chunk({"content": "ü 你好 \U0001f469‍\U0001f467 \\ / \" \n\t\x00"}), _END],
    # An engine may write them as they are; some clients take them for the end of a line.
    "ends of lines that few know": [_FIRST, chunk({"content": "a\u2028b\u2029c\x85d"}), _END],
    "empty pieces": [
        _FIRST, chunk({"content": ""}), chunk({"content": "hello"}), chunk({"content": ""}), chunk({}), _END,
    ],
    "all in the last chunk": [chunk({"role": "assistant", "content": "hello"}, "stop")],
    "a refusal": [chunk({"role": "assistant", "refusal": ""}), chunk({"refusal": "I can"}), chunk({"refusal": "not."}), _END],
    "reasoning": [
        _FIRST, chunk({"reasoning": "So", "reasoning_details": _DETAILS}), chunk({"reasoning": " …"}),
        chunk({"content": "Yes."}), _END,
    ],
    "reasoning_content": [
        _FIRST, chunk({"reasoning_content": "So …", "content": None}),
        chunk({"content": "Yes.", "reasoning_content": None}), _END,
    ],
    "annotations": [_FIRST, chunk({"content": "hello"}), chunk({"annotations": [_ANNOTATION]}), _END],
    "audio": [
        chunk({"role": "assistant", "audio": {"id": "audio_1", "transcript": "hel"}}), chunk({"audio": {"data": "UklGRg=="}}),
        chunk({"audio": {"expires_at": 1_700_000_100}}), _END,
    ],
    "tool calls": [
        chunk({"role": "assistant", "content": None, "tool_calls": [
            {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": ""}},
        ]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"zulu":  '}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"a"}'}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "call_2", "type": "custom", "custom": {"name": "calculate", "input": "1"}}]}),
        chunk({"tool_calls": [{"index": 1, "custom": {"input": " + 1"}}]}),
        chunk({}, "tool_calls"),
    ],
    "a function call": [
        chunk({"role": "assistant", "content": None, "function_call": {"name": "look_up", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}), chunk({}, "function_call"),
    ],
    "usage with details": [{**one, "usage": None} for one in (_FIRST, chunk({"content": "hello"}), _END)]
    + [{**_FIRST, "choices": [], "usage": _USAGE}],
    "fingerprint and tier": [
        {**one, "system_fingerprint": "fp_1", "service_tier": "flex", "obfuscation": "x1"}
        for one in (_FIRST, chunk({"content": "hello"}), _END)
    ],
    "length": [_FIRST, chunk({"content": "hel"}), chunk({}, "length")],
    "content_filter": [_FIRST, chunk({}, "content_filter")],
    "a reason that nobody knows": [_FIRST, chunk({"content": "hello"}), chunk({}, "eos_token")],
    "logprobs": [
        _FIRST, _choices({"index": 0, "delta": {"content": "hé"}, "logprobs": _LOGPROBS, "finish_reason": None}),
        _choices({"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}),
    ],
    "several choices": [
        _FIRST, _choices({"index": 1, "delta": {"role": "assistant", "content": "two"}, "finish_reason": None}),
        _choices({"index": 0, "delta": {"content": "one"}, "finish_reason": None}),
        _choices({"index": 1, "delta": {}, "finish_reason": "length"}),
        _choices({"index": 0, "delta": {}, "finish_reason": "stop"}),
    ],
    "what nobody knows": [
        {**_FIRST, "unheard_of": {"zulu": [1, None, 1.0], "alpha": {}}, "provider": "Stub"},
        _choices({"index": 0, "delta": {"content": "hello", "extra": [9_007_199_254_740_993]}, "finish_reason": None,
                  "content_filter_results": _FILTER}),
        {**_END, "citations": ["https://example.com/"], "timings": {"predicted_ms": 1.5, "predicted_n": 1}},
    ],
}  # fmt: skip

ERRORS: dict[str, tuple[int, dict]] = {
    "400 with all members": (
        400, {"message": "'zulu' is not of type 'string'.", "type": "invalid_request_error", "param": "tools[0].zulu",
              "code": "invalid_type"},
    ),
    "400 without code and param": (
        400, {"message": "Unsupported value.", "type": "invalid_request_error", "param": None, "code": None},
    ),
    "400 of a long prompt": (
        400, {"message": "This model's maximum context length is 10 tokens.", "type": "invalid_request_error",
              "param": "messages", "code": "context_length_exceeded"},
    ),
    "422": (422, {"message": "Field required", "type": "validation_error", "param": "messages.0", "code": "missing"}),
}  # fmt: skip
